"""After a prune, a second run buys nothing: the meter has the last word."""

from datetime import UTC, datetime, timedelta

from prefect_storyboard.jobs.repair import repair
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.ledger.prune import prune


def pruned(studio) -> int:
    """Prune everything that is settled now; how many jobs."""
    return sum(1 for _ in prune(Ledger(open_storage(studio.library)), datetime.now(UTC) + timedelta(days=1)))


async def test_after_a_prune_a_run_buys_nothing_and_makes_the_same_reel(studio):
    board = studio.board("Mara wakes.", "Otto waits.", "She goes on.")
    board["scenes"][2]["continues"] = "s01"
    reel = await studio.render(board)
    assert pruned(studio) == 5  # two characters, three scenes
    calls = len(studio.requests())
    again = await studio.render(board)
    assert (again.bought, len(studio.requests()), studio.bought()) == (0, calls, (2, 3))
    assert (again.clips, again.cost_usd) == (reel.clips, reel.cost_usd)


async def test_after_a_prune_another_reel_takes_the_clip_and_a_stale_scene_stands(studio):
    board = studio.board("Mara wakes.", "She goes on.")
    board["scenes"][1]["continues"] = "s01"
    await studio.render(board)
    pruned(studio)
    other = await studio.render({**board, "title": "The Lamp"})
    assert (other.bought, studio.bought()) == (0, (1, 2))
    board["scenes"][0]["prompt"] = "Mara wakes late."
    changed = await studio.render(board)
    assert (changed.bought, [clip.take for clip in changed.clips]) == (1, [2, 1])
    assert any("s02" in warning for warning in changed.warnings)


async def test_after_a_prune_repair_finds_nothing_to_do_and_a_lost_ledger_is_rebuilt(studio):
    board = studio.board("Mara wakes.", "Otto waits.")
    await studio.render(board)
    pruned(studio)
    found = repair(Ledger(open_storage(studio.library)))
    assert (found.takes, found.characters, found.damaged) == ((), (), ())
    assert (await studio.render(board)).bought == 0
