"""A clip whose verdict is bad: it is told, rendered again where that is wanted, and bought no more often than allowed."""

import warnings

import pytest
from prefect.context import AsyncClientContext

from prefect_storyboard.flows import pick_take, plan_storyboard
from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


def looking(branch, word, *, times=1, prompt="", **facts):
    """Let the gateway render clips that look so."""
    branch.fault("render_as", match={"route": "submit", "prompt": prompt}, word=word, times=times, **facts)


async def test_silence_is_bad_where_sound_was_asked_for_and_sound_is_told_where_silence_was(fal):
    board = fal.board("The sea.", "The wind.", "The rain.")
    board["scenes"][0]["audio"], board["scenes"][1]["audio"] = True, False
    looking(fal, "silent", times=None)
    reel, bought = await fal.counted(board)
    verdicts = [clip.verdict for clip in reel.clips]
    assert bought == 3
    assert verdicts[0].state == "bad"
    assert "Its sound is silent; sound was ordered." in verdicts[0].reasons
    assert not any("sound" in reason for reason in verdicts[1].reasons)
    assert "Its sound is silent." in verdicts[2].reasons
    assert (await fal.counted(board | {"audio": True}))[1] == 0, "asking for the sound that a model makes moves no key"


def shown(reel):
    return {clip.scene: (clip.take, clip.verdict.state == "bad") for clip in reel.clips}


async def test_a_bad_clip_is_kept_unless_somebody_asks_for_another(fal):
    looking(fal, "frozen", times=None)
    reel, bought = await fal.counted(fal.board("The sea."), attempts=3)
    assert (bought, shown(reel)) == (1, {"s01": (1, True)})


async def test_a_bad_clip_is_rendered_again_and_a_second_run_neither_looks_nor_buys(fal):
    board = fal.board("The sea.", "It goes on.") | {"on_bad": "reroll"}
    board["scenes"][1]["continues"] = "s01"
    looking(fal, "frozen", prompt="The sea.")
    reel, bought = await fal.counted(board, attempts=2)
    assert (bought, shown(reel), reel.bought) == (3, {"s01": (2, False), "s02": (1, False)}, 3)
    assert reel.clips[1].parent_key == reel.clips[0].job_key, "what follows begins where the good take ends"
    for options in ({"attempts": 2}, {"attempts": 3}, {}):
        again, bought = await fal.counted(board, **options)
        assert (bought, again.clips) == (0, reel.clips)


async def test_no_more_is_bought_than_the_attempts_and_the_newest_stands_where_all_are_bad(fal):
    board = fal.board("The sea.", "The wind.")
    board["scenes"][0]["on_bad"] = "reroll"
    looking(fal, "frozen", times=None)
    reel, bought = await fal.counted(board, attempts=3)
    assert (bought, shown(reel)) == (4, {"s01": (3, True), "s02": (1, True)})
    again, bought = await fal.counted(board, attempts=3)
    assert (bought, again.clips) == (0, reel.clips)


async def test_the_budget_pays_for_every_scene_before_it_pays_for_another_take(fal):
    board = fal.board("The sea.", "The wind.", "The rain.") | {"on_bad": "reroll"}
    first = await planned(fal, board)
    looking(fal, "frozen", times=None)
    limit = first.low_usd + first.scenes[0].usd
    reel, bought = await fal.counted(board, attempts=3, max_cost_usd=limit)
    assert (bought, len(reel.clips), reel.bought_usd) == (4, 3, pytest.approx(limit))
    assert sum("is kept" in each and "max_cost_usd leaves" in each for each in reel.warnings) >= 2


async def planned(branch, board, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Artifact creation outside", FutureWarning)
        async with AsyncClientContext.get_or_create():
            return await plan_storyboard.fn(board, branch.credentials(), branch.library, **options)


async def test_the_plan_says_what_bad_clips_may_cost_and_what_one_costs_for_sure(fal):
    board = fal.board("The sea.", "The wind.")
    plain = await planned(fal, board, attempts=3)
    plan = await planned(fal, board, attempts=3, on_bad="reroll")
    one = plan.scenes[0].usd
    assert (plain.low_usd, plain.high_usd) == (2 * one, 2 * one)
    assert (plan.low_usd, plan.high_usd) == (2 * one, pytest.approx(6 * one))
    assert plan.hash != plain.hash
    looking(fal, "frozen", prompt="The sea.", times=None)
    await fal.counted(board)
    due = await planned(fal, board, attempts=3, on_bad="reroll")
    assert (due.low_usd, due.high_usd) == (one, pytest.approx(2 * one))
    only = await planned(fal, board, on_bad="reroll")
    assert (only.high_usd, [each for each in only.warnings if "allow 2 attempts" in each] != []) == (0, True)


async def test_a_run_that_is_broken_off_after_the_order_buys_the_take_once(fal):
    board = fal.board("The sea.")
    looking(fal, "frozen")
    await fal.counted(board)
    fal.fault("slow_render", seconds=3600)
    options = {"attempts": 2, "on_bad": "reroll", "poll_minutes": 0.001}
    reel, bought = await fal.counted(board, **options)
    assert (bought, shown(reel)) == (1, {"s01": (1, True)}), "the take in its place still renders"
    for _ in range(2):
        _, bought = await fal.counted(board, **options)
        assert bought == 0
    _, bought = await fal.counted(board, reroll="s01", poll_minutes=0.001)
    assert bought == 1, "what a person asks for is another take"


async def test_a_picked_bad_clip_is_not_rendered_again(fal):
    board = fal.board("The sea.")
    looking(fal, "frozen", times=None)
    await fal.counted(board)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Artifact creation outside", FutureWarning)
        async with AsyncClientContext.get_or_create():
            await pick_take.fn(board, "s01", 1, fal.credentials(), fal.library)
    _, bought = await fal.counted(board, attempts=3, on_bad="reroll")
    assert bought == 0


async def test_a_further_take_that_is_bad_does_not_replace_a_good_one(fal):
    board = fal.board("The sea.")
    board["scenes"][0]["takes"] = 2
    looking(fal, "frozen", after=1)
    reel, bought = await fal.counted(board)
    assert (bought, shown(reel)["s01"][1]) == (2, False)
    again, bought = await fal.counted(board)
    assert (bought, again.clips) == (0, reel.clips)


async def test_a_child_of_a_clip_that_was_bad_is_told_as_stale_and_not_bought(fal):
    board = fal.board("The sea.", "It goes on.")
    board["scenes"][1]["continues"] = "s01"
    looking(fal, "frozen", prompt="The sea.")
    await fal.counted(board)
    reel, bought = await fal.counted(board, attempts=2, on_bad="reroll")
    assert (bought, shown(reel)["s01"]) == (1, (2, False))
    assert any("s02 begins where another take of s01 ended" in each for each in reel.warnings)
