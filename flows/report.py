"""How a run ends for people: a sentence, and a table of what failed, why, whether it was charged, what to do."""

from prefect.artifacts import acreate_table_artifact

from prefect_storyboard.storyboards import FailedScene, Reel

_CHARGED = {True: "yes", False: "no", None: "unknown"}


class SeriesFailed(Exception):
    """Some scenes have no clip. `reel` holds what there is, and what failed; run again to render the rest."""

    def __init__(self, reel: Reel) -> None:
        super().__init__(reel)
        self.reel = reel

    def __str__(self) -> str:
        return summary(self.reel)


def summary(reel: Reel) -> str:
    """The end of a run in one sentence, or one sentence a failed scene."""
    total = len(reel.clips) + len(reel.failed)
    if not reel.failed:
        return f"{reel.title}: {total} scenes, {reel.seconds:g} s, {cost(reel)}"
    lines = [f"{len(reel.failed)} of {total} scenes failed; the other {len(reel.clips)} are in the library."]
    lines += [f"  {row['scene']}: {row['why']} (charged: {row['charged']}) {row['what to do']}" for row in rows(reel)]
    return "\n".join(lines)


def cost(reel: Reel) -> str:
    """What the reel cost; a price that nobody has published is said to be unknown."""
    known = f"${reel.cost_usd:.2f}"
    if not reel.unpriced:
        return known
    return f"{known} and {reel.unpriced} {'job' if reel.unpriced == 1 else 'jobs'} of unknown price"


def rows(reel: Reel) -> list[dict[str, str]]:
    """The table of failed scenes."""
    return [_row(failed) for failed in reel.failed]


async def report_failures(reel: Reel, slug: str) -> None:
    """Keep the table of failed scenes as an artifact of the run."""
    await acreate_table_artifact(
        key=f"{slug}-failed".encode("ascii", "ignore").decode() or "failed",
        table=rows(reel),
        description=f"Scenes of {reel.title} without a clip. Run again: what is stored is not bought twice.",
    )


def _row(failed: FailedScene) -> dict[str, str]:
    charged = _CHARGED[failed.charged]
    return {"scene": failed.scene, "why": failed.error, "charged": charged, "what to do": failed.remedy}
