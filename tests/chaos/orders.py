"""What else a person runs beside the whole series: stills alone, further takes, a pick, a small budget, own pictures."""

import asyncio
from collections.abc import Mapping
from typing import Any

from prefect import flow

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.flows import SeriesFailed, draw_stills, pick_take, storyboard_series
from prefect_storyboard.storyboards import Reel, Still
from prefect_storyboard.tasks import draw
from tests.chaos.stills import POSTERS

Board = Mapping[str, Any]
BUDGET = 1.5  # US dollars: some pictures and a clip or two, seldom all


@flow(name="posters", persist_result=False)
async def posters(board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """Two pictures of one's own beside the series, the second one drawn from the first."""
    asked = {"model": board["stills"], "credentials": given, "library": library, "on_unknown": options["on_unknown"]}

    async def both() -> Still:
        one, two = POSTERS
        words = f"A poster for {board['scenes'][1]['prompt']}"
        first = await draw(words, scene=one, reel=board["title"], minutes=options["poll_minutes"], **asked)
        return await draw(words, references=[first], scene=two, minutes=options["poll_minutes"], **asked)

    series = storyboard_series(board, given, library, allow_retired=True, **options)
    reel, _ = await asyncio.gather(series, both(), return_exceptions=True)
    if isinstance(reel, BaseException):
        raise reel
    return reel


async def drawn(board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """Stills alone: no clip, and whatever could not be drawn."""
    await draw_stills(board, given, library, **options)
    return Reel(title=board["title"], clips=())


async def reroll(board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """One more take of the second scene's still, or of its clip where there are no stills."""
    options |= {"reroll": board["scenes"][1]["id"], "reroll_of": _of(board), "allow_retired": True}
    return await storyboard_series(board, given, library, **options)


async def pick(board: Board, given: Credentials, library: Library, **_: Any) -> Reel:
    """The first take of it after all."""
    return await pick_take(board, board["scenes"][1]["id"], 1, given, library, of=_of(board))


async def thrifty(board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """The series, for no more than a budget."""
    options |= {"max_cost_usd": BUDGET, "allow_unknown_price": True, "allow_retired": True}
    return await storyboard_series(board, given, library, **options)


async def run(name: str, board: Board, given: Credentials, library: Library, **options: Any) -> Reel:
    """Run what bears that name; also the reel of one that ended failed."""
    try:
        return await _RUNS[name](board, given, library, **options)
    except SeriesFailed as failed:
        return failed.reel


def _of(board: Board) -> str:
    return "still" if "stills" in board else "clip"


_RUNS: Mapping[str, Any] = {"posters": posters, "drawn": drawn, "reroll": reroll, "pick": pick, "thrifty": thrifty}
