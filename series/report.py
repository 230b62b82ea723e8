"""How a run ends for people: a sentence, and a table of what failed, why, whether it was charged, what to do."""

import asyncio
import base64
import io

from PIL import Image
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.context import FlowRunContext

from prefect_storyboard.blocks import Library
from prefect_storyboard.series.markdown import code, escaped, escaped_rows
from prefect_storyboard.storyboards import FailedScene, Plan, Reel
from prefect_storyboard.storyboards.money import price

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
        return f"{reel.title}: {count(total, 'scene')}, {reel.seconds:g} s, {cost(reel)}"
    lines = [f"{len(reel.failed)} of {total} scenes failed; the other {len(reel.clips)} are in the library."]
    lines += [f"  {row['scene']}: {row['why']} (charged: {row['charged']}) {row['what to do']}" for row in rows(reel)]
    return "\n".join(lines)


def cost(reel: Reel) -> str:
    """What the reel cost; a price that nobody has published is said to be unknown."""
    return _sum(reel.cost_usd, reel.unpriced)


def bought(reel: Reel) -> str:
    """What this run has bought."""
    if not reel.bought:
        return "nothing"
    if reel.bought == reel.bought_unpriced:
        return _sum(0.0, reel.bought)
    return f"{count(reel.bought, 'job')} for {_sum(reel.bought_usd, reel.bought_unpriced)}"


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sum(usd: float, unpriced: int) -> str:
    unknown = f"{count(unpriced, 'job')} of unknown price"
    if not unpriced:
        return price(usd)
    return f"{price(usd)} and {unknown}" if usd else unknown


def rows(reel: Reel) -> list[dict[str, str]]:
    """The table of failed scenes."""
    return [_row(failed) for failed in reel.failed]


async def report_costs(reel: Reel, plan: Plan) -> None:
    """Keep what was expected and what was charged, scene by scene, as an artifact of the run."""
    expected = {scene.scene.id: scene.usd for scene in plan.scenes}
    table = [
        {"scene": escaped(clip.scene), "estimate": price(expected[clip.scene]), "charged": price(clip.cost_usd)}
        for clip in reel.clips
    ]
    if table and FlowRunContext.get():
        text = f"{escaped(reel.title)}: {cost(reel)} in all; this run bought {bought(reel)}."
        await acreate_table_artifact(key=artifact_key(plan.storyboard.slug, "cost"), table=table, description=text)


async def report_reel(reel: Reel, plan: Plan, library: Library) -> None:
    """Keep the end of the run as one page: the sheet of all scenes, what they cost, and where everything is."""
    if not reel.url or FlowRunContext.get() is None:
        return
    place = ("reels", plan.storyboard.slug, "contact-sheet.jpg")
    sheet = await asyncio.to_thread(_small, library.storage().read(*place))
    title, told = escaped(reel.title), summary(reel).splitlines()
    lines = [f"# {title}", "", *(f"{escaped(line)}  " for line in told), ""]
    if sheet:
        lines += [f"![{title}](data:image/jpeg;base64,{sheet})", ""]
    lines += [
        f"- reel: {code(reel.url)}",
        f"- page: {code(reel.page or '')}",
        "",
        "| scene | take | seconds | cost | clip |",
    ]
    lines += ["|---|---|---|---|---|"]
    folder = reel.url.rpartition("/")[0] + "/"  # in full, the addresses run out of the page
    lines += [
        f"| {escaped(c.scene)} | {c.take} | {c.seconds:g} | {price(c.cost_usd)} | {code(c.url.removeprefix(folder))} |"
        for c in reel.clips
    ]
    key = artifact_key(plan.storyboard.slug, "reel")
    await acreate_markdown_artifact(key=key, markdown="\n".join(lines), description=escaped(told[0]))


def _small(sheet: bytes | None) -> str:
    """The contact sheet, small enough for a page that is kept in a database."""
    if not sheet:
        return ""
    with Image.open(io.BytesIO(sheet)) as picture:
        picture.thumbnail((900, 1600))
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=80, optimize=True)
    return base64.b64encode(target.getvalue()).decode()


def artifact_key(slug: str, kind: str) -> str:
    """The name of an artifact: Prefect takes lower-case letters, digits and hyphens."""
    plain = "".join(letter for letter in slug if letter.isascii() and (letter.isalnum() or letter == "-")).strip("-")
    return f"{plain}-{kind}" if plain else kind


async def report_failures(reel: Reel, slug: str) -> None:
    """Keep the table of failed scenes as an artifact of the run."""
    if FlowRunContext.get() is None:
        return
    await acreate_table_artifact(
        key=artifact_key(slug, "failed"),
        table=escaped_rows(rows(reel)),
        description=f"Scenes of {escaped(reel.title)} without a clip. Run again: what is stored is not bought twice.",
    )


def _row(failed: FailedScene) -> dict[str, str]:
    charged = _CHARGED[failed.charged]
    return {"scene": failed.scene, "why": failed.error, "charged": charged, "what to do": failed.remedy}
