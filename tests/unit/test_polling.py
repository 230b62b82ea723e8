"""A paid job is waited for until the provider itself says how it ended; nothing else fails it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs.announced import announced_result
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger, Outcome
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Look, Result, Status
from prefect_storyboard.storyboards import Job

from .fakes import KEY, FakeClock, Gateway, intent, job, ledger_in, session_with

DONE = Result(url="https://cdn.example/r1.mp4")
OLD = datetime.now(UTC) - timedelta(minutes=5)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = ledger_in(tmp_path)
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    return ledger


async def wait(
    gateway: Gateway, ledger: Ledger, *, since: datetime | None = None, clock: FakeClock | None = None, **facts: Any
) -> Result:
    bought = PaidJob(key=KEY, attempt=1, job=job(submitted_at=since or datetime.now(UTC)), state="Submitted")
    return await await_result(session_with(gateway, clock=clock), ledger, bought, **facts)


def outcome(ledger: Ledger) -> Outcome | None:
    return ledger.history(KEY)[0].outcome


async def test_a_job_is_asked_until_it_has_ended(ledger: Ledger) -> None:
    gateway, clock = Gateway(), FakeClock()
    gateway.states.extend(["queued", "running", "running", "ended"])
    assert await wait(gateway, ledger, clock=clock) == DONE
    assert len(clock.slept) == 3


class OneAnswer(Gateway):
    """Tells the state and the result in one answer."""

    def __init__(self, made: Exception | None = None) -> None:
        super().__init__()
        self.made = made

    async def look(self, job: Job) -> Look:
        return Look(await self.status(job), self._made)

    async def _made(self) -> Result:
        if self.made:
            raise self.made
        return DONE


async def test_a_result_that_stands_beside_the_state_is_not_asked_for_again(ledger: Ledger) -> None:
    gateway = OneAnswer()
    gateway.states.extend(["queued", "ended"])
    assert await wait(gateway, ledger) == DONE
    assert (gateway.looks, gateway.results_asked) == (2, 0)


@pytest.mark.parametrize(
    "made", [errors.GenerationFailed("no", charged=True), errors.Busy("half"), errors.Refused("no")]
)
async def test_why_there_is_no_result_beside_the_state_is_asked_for_by_itself(ledger: Ledger, made: Exception) -> None:
    gateway = OneAnswer(made)
    assert await wait(gateway, ledger) == DONE
    assert (gateway.looks, gateway.results_asked, outcome(ledger)) == (1, 1, None)


async def test_whoever_watches_is_told_every_state(ledger: Ledger) -> None:
    gateway, seen = Gateway(), []
    gateway.states.extend(["queued", errors.Busy("503"), "running", "ended"])
    await wait(gateway, ledger, watch=lambda status: seen.append(status.state))
    assert seen == ["queued", "running", "ended"]


BROKEN = [
    errors.NotSent("no network"),
    errors.Busy("fal answered 502"),
    errors.Busy("fal answered 429", retry_after=2.0),
    errors.InvalidRequest("fal does not take it: a proxy's opinion"),
    errors.Retired("fal does not offer it: a proxy's opinion"),
    errors.ProtocolError("fal gave an undocumented answer"),
]


@pytest.mark.parametrize("trouble", BROKEN)
async def test_a_broken_poll_never_fails_the_job(ledger: Ledger, trouble: Exception) -> None:
    gateway, clock = Gateway(), FakeClock()
    gateway.states.extend([trouble] * 20)
    assert await wait(gateway, ledger, clock=clock) == DONE
    assert outcome(ledger) is None
    assert len(clock.slept) == 20


async def test_a_result_that_cannot_be_had_yet_is_asked_for_again(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.results.extend([errors.Busy("still in progress"), errors.NotSent("no network")])
    assert await wait(gateway, ledger) == DONE
    assert gateway.looks == 3


@pytest.mark.parametrize("kind", [errors.Unauthorized, errors.OutOfCredit])
async def test_what_says_nothing_about_the_job_stops_the_run_and_leaves_it_open(
    ledger: Ledger, kind: type[errors.ProviderError]
) -> None:
    gateway = Gateway()
    gateway.states.append(kind("no"))
    with pytest.raises(kind):
        await wait(gateway, ledger)
    assert outcome(ledger) is None


VERDICTS = [
    errors.Refused("refused by moderation", field="prompt"),
    errors.InvalidRequest("the model does not take the input", field="seconds", charged=None),
    errors.GenerationFailed("runner_error", resubmittable=True, charged=False, remedy="Run it again."),
]


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_the_providers_verdict_is_recorded_and_raised(ledger: Ledger, verdict: errors.ProviderError) -> None:
    gateway = Gateway()
    gateway.results.append(verdict)
    with pytest.raises(type(verdict)) as raised:
        await wait(gateway, ledger)
    assert raised.value is verdict
    kept = outcome(ledger)
    assert kept
    assert (kept.kind, kept.error, kept.message) == ("failed", type(verdict).__name__, str(verdict))
    assert (kept.charged, kept.remedy) == (verdict.charged, verdict.remedy)
    assert (kept.field, kept.resubmittable) == (
        getattr(verdict, "field", None),
        getattr(verdict, "resubmittable", False),
    )


EMPTY = errors.GenerationFailed("the job ended at fal without a video, a picture or a character", empty=True)


async def test_an_ended_job_whose_result_is_empty_is_asked_again_before_that_is_its_verdict(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.results.extend([EMPTY, EMPTY])
    assert await wait(gateway, ledger) == DONE
    assert outcome(ledger) is None
    gateway.results.extend([EMPTY, EMPTY, EMPTY])
    with pytest.raises(errors.GenerationFailed) as raised:
        await wait(gateway, ledger)
    assert raised.value is EMPTY
    assert (kept := outcome(ledger))
    assert (kept.kind, kept.charged) == ("failed", None)


async def test_one_look_at_an_empty_result_leaves_a_job_open_for_an_hour_and_not_for_ever(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.results.extend([EMPTY, EMPTY])
    with pytest.raises(errors.Busy, match="its result is empty so far"):
        await wait(gateway, ledger, minutes=0)
    assert outcome(ledger) is None
    with pytest.raises(errors.GenerationFailed):
        await wait(gateway, ledger, minutes=0, since=datetime.now(UTC) - timedelta(minutes=61))
    assert outcome(ledger)


async def test_a_callback_for_an_empty_result_leaves_a_job_open_as_one_look_does(ledger: Ledger) -> None:
    gateway = Gateway()
    for minutes, kind in ((1, errors.Busy), (61, errors.GenerationFailed)):
        gateway.results.append(EMPTY)
        asked = job(submitted_at=datetime.now(UTC) - timedelta(minutes=minutes))
        with pytest.raises(kind):
            await announced_result(
                session_with(gateway), ledger, PaidJob(key=KEY, attempt=1, job=asked, state="Submitted")
            )
        assert bool(outcome(ledger)) is (kind is errors.GenerationFailed)


async def test_a_verdict_is_recorded_in_spite_of_a_cancellation(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.results.append(errors.Refused("refused by moderation"))
    loop = asyncio.get_running_loop()

    class Cancelling(Ledger):
        def close(self, *args: Any) -> Outcome:
            loop.call_soon_threadsafe(waiting.cancel)
            return super().close(*args)

    waiting = asyncio.create_task(wait(gateway, Cancelling(ledger.storage)))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    kept = outcome(ledger)
    assert kept
    assert kept.error == "Refused"


async def test_a_provider_may_not_know_yet_what_it_has_just_accepted(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.states.extend([errors.Expired("404")] * 3)
    assert await wait(gateway, ledger) == DONE


async def test_what_an_old_job_s_provider_does_not_know_is_forgotten(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.states.append(errors.Expired("404"))
    with pytest.raises(errors.Expired):
        await wait(gateway, ledger, since=OLD)
    assert outcome(ledger) is None, "the job may still be looked for by hand"


async def test_the_time_limit_leaves_the_job_open(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.states.extend(["running"] * 500)
    with pytest.raises(errors.Busy, match=r"still rendering after 2 minutes") as late:
        await wait(gateway, ledger, minutes=2)
    assert (late.value.charged, late.value.request_id) == (None, "r1")
    assert "the next run waits for it and does not buy it again" in late.value.remedy
    assert outcome(ledger) is None


async def test_the_time_limit_tells_the_last_trouble(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.states.extend([errors.Busy("fal answered 503: overloaded")] * 500)
    with pytest.raises(errors.Busy, match=r"still rendering .* \(last answer: fal answered 503: overloaded\)"):
        await wait(gateway, ledger, minutes=2)


async def test_without_any_time_it_is_still_asked_once(ledger: Ledger) -> None:
    assert await wait(Gateway(), ledger, minutes=0) == DONE


async def test_the_wait_that_the_provider_asks_for_is_kept(ledger: Ledger) -> None:
    gateway, clock = Gateway(), FakeClock()
    gateway.states.extend([errors.Busy("429", retry_after=7.5), errors.Busy("429", retry_after=0.2), "ended"])
    await wait(gateway, ledger, clock=clock)
    assert clock.slept == [7.5, pytest.approx(0.08 * 7.5, rel=0.35)], "what was asked for, or by the job's age"


async def test_no_wait_is_longer_than_the_time_that_is_left(ledger: Ledger) -> None:
    gateway, clock = Gateway(), FakeClock()
    gateway.states.extend([errors.Busy("429", retry_after=3600.0)] * 5)
    with pytest.raises(errors.Busy, match="still rendering"):
        await wait(gateway, ledger, minutes=2, clock=clock)
    assert clock.passed == 120


def test_an_unknown_state_is_no_state_of_ours() -> None:
    """An adapter reads one as running; it cannot hand it on by mistake."""
    with pytest.raises(ValueError, match="state"):
        Status.model_validate({"state": "meditating"})


async def test_a_link_that_must_not_be_asked_stops_the_wait_and_leaves_the_job_open(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.states.append(errors.ProtocolError("fal returned a link to a stranger", sent=False))
    with pytest.raises(errors.ProtocolError, match="stranger"):
        await wait(gateway, ledger)
    assert outcome(ledger) is None


async def test_an_unknown_state_is_checked_against_the_result_once_for_each_word(
    ledger: Ledger,
) -> None:
    gateway, clock = Gateway(), FakeClock()
    odd = Status(state="running", unknown_word="'reviewing'")
    gateway.states.extend([odd, odd, odd, "ended"])
    gateway.results.extend([errors.Busy("not ready")])
    assert await wait(gateway, ledger, clock=clock) == DONE
    assert (len(clock.slept), gateway.looks) == (3, 4)


async def test_an_unknown_state_with_a_result_has_ended(ledger: Ledger) -> None:
    gateway, clock = Gateway(), FakeClock()
    gateway.states.append(Status(state="running", unknown_word="'finalised'"))
    assert await wait(gateway, ledger, clock=clock) == DONE
    assert clock.slept == []


async def test_an_unknown_state_without_a_result_is_pending_until_the_deadline(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.states.append(Status(state="running", unknown_word="'reviewing'"))
    gateway.results.append(errors.Busy("not ready"))
    with pytest.raises(errors.Busy, match="still rendering"):
        await wait(gateway, ledger, minutes=0)
    assert outcome(ledger) is None


async def test_a_result_that_says_the_model_is_gone_ends_the_job(ledger: Ledger) -> None:
    gateway = Gateway()
    gateway.results.append(errors.Retired("Path /x not found"))
    with pytest.raises(errors.Retired):
        await wait(gateway, ledger)
    assert (outcome(ledger) or Outcome).error == "Retired"
