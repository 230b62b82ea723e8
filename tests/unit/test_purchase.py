"""Pay once: what the ledger holds is not bought again, and what was refused bought nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.ledger import Draft, Ledger, Outcome
from prefect_storyboard.providers import errors

from .fakes import KEY, Gateway, ledger_in, order, session_with
from .purchases import buy, outcomes, want


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


async def test_what_is_wanted_is_bought_once(ledger: Ledger) -> None:
    gateway = Gateway()
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.attempt, bought.job.request_id) == ("Submitted", 1, "r1")
    again = await buy(gateway, ledger)
    assert (again.state, again.job) == ("Reattached", bought.job)
    assert len(gateway.billed) == 1


async def test_a_purchase_is_announced_once_and_only_when_it_is_on_record(ledger: Ledger) -> None:
    heard: list[tuple[str, bool]] = []
    gateway = Gateway()
    for _ in range(2):
        await buy(
            gateway,
            ledger,
            on_submitted=lambda bought: heard.append((bought.job.request_id, ledger.history(KEY)[0].job is not None)),
        )
    assert heard == [("r1", True)]


async def test_what_is_done_is_cached(ledger: Ledger) -> None:
    gateway = Gateway()
    await buy(gateway, ledger)
    done = ledger.close(KEY, 1, Outcome(kind="done", at=datetime.now(UTC)))
    again = await buy(gateway, ledger)
    assert (again.state, again.outcome) == ("Cached", done)
    assert len(gateway.billed) == 1


async def test_what_is_picked_up_says_what_it_was_bought_with(ledger: Ledger) -> None:
    asked = Draft(reel="t", scene="s01", model="sora-2", prompt="p", parent_key="first", remixable=False)
    await buy(Gateway(), ledger, draft=asked)
    now = asked.model_copy(update={"parent_key": "second", "remixable": True, "scene": "s02"})
    again = await buy(Gateway(), ledger, draft=now)
    assert again.draft
    assert (again.draft.parent_key, again.draft.remixable, again.draft.scene) == ("first", False, "s02")


async def test_the_order_is_worded_only_when_there_is_something_to_buy(ledger: Ledger) -> None:
    gateway, worded = Gateway(), []

    async def word(*, fresh: bool) -> Any:
        worded.append(1)
        return order()

    for _ in range(3):
        await buy_once(session_with(gateway), ledger, want(), word)
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
