"""A storyboard with stills: pictures first, then motion, each bought once; what changes is drawn again, and is said."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from prefect_storyboard.flows import draw_stills, pick_take
from prefect_storyboard.flows.plan import planned
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.ledger.storage import open_storage
from prefect_storyboard.series.looking import takes_of
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.storyboards import Plan, Reel
from tests.flows.gateways import Branch, opened

SHOPS = {"fal": "seedance-2", "kie": "seedance-2"}
IMAGE_MODEL = "nano-banana-2.1"


@pytest.fixture(scope="module", params=SHOPS)
def shop(engine: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    with opened(request.param, SHOPS[request.param], tmp_path_factory.mktemp("stills"), scale=0.5) as branch:
        yield branch


def harbour(
    shop: Branch, storm: str = "in dark oilskins, hood up", motion: str = "She walks on.", **facts: Any
) -> dict[str, Any]:
    """Mara in two looks, of words alone, Otto of a clip, and a place; s03 goes on where s01 ends."""
    cast: list[dict[str, Any]] = [
        {"name": "Mara", "description": "a keeper in a yellow coat", "looks": {"storm": storm}},
        {"name": "Otto", "clip": str(shop.clips / "otto.mp4")},
        {"name": "Harbour", "kind": "place", "description": "a stone harbour at dusk"},
    ]
    scenes: list[dict[str, Any]] = [
        {"id": "s01", "prompt": "Mara walks along the Harbour.", "motion": motion},
        {"id": "s02", "prompt": "Mara calls Otto.", "looks": {"Mara": "storm"}},
        {"id": "s03", "prompt": "Mara sits down in the Harbour.", "continues": "s01"},
    ]
    board = shop.board(title="Harbour", stills=IMAGE_MODEL)
    return board | {"cast": cast, "scenes": scenes} | facts


def bought(shop: Branch) -> tuple[int, int]:
    """Pictures and clips that the meter has counted."""
    meter = shop.meter()
    return meter["pictures"], meter["jobs_accepted"] - meter["pictures"]


async def rendered(shop: Branch, board: dict[str, Any], **options: Any) -> tuple[Reel, tuple[int, int]]:
    """The reel, and how many pictures and clips were bought for it."""
    before = bought(shop)
    reel = await shop.render(board, **options)
    after = bought(shop)
    return reel, (after[0] - before[0], after[1] - before[1])


async def seen(shop: Branch, board: dict[str, Any]) -> Plan:
    return await planned(board, shop.credentials(), shop.library)


async def test_pictures_then_motion_and_a_second_run_buys_nothing(shop: Branch) -> None:
    board = harbour(shop)
    plan = await seen(shop, board)
    first, (pictures, clips) = await rendered(shop, board)
    assert (pictures, clips) == (len(plan.pictures), len(plan.scenes)) == (4 + 3, 3)
    assert [clip.job_key for clip in first.clips] == [scene.key for scene in plan.scenes], "what was planned is bought"
    again, nothing = await rendered(shop, board)
    assert (nothing, again.bought, [clip.url for clip in again.clips]) == (
        (0, 0),
        0,
        [clip.url for clip in first.clips],
    )
    stills = Ledger(open_storage(shop.library, {})).take_keys("harbour", "s01", "stills")
    assert [first.clips[0].parent_key] == [*stills], "the clip belongs to the still that it begins with"
    assert shop.meter()["duplicates"] == []
    assert shop.leaks() == []


@pytest.mark.slow
async def test_the_harbour_of_the_examples_renders_with_stills_first_and_is_paid_once(shop: Branch) -> None:
    board = str(files("prefect_storyboard.examples") / "harbour.yaml")
    drawn = await draw_stills(board, shop.credentials(), shop.library)
    reel, counted = await rendered(shop, board)
    assert (len(drawn), counted, len(reel.clips)) == (7, (1, 8), 8), "s04 goes on where s03 ends"
    assert (await rendered(shop, board))[1] == (0, 0)
    assert shop.meter()["duplicates"] == []


async def test_an_edited_look_draws_its_stills_again_and_names_just_their_clips_as_stale(shop: Branch) -> None:
    first = await shop.render(harbour(shop))
    edited = harbour(shop, storm="in a red cape")
    plan = await seen(shop, edited)
    assert [job.name for job in plan.pictures if job.state == "new"] == ["Mara (storm)", "s02 still"]
    assert {scene.scene.id: scene.state for scene in plan.scenes} == {"s01": "cached", "s02": "stale", "s03": "cached"}
    assert (plan.usd_of_pictures > 0, plan.usd_of_motion) == (True, 0)
    reel, counted = await rendered(shop, edited)
    assert counted == (2, 0)
    assert [clip.url for clip in reel.clips] == [clip.url for clip in first.clips]
    stale = [line for line in reel.warnings if "is kept" in line]
    assert len(stale) == 1
    assert stale[0].startswith("s02 is made of another s02 still; it is kept, and --cascade renders it again for ")
    _, counted = await rendered(shop, edited, cascade=True)
    assert counted == (0, 1)
    assert (await rendered(shop, edited))[1] == (0, 0)


async def test_a_still_is_drawn_again_and_picked_and_motion_is_bought_only_when_asked_for(shop: Branch) -> None:
    board = harbour(shop)
    first = await shop.render(board)
    _, counted = await rendered(shop, board, reroll="s01", reroll_of="still", note="closer")
    assert counted == (1, 0)
    stale = {scene.scene.id for scene in (await seen(shop, board)).scenes if scene.stale}
    assert stale == {"s01"}, "the newest still stands, and its clip is of the other one"
    await pick_take(board, "s01", 1, shop.credentials(), shop.library, of="still")
    again, nothing = await rendered(shop, board)
    assert (nothing, [scene.stale for scene in (await seen(shop, board)).scenes]) == ((0, 0), [None, None, None])
    assert [clip.url for clip in again.clips] == [clip.url for clip in first.clips]
    lines = await takes_of(board, shop.credentials(), shop.library)
    assert [(line.take, line.shown, line.note) for line in lines if line.name == "s01 still"] == [
        (1, True, ""),
        (2, False, "closer"),
    ]
    with pytest.raises(ValueError, match="s01 still has takes 1 to 2, not 3; nothing was changed"):
        await pick_take(board, "s01", 3, shop.credentials(), shop.library, of="still")


async def test_a_model_that_takes_both_is_shown_the_members_in_their_first_look_beside_the_still(shop: Branch) -> None:
    if shop.gateway != "fal":
        pytest.skip("the other gateway sells no such model")
    board = harbour(shop, title="Beside", model="kling-v3", fit="nearest")
    plan = await seen(shop, board)
    assert [(scene.cast, scene.drawn) for scene in plan.scenes[:2]] == [
        ((), ("Mara", "Harbour")),
        (("Otto",), ("Mara",)),
    ]
    reel = await shop.render(board)
    assert [clip.job_key for clip in reel.clips] == [scene.key for scene in plan.scenes]
    sent = next(
        body for body in shop.submitted() if "Mara calls" in str(body.get("prompt")) and "start_image_url" in body
    )
    assert len(sent["elements"]) == 1, "Otto; Mara wears another coat than the one of her words"
    assert (await rendered(shop, board))[1] == (0, 0)


async def test_stills_alone_are_drawn_for_cents_and_the_run_then_buys_motion_only(shop: Branch) -> None:
    board = harbour(shop, title="Stills first", motion="She runs.")
    before = bought(shop)
    drawn = await draw_stills(board, shop.credentials(), shop.library)
    assert [still.scene for still in drawn] == ["s01", "s02"], "s03 goes on where s01 ends, which is not rendered"
    pictures, clips = (now - then for now, then in zip(bought(shop), before, strict=True))
    assert (pictures, clips) == (0, 0), "another board has drawn the same stills of the same cast"
    other = harbour(shop, storm="in a green cloak", title="Stills first", motion="She runs.")
    await draw_stills(other, shop.credentials(), shop.library)
    assert bought(shop)[0] - before[0] == 2
    _, counted = await rendered(shop, other)
    assert counted == (1, 3), "s03 is drawn from the last frame of the new s01"


async def test_a_board_without_stills_switches_them_on_with_one_argument(shop: Branch) -> None:
    board = shop.board("Mara waves.", title="Switched")
    plan = await planned(board, shop.credentials(), shop.library, Overrides(stills=IMAGE_MODEL))
    assert ([job.name for job in plan.pictures], plan.scenes[0].still) == (["Mara", "s01 still"], True)


async def test_over_the_budget_nothing_is_drawn(shop: Branch) -> None:
    before = bought(shop)
    with pytest.raises(OverBudget):
        await shop.render(harbour(shop, storm="in white", title="Dear"), max_cost_usd=0.001)
    assert bought(shop) == before
