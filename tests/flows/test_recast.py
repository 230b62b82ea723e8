"""A character is created once for everybody; one that the provider has forgotten is created once more, and no more."""

import asyncio
import sqlite3
from collections import Counter

import pytest

from prefect_storyboard.series import render as rendering
from tests.flows.gateways import opened

pytestmark = pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path) as branch:
        yield branch


def forget(branch):
    """The provider loses every character that it has made."""
    with sqlite3.connect(branch.folder / "sandbox" / "sandbox.db", timeout=30) as rows:
        rows.execute("delete from jobs where json_extract(document, '$.endpoint') like '%characters'")
    rows.close()


def with_scenes(branch, *more):
    return branch.board("Mara wakes.", *more)


def billed(branch):
    """How often each scene was billed."""
    return Counter(bill["body"]["prompt"] for bill in branch.meter()["billed"] if bill["kind"] == "video")


async def test_two_storyboards_that_need_a_character_at_the_same_moment_create_it_once(fal):
    boards = [fal.board(f"Mara and Otto {verb}.", title=verb) for verb in ("climb", "wait", "sing")]
    reels = await asyncio.gather(*(fal.counted(board) for board in boards))
    assert (fal.bought(), fal.meter()["duplicates"]) == ((2, 3), [])
    cast = {tuple(casting.id for casting in reel.clips[0].characters) for reel, _ in reels}
    assert len(cast) == 1, "all scenes show the same two"


async def test_a_forgotten_character_is_created_once_for_all_its_scenes_which_are_sent_again(fal):
    reel, _ = await fal.counted(with_scenes(fal))
    before = reel.clips[0].characters[0].id
    forget(fal)
    board = with_scenes(fal, "Mara climbs.", "Mara sings.", "Mara sleeps.", "Otto waits.")
    reel, _ = await fal.counted(board)
    assert (reel.failed, len(reel.clips), reel.bought) == ((), 5, 1 + 1 + 4), "Otto, Mara again, and four scenes"
    assert fal.bought()[0] == 2, "Otto, and one more Mara"
    assert billed(fal) == dict.fromkeys(
        ("Mara wakes.", "Mara climbs.", "Mara sings.", "Mara sleeps.", "Otto waits."), 1
    )
    ids = [clip.characters[0].id for clip in reel.clips[:4]]
    assert ids[0] == before, "what is in the library stays"
    assert (len(set(ids[1:])), before in ids[1:]) == (1, False)
    again, bought = await fal.counted(board)
    assert (bought, again.clips) == (0, reel.clips)


async def test_runs_at_the_same_moment_create_a_forgotten_character_once(fal):
    await fal.counted(with_scenes(fal))
    forget(fal)
    boards = [fal.board(f"Mara {verb}.", title=verb) for verb in ("climbs", "sings")]
    reels = await asyncio.gather(*(fal.counted(board) for board in boards))
    assert [(reel.failed, len(reel.clips)) for reel, _ in reels] == [((), 1), ((), 1)]
    assert fal.bought()[0] == 1
    assert billed(fal) == {"Mara wakes.": 1, "Mara climbs.": 1, "Mara sings.": 1}


async def test_who_dies_after_the_character_was_created_again_goes_on_with_that_one(fal, monkeypatch):
    await fal.counted(with_scenes(fal))
    forget(fal)
    board = with_scenes(fal, "Mara climbs.", "Mara sings.")
    recast = rendering.recast

    async def killed(*given):
        await recast(*given)
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(rendering, "recast", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await fal.counted(board)
    assert fal.bought()[0] == 1
    reel, bought = await fal.counted(board)
    assert (reel.failed, bought) == ((), 2)
    assert fal.bought()[0] == 1, "the new one is as good as it was"
    assert billed(fal) == {"Mara wakes.": 1, "Mara climbs.": 1, "Mara sings.": 1}


async def test_a_character_that_is_refused_again_is_not_created_over_and_over(fal, monkeypatch):
    await fal.counted(with_scenes(fal))
    forget(fal)
    board = with_scenes(fal, "Mara climbs.")
    recast = rendering.recast

    async def forgetful(*given):
        fresh = await recast(*given)
        forget(fal)
        return fresh

    monkeypatch.setattr(rendering, "recast", forgetful)
    reel, bought = await fal.counted(board)
    assert (bought, fal.meter()["jobs_accepted"]) == (2, 1 + 2), "the scene twice; the characters are forgotten"
    (failed,) = reel.failed
    assert (failed.scene, failed.charged) == ("s02", False)
    assert "was not found" in failed.error
    posts = len(fal.submitted())
    for _ in range(2):
        again, _ = await fal.counted(board)
        assert [each.scene for each in again.failed] == ["s02"]
    assert len(fal.submitted()) == posts, "nothing is sent for it, and no character either"


async def test_a_price_that_nobody_knows_is_not_paid_again_without_leave(fal):
    await fal.counted(with_scenes(fal))
    forget(fal)
    board = with_scenes(fal, "Mara climbs.")
    reel, bought = await fal.counted(board, max_cost_usd=5)
    (failed,) = reel.failed
    assert (bought, fal.bought()[0]) == (1, 0)
    assert failed.error.startswith("there is no published price of character Mara")
    reel, _ = await fal.counted(board, max_cost_usd=5, allow_unknown_price=True)
    assert (reel.failed, fal.bought()[0]) == ((), 1)
    assert billed(fal) == {"Mara wakes.": 1, "Mara climbs.": 1}


async def test_a_scene_that_is_refused_for_another_reason_creates_nobody(fal):
    await fal.counted(with_scenes(fal))
    fal.fault("policy_refusal", match={"prompt": "knife"})
    reel, bought = await fal.counted(with_scenes(fal, "Mara finds a knife."))
    assert (bought, fal.bought()[0], [failed.scene for failed in reel.failed]) == (1, 1, ["s02"])
