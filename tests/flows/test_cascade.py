"""A scene belongs to the parent that it was made of: never to another board's, and not anew unless it is asked for."""

import asyncio
import shutil
from pathlib import Path

import pytest
import yaml

from prefect_storyboard.flows import collect_jobs
from prefect_storyboard.flows.plan import planned
from prefect_storyboard.ledger import Ledger, LedgerLost, LibraryError, open_storage
from prefect_storyboard.series.report import summary
from tests.flows.gateways import opened
from tests.flows.test_parents import frames_back, picture_at


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path) as branch:
        yield branch


def chain(branch, first="The sea.", begins="continues", **facts):
    """A scene, one made of it, and one made of that."""
    board = branch.board(first, "It goes on.", "And on.", cast=[], **facts)
    board["scenes"][1][begins], board["scenes"][2]["continues"] = "s01", "s02"
    return board


def keys(reel):
    return [clip.job_key for clip in reel.clips]


def first_frames(branch):
    """What was sent as the first frame of the second scenes, oldest first."""
    return [picture_at(body["image_url"]) for body in branch.submitted() if body["prompt"] == "It goes on."]


async def states(branch, board, **options):
    made = await planned(board, branch.credentials(), branch.library, **options)
    return [scene.state for scene in made.scenes], made.low_usd


async def test_two_boards_with_the_same_words_show_their_own_footage(fal):
    one, bought = await fal.counted(chain(fal, title="Episode 1"))
    two, more = await fal.counted(chain(fal, "A street.", title="Episode 2"))
    assert (bought, more) == (3, 3)
    for frame, reel in zip(first_frames(fal), (one, two), strict=True):
        assert frames_back(frame, reel.clips[0].url) == 0
    assert not {clip.sha256 for clip in one.clips} & {clip.sha256 for clip in two.clips}
    assert [clip.parent_key for clip in two.clips[1:]] == keys(two)[:2]


@pytest.mark.parametrize("begins", ["continues", "remixes"])
async def test_the_same_parent_in_two_boards_is_shared(fal, begins):
    one, _ = await fal.counted(chain(fal, begins=begins, title="Episode 1"))
    two, bought = await fal.counted(chain(fal, begins=begins, title="Episode 2"))
    assert (bought, keys(one)) == (0, keys(two))
    assert all("/episode-2/" in clip.url and Path(clip.url).exists() for clip in two.clips)


@pytest.mark.parametrize("change", [{"prompt": "The open sea."}, {"take": 2}], ids=["edited", "another take"])
async def test_a_changed_parent_keeps_its_children_until_a_cascade_and_reverting_it_costs_nothing(fal, change):
    board = chain(fal)
    first, _ = await fal.counted(board)
    board["scenes"][0] |= change
    assert await states(fal, board) == (["new", "stale", "cached"], 0.4)
    assert await states(fal, board, cascade=True) == (["new", "new", "new"], 1.2)
    kept, bought = await fal.counted(board)
    assert (bought, keys(kept)[1:]) == (1, keys(first)[1:])
    stale = "s02 begins where another take of s01 ended; it is kept, and --cascade renders it again for $0.40"
    assert stale in kept.warnings
    renewed, bought = await fal.counted(board, cascade=True)
    assert (bought, [clip.take for clip in renewed.clips]) == (2, [2, 2, 2])
    assert not {*keys(renewed)} & {*keys(first)}
    assert frames_back(first_frames(fal)[-1], renewed.clips[0].url) == 0
    for cascade in (False, True):
        again, bought = await fal.counted(board, cascade=cascade)
        assert (bought, again.clips, again.warnings) == (0, renewed.clips, renewed.warnings)
    reverted, bought = await fal.counted(chain(fal), cascade=True)
    assert (bought, [clip.sha256 for clip in reverted.clips]) == (0, [clip.sha256 for clip in first.clips])


async def test_a_cascade_that_stops_in_the_middle_is_finished_by_the_next(fal):
    board = chain(fal)
    await fal.counted(board)
    board["scenes"][0]["take"] = 2
    fal.fault("no_media", match={"prompt": "And on."})
    broken, bought = await fal.counted(board, cascade=True)
    assert (bought, [failed.scene for failed in broken.failed]) == (3, ["s03"])
    fal.behave()
    kept, bought = await fal.counted(board)
    assert (bought, [clip.take for clip in kept.clips]) == (0, [2, 2, 1]), "the take that stands is there meanwhile"
    renewed, bought = await fal.counted(board, cascade=True, attempts=2)
    assert (bought, [clip.take for clip in renewed.clips]) == (1, [2, 2, 2])


async def test_a_parent_that_fails_leaves_the_takes_of_its_children_standing(fal):
    board = chain(fal)
    await fal.counted(board)
    fal.fault("policy_refusal", match={"prompt": "knife"})
    board["scenes"][0]["prompt"] = "A knife in the sea."
    reel, _ = await fal.counted(board)
    assert ([clip.scene for clip in reel.clips], [failed.scene for failed in reel.failed]) == (["s02", "s03"], ["s01"])


@pytest.mark.parametrize("begins", ["continues", "remixes"])
async def test_a_board_that_is_retitled_renamed_and_moved_buys_nothing(fal, begins):
    board = chain(fal, begins=begins)
    await fal.counted(board)
    board["scenes"][0] |= {"take": 2}
    made, _ = await fal.counted(board, cascade=True)
    root, child, last = board["scenes"]
    moved = {**board, "title": "Another", "scenes": [{**last, "id": "c", "continues": "b"}]}
    moved["scenes"] += [{**root, "id": "a"}, {**child, "id": "b", begins: "a"}]
    reel, bought = await fal.counted(moved)
    assert (bought, {*keys(reel)}, reel.failed) == (0, {*keys(made)}, ())


# --- what else must not be mixed up or forgotten


async def test_titles_that_are_nearly_the_same_have_reels_of_their_own(fal):
    long = "The long and winding story of a lighthouse keeper and her cat, episode {} of the first season"
    titles = [long.format(11), long.format(12), "C++", "C#", "✨", "🌊", "Episode 1!", "Episode 1?", "राम", "रामा"]
    reels = [(await fal.counted(fal.board(f"Wave {n}.", title=title)))[0] for n, title in enumerate(titles)]
    assert len({reel.url for reel in reels}) == len(titles)
    for reel in reels:
        assert Path(reel.url).read_bytes()
        assert yaml.safe_load((Path(reel.url).parent / "storyboard.yaml").read_text())["title"] == reel.title


async def test_a_library_that_is_deleted_while_it_is_used_is_named_and_the_run_fails(fal):
    board = fal.board("The sea.")
    fal.fault("slow_render", seconds=0.5)
    run = asyncio.ensure_future(fal.counted(board))
    while not [*Path(fal.library).glob("ledger/??/*/001/job.json")]:  # noqa: ASYNC110 - the file is all there is to see
        await asyncio.sleep(0.01)
    shutil.rmtree(fal.library)
    with pytest.raises(LibraryError, match="was deleted while it was in use"):
        await run
    assert fal.bought() == (0, 1)


async def test_a_ledger_that_is_lost_is_said_by_the_plan_and_by_the_run(fal):
    board = fal.board("The sea.")
    await fal.counted(board)
    shutil.rmtree(Path(fal.library) / "ledger")
    for lost in (planned(board, fal.credentials(), fal.library), fal.counted(board)):
        with pytest.raises(LedgerLost, match="storyboard repair"):
            await lost
    assert fal.bought() == (0, 1)


async def test_where_a_job_that_was_given_up_had_been_bought_both_are_takes_and_both_are_in_the_sums(engine, tmp_path):
    with opened("kie", "seedance-2", tmp_path) as kie:
        board = kie.board("The storm.", cast=[])
        kie.fault("drop_after", match={"route": "submit"}, times=1)
        await kie.counted(board)
        kie.behave()
        once, bought = await kie.counted(board, on_unknown="resubmit")
        (clip,) = once.clips
        assert (bought, kie.meter()["jobs_accepted"]) == (1, 2)
        ledger = Ledger(open_storage(kie.library))
        first, second = ledger.history(clip.job_key)
        lost = next(job for job in kie.jobs_received() if job != second.job.request_id)
        late = second.job.model_copy(update={"request_id": lost, "submitted_at": first.intent.at})
        ledger.submitted(clip.job_key, 1, late)  # as its owner does who was only slow
        (found,) = (await collect_jobs.fn([kie.credentials()], kie.library)).clips
        assert (clip.take, found.take, found.sha256 == clip.sha256) == (1, 2, False)
        reel, bought = await kie.counted(board)
        assert (bought, reel.clips, reel.cost_usd) == (0, once.clips, 2 * once.cost_usd)
        assert any(line.startswith("s01 was billed twice: ") and "take 2" in line for line in reel.warnings)


async def test_a_scene_that_renders_on_has_not_failed_and_the_scene_after_it_waits(fal):
    fal.fault("slow_render", seconds=3600)
    reel, bought = await fal.counted(chain(fal), poll_minutes=0)
    assert (bought, [failed.state for failed in reel.failed]) == (1, ["rendering", "waiting", "waiting"])
    assert summary(reel).startswith("1 of 3 scenes still renders, 2 wait.")
    assert reel.failed[1].error == "it needs s01, which is still being rendered"
