"""What is paid for is fetched without its storyboard, each once; what cannot be told is listed; nothing is bought."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prefect_storyboard.flows import collect_jobs, storyboard_series
from prefect_storyboard.jobs import reconcile as lost
from prefect_storyboard.jobs import settle
from prefect_storyboard.ledger import Intent
from prefect_storyboard.ledger.owner import acting
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.later import opened_later

# Without the engine around a flow its artifact belongs to nobody, which Prefect does not like.
pytestmark = pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")
SEA = ("The sea.", "The shore.")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(lost, "_FIND_AFTER", (0.0, 0.0))


@pytest.fixture
def fal(engine, tmp_path):
    with opened_later("fal", "sora-2", tmp_path) as branch:
        yield branch


async def collected(branch, *accounts, times=1):
    """Collect without Prefect's engine around it, and see that no job was accepted meanwhile."""
    posts = len(branch.submitted())
    given = [*accounts] or [branch.credentials()]
    found = await asyncio.gather(*(collect_jobs.fn(given, branch.library) for _ in range(times)))
    assert len(branch.submitted()) == posts, "collecting sends nothing that buys"
    return found[0] if times == 1 else found


def takes(branch):
    """Clips and their sidecars; the small files beside them are left out."""
    found = (path for end in ("json", "mp4") for path in Path(branch.library).glob(f"reels/**/take-???.{end}"))
    return sorted(path.relative_to(branch.library).as_posix() for path in found)


async def lose_reply(branch, board, fault="drop_after"):
    """A run that buys and never hears of it: neither the reply arrives, nor the list."""
    branch.fault(fault, match={"route": "submit"})
    branch.fault("nginx_503", match={"route": "platform"})
    reel = await branch.leave(board)
    branch.behave()
    assert branch.meter()["jobs_accepted"] == len(reel.failed)
    return reel


async def test_what_is_ready_is_stored_without_a_storyboard_and_a_later_run_finds_everything_cached(fal):
    board = fal.board("Mara wakes.", "The sea.")
    await fal.leave(board)
    early = await collected(fal)
    assert (early.clips, {line.state for line in early.waiting}, len(early.waiting)) == ((), {"rendering"}, 2)
    assert early.waiting[0].note == "still rendering"
    fal.morning()
    found = await collected(fal)
    assert (len(found.clips), found.waiting, found.failed, found.unknown) == (2, (), (), ())
    assert fal.open_jobs() == []
    assert await collected(fal) == type(found)()
    asked = len(fal.requests())
    reel, bought = await fal.counted(board, max_cost_usd=0)
    assert (bought, reel.failed, len(fal.requests())) == (0, (), asked), "the provider is asked nothing at all"
    assert sorted(reel.clips, key=lambda clip: clip.scene) == sorted(found.clips, key=lambda clip: clip.scene)
    (mara, _) = reel.clips
    assert (mara.prompt, mara.cost_usd, mara.characters[0].character) == ("Mara wakes.", 0.4, "Mara")


async def test_what_collects_as_a_flow_takes_references_and_reports(fal):
    await fal.leave(fal.board(*SEA))
    fal.morning()
    state = await collect_jobs([fal.credentials()], fal.library, return_state=True)
    assert (state.is_completed(), len((await state.aresult()).clips)) == (True, 2)


async def test_two_collects_at_once_store_a_clip_once(fal):
    await fal.leave(fal.board(*SEA))
    fal.morning()
    one, two = await collected(fal, times=2)
    assert {clip.sha256 for clip in one.clips} == {clip.sha256 for clip in two.clips}
    assert takes(fal) == [
        f"reels/the-lighthouse/scenes/s0{n}/take-001.{end}" for n in (1, 2) for end in ("json", "mp4")
    ]
    assert [line.state for line in settle.jobs(fal.ledger, every=True)] == ["done", "done"]


async def test_a_collect_beside_a_run_stores_a_clip_once(fal):
    board = fal.board(*SEA)
    await fal.leave(board)
    fal.morning()
    (reel, bought), found = await asyncio.gather(fal.counted(board), collect_jobs.fn([fal.credentials()], fal.library))
    assert (bought, len(reel.clips), len(takes(fal))) == (0, 2, 4)
    assert {clip.sha256 for clip in found.clips} <= {clip.sha256 for clip in reel.clips}


async def test_a_child_and_its_parent_are_collected_one_after_the_other(fal):
    board = fal.board("The sea.", "The shore.")
    board["scenes"][1]["continues"] = "s01"
    await fal.leave(board)
    fal.morning()
    (parent,) = (await collected(fal)).clips
    await fal.counted(board, poll_minutes=0)
    fal.morning()
    (child,) = (await collected(fal)).clips
    assert (child.scene, child.parent_key) == ("s02", parent.job_key)


async def test_a_character_is_collected_and_then_used(fal):
    board = fal.board("Mara wakes.")
    fal.fault("slow_render", match={"endpoint": "characters"}, seconds=3600)
    run = asyncio.ensure_future(storyboard_series.fn(board, fal.credentials(), fal.library))
    while not fal.submitted() and not run.done():  # noqa: ASYNC110 - the sandbox has no event to wait for
        await asyncio.sleep(0.02)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    fal.behave()
    assert [(line.about, line.state) for line in fal.open_jobs()] == [("character Mara", "rendering")]
    assert (await collected(fal)).castings == ()
    fal.morning()
    (mara,) = (await collected(fal)).castings
    assert (mara.character, fal.open_jobs()) == ("Mara", [])
    await fal.leave(board)
    assert fal.submitted()[-1]["character_ids"] == [mara.id]
    assert fal.bought() == (1, 1)
    (kept,) = Path(fal.library).glob("characters/mara/*/character.json")
    assert json.loads(kept.read_text())["clip"] == "clip.mp4", "and the library keeps what it was made of"


async def test_what_has_failed_is_closed_with_its_reason(fal):
    fal.fault("policy_refusal", match={"prompt": "knife"})
    await fal.leave(fal.board("A knife.", "The sea."))
    fal.morning()
    found = await collected(fal)
    (failed,) = found.failed
    assert (failed.about, failed.state, len(found.clips)) == ("scene s01 take 1", "failed", 1)
    assert "moderation" in failed.note
    assert fal.open_jobs() == []
    assert (await collected(fal)).failed == (), "it is told once"
    again, bought = await fal.counted(fal.board("A knife.", "The sea."))
    assert (bought, [failure.scene for failure in again.failed]) == (0, ["s01"])


@pytest.mark.parametrize(("gateway", "seconds"), [("fal", 4), ("wavespeed", 4)])
async def test_a_job_whose_reply_was_lost_is_found_in_the_list_and_fetched(engine, tmp_path, gateway, seconds):
    with opened_later(gateway, "sora-2", tmp_path) as branch:
        board = branch.board("The sea.", seconds=seconds)
        await lose_reply(branch, board)
        assert [line.state for line in branch.open_jobs()] == ["unknown"]
        (waiting,) = (await collected(branch)).waiting
        assert (waiting.state, waiting.request_id is not None) == ("rendering", True)
        branch.morning()
        (clip,) = (await collected(branch)).clips
        reel, bought = await branch.counted(board)
        assert (bought, reel.clips) == (0, (clip,))


@pytest.mark.parametrize("gateway", ["kie", "toapis"])
async def test_a_job_that_nobody_can_tell_is_listed_with_what_to_do_until_it_is_adopted(engine, tmp_path, gateway):
    with opened_later(gateway, "sora-2", tmp_path) as branch:
        board = branch.board("The sea.")
        await lose_reply(branch, board)
        for _ in range(2):
            (line,) = (await collected(branch)).unknown
            assert (line.state, line.request_id) == ("unknown", None)
            assert f"adopt {line.key[:12]} with the provider's id, or abandon it" in line.note
        theirs = branch.meter()["orders"][0]["request_ids"][0]
        with pytest.raises(ValueError, match=r"does not know the job mistyped .*; check the id"):
            await settle.ask(branch.ledger, line.key, "mistyped", branch.credentials())
        with pytest.raises(ValueError, match="name that account"):
            await settle.ask(branch.ledger, line.key, theirs, branch.credentials(account="other"))
        await settle.ask(branch.ledger, line.key, theirs, branch.credentials())
        settle.adopt(branch.ledger, line.key, theirs)
        branch.morning()
        (clip,) = (await collected(branch)).clips
        reel, bought = await branch.counted(board)
        assert (bought, reel.clips, clip.request_id) == (0, (clip,), theirs)


async def test_what_was_abandoned_is_bought_once_by_the_next_run(engine, tmp_path):
    with opened_later("kie", "sora-2", tmp_path) as branch:
        board = branch.board("The sea.")
        branch.fault("drop_before", match={"route": "submit"}, times=1)
        await branch.leave(board)
        (line,) = branch.open_jobs()
        settle.abandon(branch.ledger, line.key)
        await branch.leave(board)
        branch.morning()
        reel, bought = await branch.counted(board)
        assert (bought, len(reel.clips), branch.bought()) == (0, 1, (0, 1))


async def test_jobs_of_accounts_that_are_not_given_are_left_alone(fal):
    await fal.leave(fal.board("The sea."))
    fal.morning()
    asked = len(fal.requests())
    for credentials in ([], [fal.credentials(account="second")]):
        found = await collect_jobs.fn(credentials, fal.library)
        (line,) = found.waiting
        assert (line.state, line.note) == ("rendering", "no credentials of fal (default) were given")
    assert len(fal.requests()) == asked
    assert len((await collected(fal)).clips) == 1


async def test_a_key_that_is_not_accepted_closes_nothing(fal):
    await fal.leave(fal.board("The sea."))
    fal.morning()
    (line,) = (await collected(fal, fal.credentials("bad:key"))).waiting
    assert (line.state, "does not accept the key" in line.note) == ("rendering", True)
    assert len((await collected(fal)).clips) == 1


async def test_a_link_that_fails_leaves_the_job_open_and_says_that_it_is_stuck(fal):
    await fal.leave(fal.board("The sea."))
    fal.morning()
    fal.fault("output_missing")
    assert [line.state for line in (await collected(fal)).failed] == ["stuck"]
    fal.behave()
    assert len((await collected(fal)).clips) == 1


async def test_what_is_being_submitted_is_left_to_its_run(fal):
    now = datetime.now(UTC)
    with acting() as me:
        facts = {
            "provider": "fal",
            "account": "default",
            "endpoint": "e",
            "order_digest": "d",
            "label": "l",
            "usd": 0.4,
        }
        fal.ledger.intend(1, Intent(key="ab" * 32, owner=me, at=now, lease_until=now + timedelta(minutes=2), **facts))
        (line,) = (await collected(fal)).waiting
    assert (line.state, line.note, fal.requests()) == ("submitting", "it is being submitted", [])


async def test_a_torn_record_is_told_by_name_and_left_where_it_is(fal):
    await fal.leave(fal.board(*SEA))
    file = next(Path(fal.library).glob("ledger/*/*/001/job.json"))
    file.write_bytes(b"{")
    fal.morning()
    found = await collected(fal)
    (torn,) = found.unknown
    assert (torn.state, torn.key) == ("unreadable", file.parts[-3])
    assert torn.note.startswith(f"{file} is no job of this ledger")
    assert len(found.clips) == len(SEA) - 1, "the others are not held up by it"
    assert file.read_bytes() == b"{"


async def test_a_job_that_the_provider_does_not_know_is_open_at_first_and_stuck_later(fal):
    await fal.leave(fal.board("The sea."))
    fal.fault("not_found", match={"route": "status"})
    assert [line.state for line in (await collected(fal)).waiting] == ["rendering"]
    (record,) = Path(fal.library).glob("ledger/??/*/001/job.json")
    facts = json.loads(record.read_text())
    earlier = datetime.fromisoformat(facts["submitted_at"]) - timedelta(minutes=10)
    record.write_text(json.dumps(facts | {"submitted_at": earlier.isoformat()}))
    (stuck,) = (await collected(fal)).failed
    assert stuck.state == "stuck"
    assert "does not know the job" in stuck.note


async def test_a_storyboard_that_has_changed_since_does_not_matter(fal):
    await fal.leave(fal.board("The sea."))
    fal.morning()
    with pytest.raises(StoryboardError):
        await fal.counted({"title": "broken"})
    assert [clip.prompt for clip in (await collected(fal)).clips] == ["The sea."]
