"""Pay once: whatever happens to the submit, the ledger and the process, one job is bought or somebody is told."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from prefect_storyboard.ledger import Ledger, LibraryError, Outcome
from prefect_storyboard.ledger import owner as owners
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.tasks import lost
from prefect_storyboard.tasks import purchase as module
from prefect_storyboard.tasks.purchase import Purchase, Want, finish, purchase

from .fakes import (
    KEY,
    OTHER,
    Breaks,
    Gateway,
    Killed,
    away,
    breaking,
    intent,
    job,
    ledger_in,
    order,
    owner,
    session_with,
    wording,
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost, "_FIND_AFTER", (0.0, 0.0, 0.0))
    monkeypatch.setattr(module, "_RECORD_AFTER", (0.0, 0.0))
    monkeypatch.setattr(module, "_LOOK_AGAIN", 0.01)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def want(key: str = KEY, **facts: Any) -> Want:
    return Want(key=key, label="scene s01 take 1", account="default", usd=0.4, **facts)


async def buy(gateway: Gateway, ledger: Ledger, key: str = KEY, **facts: Any) -> Purchase:
    return await purchase(session_with(gateway), ledger, want(key, **facts), wording())


def outcomes(ledger: Ledger, key: str = KEY) -> list[str | None]:
    return [attempt.outcome and attempt.outcome.kind for attempt in ledger.history(key)]


def dead() -> Any:
    """An owner on this machine whose process is gone."""
    with owners.acting() as me:
        return me


def living() -> Any:
    """An owner on this machine that runs: the parent of this process."""
    return owner(host=owners._host(), pid=os.getppid(), started=owners._started(os.getppid()))


async def soon(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


# The plain way


async def test_what_is_wanted_is_bought_once(ledger: Ledger) -> None:
    gateway = Gateway()
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.attempt, bought.job.request_id) == ("Submitted", 1, "r1")
    again = await buy(gateway, ledger)
    assert (again.state, again.job) == ("Reattached", bought.job)
    assert len(gateway.billed) == 1


async def test_what_is_done_is_cached(ledger: Ledger) -> None:
    gateway = Gateway()
    await buy(gateway, ledger)
    done = ledger.close(KEY, 1, Outcome(kind="done", at=datetime.now(UTC)))
    again = await buy(gateway, ledger)
    assert (again.state, again.outcome) == ("Cached", done)
    assert len(gateway.billed) == 1


async def test_the_order_is_worded_only_when_there_is_something_to_buy(ledger: Ledger) -> None:
    gateway, worded = Gateway(), []

    async def word() -> Any:
        worded.append(1)
        return order()

    for _ in range(3):
        await purchase(session_with(gateway), ledger, want(), word)
    assert worded == [1]


async def test_the_intent_says_what_will_be_bought_before_it_is(ledger: Ledger) -> None:
    seen = []

    async def look() -> None:
        seen.extend(ledger.history(KEY))

    await buy(Gateway(look), ledger)
    (announced,) = (attempt.intent for attempt in seen)
    assert (announced.provider, announced.account, announced.usd) == ("fal", "default", 0.4)
    assert (announced.endpoint, announced.order_digest) == (order().endpoint, order().digest)
    assert announced.lease_until - announced.at == timedelta(minutes=2)


# Refusals


@pytest.mark.parametrize("refusal", [errors.Busy("later"), errors.NotSent("no network"), errors.Unauthorized("no")])
async def test_a_refusal_ends_its_attempt_and_makes_room_for_the_next(
    ledger: Ledger, refusal: errors.ProviderError
) -> None:
    gateway = Gateway(refusal)
    with pytest.raises(type(refusal)):
        await buy(gateway, ledger)
    assert outcomes(ledger) == ["refused"]
    assert (await buy(gateway, ledger)).attempt == 2
    assert outcomes(ledger) == ["refused", None]
    assert len(gateway.billed) == 1


async def test_the_ledger_keeps_why_it_was_refused(ledger: Ledger) -> None:
    with pytest.raises(errors.InvalidRequest):
        await buy(Gateway(errors.InvalidRequest("too long", field="prompt", remedy="Shorten it.")), ledger)
    outcome = ledger.history(KEY)[0].outcome
    assert outcome
    assert (outcome.error, outcome.message, outcome.field) == ("InvalidRequest", "too long", "prompt")
    assert (outcome.remedy, outcome.charged) == ("Shorten it.", False)


# Lost replies


@pytest.mark.parametrize("lost_reply", ["lost", errors.ProtocolError("fal answered in verse")])
async def test_a_lost_reply_is_found_in_the_providers_list(ledger: Ledger, lost_reply: Any) -> None:
    gateway = Gateway(lost_reply)
    if lost_reply != "lost":
        gateway.lists.append(lambda: gateway.bill(order()))
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.job.request_id) == ("Submitted", "r1")
    assert ledger.history(KEY)[0].job == bought.job
    assert len(gateway.billed) == 1


async def test_a_job_that_is_listed_late_is_found(ledger: Ledger) -> None:
    gateway = Gateway("lost")
    gateway.hidden.add("r1")
    gateway.lists.extend([None, gateway.hidden.clear])
    assert (await buy(gateway, ledger)).job.request_id == "r1"


async def test_a_lost_reply_that_is_not_listed_stays_in_doubt(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    with pytest.raises(errors.OutcomeUnknown) as unknown:
        await buy(gateway, ledger)
    assert str(unknown.value).startswith("scene s01 take 1 was submitted at 20")
    assert "fal did not answer a submit (ReadError)" in str(unknown.value)
    assert f"fal does not list it, or not yet (job {KEY[:12]})" in str(unknown.value)
    assert outcomes(ledger) == [None]


async def test_a_second_call_neither_waits_for_the_lease_nor_submits(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    for _ in range(3):
        with pytest.raises(errors.OutcomeUnknown):
            async with asyncio.timeout(2):
                await buy(gateway, ledger)
    assert not gateway.billed
    assert outcomes(ledger) == [None]


async def test_a_list_that_cannot_be_read_is_asked_again_and_named(ledger: Ledger) -> None:
    gateway = Gateway("lost")
    gateway.lists.extend([errors.Busy("fal answered 503")] * 2)
    assert (await buy(gateway, ledger)).job.request_id == "r1"
    gateway = Gateway("lost")
    gateway.lists.extend([errors.Busy("fal answered 503")] * 3)
    with pytest.raises(errors.OutcomeUnknown, match="the list of fal could not be read: fal answered 503"):
        await buy(gateway, ledger, OTHER)


async def test_the_users_word_lets_it_be_submitted_again(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    with pytest.raises(errors.OutcomeUnknown):
        await buy(gateway, ledger, on_unknown="resubmit")
    bought = await buy(gateway, ledger, on_unknown="resubmit")
    assert (bought.state, bought.attempt) == ("Submitted", 2)
    assert outcomes(ledger) == ["abandoned", None]
    assert len(gateway.billed) == 1


async def test_nothing_is_submitted_again_while_the_list_cannot_be_read(ledger: Ledger) -> None:
    gateway = Gateway("lost")
    gateway.lists.extend([errors.NotSent("no network")] * 6)
    for _ in range(2):
        with pytest.raises(errors.OutcomeUnknown):
            await buy(gateway, ledger, on_unknown="resubmit")
    assert (await buy(gateway, ledger, on_unknown="resubmit")).state == "Reattached"
    assert len(gateway.billed) == 1


async def test_a_key_that_may_never_read_the_list_can_still_resubmit(ledger: Ledger) -> None:
    gateway = Gateway("vanished")
    gateway.lists.extend([errors.Unauthorized("no admin key")] * 6)
    with pytest.raises(errors.OutcomeUnknown, match="no admin key"):
        await buy(gateway, ledger)
    assert (await buy(gateway, ledger, on_unknown="resubmit")).attempt == 2


async def test_what_is_settled_meanwhile_is_not_abandoned(ledger: Ledger) -> None:
    ledger.intend(1, intent(owner=dead()))
    gateway = Gateway()

    def settle() -> None:
        if not ledger.history(KEY)[0].job:
            ledger.submitted(KEY, 1, job("r7"))

    gateway.lists.extend([None, None, settle])
    bought = await buy(gateway, ledger, on_unknown="resubmit")
    assert (bought.state, bought.job.request_id) == ("Reattached", "r7")
    assert not gateway.billed


# Orders that are the same


async def test_two_scenes_with_the_same_order_adopt_different_jobs(ledger: Ledger) -> None:
    gateway = Gateway("lost", "lost")
    bought = await asyncio.gather(buy(gateway, ledger), buy(gateway, ledger, OTHER))
    assert {each.job.request_id for each in bought} == {"r1", "r2"}
    assert len(gateway.billed) == 2


async def test_a_scene_that_lost_its_reply_does_not_rob_one_that_waits_for_its_own(ledger: Ledger) -> None:
    """The first submit is slow; the second loses its reply, finds the first one's job in the list and adopts it."""
    gateway = Gateway()
    adopted = asyncio.Event()

    async def second_loses_its_reply() -> Any:
        gateway.submits.append("lost")
        gateway.bill(order())
        other = await buy(gateway, ledger, OTHER)
        assert other.job.request_id == "r1"
        adopted.set()
        return gateway.billed[0][0]

    class Slow(Gateway):
        async def submit(self, wanted: Any) -> Any:
            return await second_loses_its_reply()

    slow = Slow()
    slow.billed, slow.lists = gateway.billed, gateway.lists
    bought = await buy(slow, ledger)
    assert adopted.is_set()
    assert bought.job.request_id == "r2", "one order is as good as the other; each job has one scene"
    assert len(gateway.billed) == 2


async def test_a_job_that_the_key_holds_already_comes_first(ledger: Ledger) -> None:
    gateway = Gateway()
    for _ in range(2):
        gateway.bill(order())
    ledger.intend(1, intent(owner=dead(), at=datetime.now(UTC) - timedelta(seconds=1)))
    ledger.claim(gateway.billed[1][0], KEY)  # and then the process died
    assert (await buy(gateway, ledger)).job.request_id == "r2"
    assert ledger.holder(gateway.billed[0][0]) is None


async def test_a_job_of_another_time_is_taken_only_where_none_of_the_right_time_turns_up(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=dead()))
    gateway.bill(order(), at=datetime.now(UTC) - timedelta(minutes=4))
    gateway.lists.extend([None, lambda: gateway.bill(order())])
    assert (await buy(gateway, ledger)).job.request_id == "r2"


async def test_a_machine_whose_clock_is_wrong_finds_its_job(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=dead()))
    gateway.bill(order(), at=datetime.now(UTC) + timedelta(hours=1))
    assert (await buy(gateway, ledger)).state == "Reattached"


# Other processes, and the dead


async def test_the_intent_of_a_dead_process_is_settled_at_once(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=dead()))
    gateway.bill(order())
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.job.request_id) == ("Reattached", "r1")
    assert len(gateway.billed) == 1


async def test_an_intent_whose_lease_is_over_is_settled(ledger: Ledger) -> None:
    gateway = Gateway()
    past = datetime.now(UTC) - timedelta(minutes=3)
    ledger.intend(1, intent(at=past, lease_until=past + timedelta(minutes=2), owner=living()))
    gateway.bill(order(), at=past)
    assert (await buy(gateway, ledger)).state == "Reattached"


async def test_the_intent_of_a_living_process_is_waited_for(ledger: Ledger) -> None:
    gateway = Gateway()
    ledger.intend(1, intent(owner=living()))
    waiting = asyncio.create_task(buy(gateway, ledger))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    ledger.submitted(KEY, 1, job("theirs"))
    bought = await waiting
    assert (bought.state, bought.job.request_id) == ("Reattached", "theirs")
    assert not gateway.billed


async def test_the_lease_of_a_living_process_is_waited_out(ledger: Ledger) -> None:
    ledger.intend(1, intent(owner=living(), lease_until=datetime.now(UTC) + timedelta(seconds=0.2)))
    before = asyncio.get_running_loop().time()
    with pytest.raises(errors.OutcomeUnknown, match="no answer is recorded"):
        await buy(Gateway(), ledger)
    assert asyncio.get_running_loop().time() - before > 0.15


async def test_a_dead_owner_may_have_recorded_its_answer_just_before(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its history was read, then it wrote the job and left, then it was looked for."""
    ledger.intend(1, intent(owner=dead()))

    def alive(_owner: Any) -> bool:
        ledger.submitted(KEY, 1, job("r7"))
        return False

    monkeypatch.setattr(module, "alive", alive)
    gateway = Gateway()
    bought = await buy(gateway, ledger, on_unknown="resubmit")
    assert (bought.state, bought.job.request_id) == ("Reattached", "r7")
    assert not gateway.billed


async def test_two_calls_at_once_send_one_post(ledger: Ledger) -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.05)

    gateway = Gateway(slowly)
    bought = await asyncio.gather(*(buy(gateway, ledger) for _ in range(6)))
    assert {each.job.request_id for each in bought} == {"r1"}
    assert sorted(each.state for each in bought) == ["Reattached"] * 5 + ["Submitted"]
    assert len(gateway.billed) == 1


async def test_who_comes_second_after_a_refusal_tries_the_next_attempt(ledger: Ledger) -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.05)
        raise errors.Busy("later")

    gateway = Gateway(slowly)
    ended = await asyncio.gather(buy(gateway, ledger), buy(gateway, ledger), return_exceptions=True)
    assert [type(end) for end in ended] == [errors.Busy, Purchase]
    assert outcomes(ledger) == ["refused", None]
    assert len(gateway.billed) == 1


async def test_an_intent_that_took_too_long_to_write_is_not_used(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rival may take its lease for over while the POST is still on its way."""
    gateway = Gateway()
    with monkeypatch.context() as patch:
        patch.setattr(module, "LEASE", timedelta(seconds=59))
        with pytest.raises(errors.NotSent, match="took so long"):
            await buy(gateway, ledger)
    assert outcomes(ledger) == ["refused"]
    assert (await buy(gateway, ledger)).attempt == 2


# Cancellation


async def test_a_cancellation_during_the_post_waits_until_the_id_is_on_disk(ledger: Ledger) -> None:
    posted = asyncio.Event()

    async def slowly() -> None:
        posted.set()
        await asyncio.sleep(0.1)

    gateway = Gateway(slowly)
    buying = asyncio.create_task(buy(gateway, ledger))
    await posted.wait()
    for _ in range(3):  # a second Ctrl-C, a timeout, the end of the loop
        buying.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert ledger.history(KEY)[0].job == gateway.billed[0][0]
    assert (await buy(gateway, ledger)).state == "Reattached"


async def test_a_cancel_scope_that_insists_waits_too(ledger: Ledger) -> None:
    posted = asyncio.Event()

    async def slowly() -> None:
        posted.set()
        await asyncio.sleep(0.1)

    with anyio.move_on_after(0.05) as scope:
        await buy(Gateway(slowly), ledger)
    assert posted.is_set()
    assert scope.cancelled_caught
    assert ledger.history(KEY)[0].job


async def test_a_refusal_is_recorded_in_spite_of_a_cancellation(ledger: Ledger) -> None:
    posted = asyncio.Event()

    async def refuse() -> None:
        posted.set()
        await asyncio.sleep(0.05)
        raise errors.Busy("later")

    buying = asyncio.create_task(buy(Gateway(refuse), ledger))
    await posted.wait()
    buying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await buying
    assert outcomes(ledger) == ["refused"]


async def test_a_cancellation_at_the_gate_sends_and_records_nothing(ledger: Ledger) -> None:
    gateway, gate = Gateway(), asyncio.Event()
    gateway.submits.extend([gate.wait] * 8)
    session = session_with(gateway)
    keys = [digest(n) for n in range(12)]
    buying = [asyncio.create_task(purchase(session, ledger, want(key), wording())) for key in keys]
    await soon(lambda: len(gateway.submits) == 0)
    for task in buying:
        task.cancel()
    await asyncio.sleep(0.02)
    gate.set()
    await asyncio.gather(*buying, return_exceptions=True)
    assert all(task.cancelled() for task in buying)
    assert sum(len(ledger.history(key)) for key in keys) == 8
    assert len(gateway.billed) == 8


async def test_a_cancellation_while_the_gate_is_closed_sends_nothing(ledger: Ledger) -> None:
    gateway = Gateway(errors.Busy("later", retry_after=30.0))
    session = session_with(gateway)
    with pytest.raises(errors.Busy):
        await purchase(session, ledger, want(), wording())
    waiting = asyncio.create_task(purchase(session, ledger, want(OTHER), wording()))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ledger.history(OTHER) == ()
    assert not gateway.billed


async def test_finishing_hands_on_what_came_out() -> None:
    async def seven() -> int:
        return 7

    async def broken() -> int:
        raise KeyError

    assert await finish(seven()) == 7
    with pytest.raises(KeyError):
        await finish(broken())


async def test_finishing_ends_with_work_that_was_cancelled_itself() -> None:
    async def hopeless() -> None:
        await asyncio.sleep(0.02)
        raise asyncio.CancelledError

    waiting = asyncio.create_task(finish(hopeless()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


# Failures after the job was accepted


def close_failed(ledger: Ledger, number: int = 1, **facts: Any) -> None:
    defaults = {"error": "GenerationFailed", "message": "runner_error: out of memory", "remedy": "Change the scene."}
    ledger.close(KEY, number, Outcome(kind="failed", at=datetime.now(UTC), **{**defaults, **facts}))


async def test_a_failure_is_remembered(ledger: Ledger) -> None:
    gateway = Gateway()
    await buy(gateway, ledger)
    close_failed(ledger, charged=None, resubmittable=True)
    with pytest.raises(errors.GenerationFailed, match=r"out of memory \(from an earlier run\)") as failed:
        await buy(gateway, ledger)
    assert (failed.value.charged, failed.value.resubmittable) == (None, True)
    assert (failed.value.request_id, failed.value.remedy) == ("r1", "Change the scene.")
    assert len(gateway.billed) == 1


async def test_a_moderators_refusal_is_remembered_with_its_culprit(ledger: Ledger) -> None:
    await buy(Gateway(), ledger)
    close_failed(ledger, error="Refused", field="prompt")
    with pytest.raises(errors.Refused) as refused:
        await buy(Gateway(), ledger)
    assert refused.value.field == "prompt"


async def test_an_error_that_this_version_does_not_know_is_a_failure(ledger: Ledger) -> None:
    await buy(Gateway(), ledger)
    close_failed(ledger, error="Melted")
    with pytest.raises(errors.GenerationFailed):
        await buy(Gateway(), ledger)


async def test_a_failure_that_was_free_may_be_tried_again(ledger: Ledger) -> None:
    gateway = Gateway()
    await buy(gateway, ledger)
    close_failed(ledger, charged=False, resubmittable=True)
    assert (await buy(gateway, ledger)).attempt == 2


async def test_as_many_attempts_are_bought_as_the_user_allows(ledger: Ledger) -> None:
    gateway = Gateway()
    for number in (1, 2, 3):
        assert (await buy(gateway, ledger, attempts=3)).attempt == number
        close_failed(ledger, number, charged=True)
    with pytest.raises(errors.GenerationFailed):
        await buy(gateway, ledger, attempts=3)
    assert len(gateway.billed) == 3


# A library that breaks


@pytest.mark.parametrize("arrives", [False, True])
async def test_a_library_that_stumbles_after_the_post_is_asked_again(
    tmp_path: Path,
    arrives: bool,  # noqa: FBT001
) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=2, times=2, error=away(), arrives=arrives)))
    gateway = Gateway()
    bought = await buy(gateway, ledger)
    assert bought.state == "Submitted"
    assert ledger.history(KEY)[0].job == gateway.billed[0][0]


async def test_a_job_that_cannot_be_recorded_is_named(tmp_path: Path) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=2, times=3, error=away())))
    gateway = Gateway()
    with pytest.raises(LibraryError, match=r"scene s01 take 1 is bought \(fal request r1\) and could not be recorded"):
        await buy(gateway, ledger)
    assert (await buy(gateway, ledger)).job.request_id == "r1"
    assert len(gateway.billed) == 1


async def test_nothing_is_sent_when_the_intent_cannot_be_written(tmp_path: Path) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=1, error=away())))
    gateway = Gateway()
    with pytest.raises(LibraryError):
        await buy(gateway, ledger)
    assert not gateway.billed
    assert (await buy(gateway, ledger)).attempt == 1


# A process that dies at any write

STORIES: dict[str, tuple[Any, ...]] = {
    "plain": ("accept",),
    "lost": ("lost",),
    "vanished": ("vanished",),
    "refused": (errors.Busy("later"), "accept"),
}


@pytest.mark.parametrize("on_unknown", ["stop", "resubmit"])
@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("story", STORIES)
async def test_a_process_that_dies_at_any_write_pays_once(
    tmp_path: Path,
    story: str,
    at: int,
    arrives: bool,  # noqa: FBT001
    on_unknown: Any,
) -> None:
    breaks = Breaks(at=at, arrives=arrives)
    gateway, ledger = Gateway(*STORIES[story]), Ledger(breaking(tmp_path, breaks))
    bought: list[Purchase] = []
    for _ in range(6):
        try:
            bought.append(await buy(gateway, ledger, on_unknown=on_unknown))
        except (Killed, errors.Busy, errors.OutcomeUnknown):
            continue
    if bought:
        assert {each.job.request_id for each in bought} == {"r1"}
        assert len(gateway.billed) == 1
        assert ledger.holder(bought[0].job) == KEY
    else:
        assert on_unknown == "stop"
        assert not gateway.billed, "what is billed is found"
        assert outcomes(ledger)[-1] is None, "and what is in doubt is still named"


@pytest.mark.parametrize("at", range(1, 9))
async def test_two_equal_scenes_whose_process_dies_get_a_job_each(tmp_path: Path, at: int) -> None:
    gateway, ledger = Gateway("lost", "lost"), Ledger(breaking(tmp_path, Breaks(at=at, arrives=True)))
    keys = (KEY, OTHER)
    await asyncio.gather(*(buy(gateway, ledger, key) for key in keys), return_exceptions=True)
    bought = await asyncio.gather(*(buy(gateway, ledger, key) for key in keys), return_exceptions=True)
    jobs = [each.job.request_id for each in bought if isinstance(each, Purchase)]
    unknown = [each for each in bought if isinstance(each, errors.OutcomeUnknown)]
    assert len(jobs) == len(set(jobs)) == len(gateway.billed)
    assert len(jobs) + len(unknown) == 2
