"""The stills and sheets that a reel's page shows, each with its picture from the library."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from prefect_storyboard.ledger import Storage
from prefect_storyboard.ledger.sidecars import inside
from prefect_storyboard.media import deferred
from prefect_storyboard.storyboards import Plan, Still


def drawn(stills: Sequence[Still], plan: Plan | None, storage: Storage, folder: Path) -> "list[deferred.Drawn]":
    """What the page shows of them; the chosen ones are those of the plan. Blocks."""
    chosen = chosen_of(plan)
    return [
        deferred.Drawn(
            still=still, file=_fetched(still, storage, folder / f"drawn-{n}"), chosen=still.job_key in chosen
        )
        for n, still in enumerate(stills)
    ]


def chosen_of(plan: Plan | None) -> tuple[str, ...]:
    """The jobs of the stills that the clips begin with."""
    return tuple(still.key for still in plan.stills) if plan else ()


def _fetched(still: Still, storage: Storage, place: Path) -> Path | None:
    try:
        return storage.fetch(place.with_suffix(PurePosixPath(still.url).suffix), *inside(still.url))
    except FileNotFoundError:
        return None
