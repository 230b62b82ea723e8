"""Every state that a ledger can be in has one answer."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from prefect_storyboard.ledger import Attempt, Outcome, decide
from prefect_storyboard.storyboards import Casting

from .fakes import intent, job

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def attempt(number: int = 1, *, answered: bool = True, lease: float = 60, **outcome: Any) -> Attempt:
    facts = {"at": NOW, "lease_until": NOW + timedelta(seconds=lease)}
    return Attempt(
        number=number,
        intent=intent(**facts),
        job=job(submitted_at=NOW) if answered else None,
        outcome=Outcome(at=NOW, **outcome) if outcome else None,
    )


def failed(number: int = 1, *, charged: bool | None = True, again: bool = False, **facts: Any) -> Attempt:
    return attempt(number, kind="failed", charged=charged, resubmittable=again, **facts)


def voided(number: int = 1, **facts: Any) -> Attempt:
    """A character that was created, and that the provider has forgotten."""
    made = attempt(number, **{"kind": "done", "casting": Casting(character="Mara", id="char_1"), **facts})
    return made.model_copy(update={"void": Outcome(kind="abandoned", at=NOW)})


OPEN = attempt()
ANNOUNCED = attempt(answered=False)
LAPSED = attempt(answered=False, lease=-1)
REFUSED = attempt(answered=False, kind="refused")
ABANDONED = attempt(answered=False, kind="abandoned")


@pytest.mark.parametrize(
    ("history", "alive", "decision"),
    [
        ([], False, "submit"),
        ([ANNOUNCED], True, "wait"),
        ([ANNOUNCED], False, "unknown"),
        ([LAPSED], True, "unknown"),
        ([LAPSED], False, "unknown"),
        ([attempt(answered=False, lease=0)], True, "unknown"),
        ([OPEN], True, "reattach"),
        ([OPEN], False, "reattach"),
        ([attempt(lease=-1)], False, "reattach"),
        ([attempt(kind="done")], False, "done"),
        ([REFUSED], False, "submit"),
        ([REFUSED], True, "submit"),
        ([ABANDONED], False, "submit"),
        ([attempt(kind="abandoned")], False, "reattach"),
        ([REFUSED, attempt(2, answered=False)], True, "wait"),
        ([REFUSED, attempt(2, answered=False)], False, "unknown"),
        ([REFUSED, attempt(2)], False, "reattach"),
        ([REFUSED, attempt(2, kind="done")], False, "done"),
        ([failed(), attempt(2)], False, "reattach"),
        ([failed()], False, "failed"),
        ([failed(charged=None)], False, "failed"),
        ([failed(charged=False)], False, "failed"),
        ([failed(again=True)], False, "failed"),
        ([failed(charged=None, again=True)], False, "failed"),
        ([failed(charged=False, again=True)], False, "submit"),
        ([attempt(kind="done", casting=Casting(character="Mara", id="char_1"))], False, "done"),
        ([voided()], False, "submit"),
        ([voided()], True, "submit"),
        ([voided(), attempt(2, answered=False)], True, "wait"),
        ([voided(), attempt(2, answered=False)], False, "unknown"),
        ([voided(), attempt(2)], False, "reattach"),
        ([voided(), attempt(2, kind="done")], False, "done"),
        ([voided(), voided(2)], False, "submit"),
        ([voided(), failed(2)], False, "failed"),
        ([voided(), failed(2, charged=False, again=True)], False, "submit"),
        ([failed(), voided(2)], False, "submit"),
    ],
)
def test_the_last_attempt_decides(history: list[Attempt], alive: bool, decision: str) -> None:  # noqa: FBT001
    assert decide(history, now=NOW, owner_alive=alive) == decision


FREE = failed(charged=False, again=True)


@pytest.mark.parametrize(
    ("history", "attempts", "decision"),
    [
        ([failed()], 2, "submit"),
        ([failed(), failed(2)], 2, "failed"),
        ([failed(), failed(2)], 3, "submit"),
        ([REFUSED, REFUSED, failed(3)], 2, "submit"),
        ([ABANDONED, failed(2)], 1, "failed"),
        ([failed(charged=False)], 2, "submit"),
        ([FREE, failed(2)], 2, "submit"),
        ([FREE, FREE, failed(3)], 1, "failed"),
        ([failed(), FREE], 1, "submit"),
        ([attempt(kind="done")], 5, "done"),
        ([voided(), failed(2)], 2, "submit"),
        ([voided(), failed(2), failed(3)], 2, "failed"),
    ],
)
def test_only_failures_that_may_have_cost_something_use_up_the_attempts(
    history: list[Attempt], attempts: int, decision: str
) -> None:
    assert decide(history, now=NOW, owner_alive=False, attempts=attempts) == decision


OUTPUT = failed(charged=False, again=True, error="Refused", what="output")
STALE = failed(charged=False, again=True, stale_upload=True)


@pytest.mark.parametrize(
    ("history", "attempts", "decision"),
    [
        ([failed(charged=False, error="Refused", what="prompt")], 5, "failed"),
        ([OUTPUT], 1, "failed"),
        ([OUTPUT], 2, "submit"),
        ([OUTPUT, OUTPUT], 2, "failed"),
        ([FREE, OUTPUT], 2, "submit"),
    ],
)
def test_a_refused_output_is_tried_again_within_the_attempts_and_a_refused_input_never(
    history: list[Attempt], attempts: int, decision: str
) -> None:
    assert decide(history, now=NOW, owner_alive=False, attempts=attempts) == decision


@pytest.mark.parametrize(
    ("history", "attempts", "decision"),
    [
        ([FREE] * 3, 1, "submit"),
        ([FREE] * 4, 1, "failed"),
        ([FREE] * 4, 2, "submit"),
        ([FREE] * 5, 2, "failed"),
        ([STALE], 1, "submit"),
        ([STALE] * 2, 1, "failed"),
        ([STALE, *[FREE] * 3], 1, "submit"),
        ([FREE, STALE], 1, "submit"),
        ([*[FREE] * 4, STALE], 1, "submit"),
    ],
)
def test_free_resubmits_end_after_three_and_an_expired_upload_is_renewed_once(
    history: list[Attempt], attempts: int, decision: str
) -> None:
    assert decide(history, now=NOW, owner_alive=False, attempts=attempts) == decision


def test_free_failures_of_an_earlier_run_are_not_counted() -> None:
    earlier = [FREE] * 4
    assert decide(earlier, now=NOW, owner_alive=False, since=NOW + timedelta(seconds=1)) == "submit"
    assert decide(earlier, now=NOW, owner_alive=False, since=NOW) == "failed"


KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"kind": "done"},
    {"kind": "refused"},
    {"kind": "abandoned"},
    {"kind": "failed", "charged": True},
    {"kind": "failed", "charged": False, "resubmittable": True},
)


@pytest.mark.parametrize("outcome", KINDS, ids=str)
def test_there_is_something_to_buy_only_where_the_last_attempt_has_ended_and_left_nothing(
    outcome: dict[str, Any],
) -> None:
    nothing = bool(outcome) and (outcome["kind"] in {"refused", "abandoned"} or outcome.get("resubmittable", False))
    earlier: list[list[Attempt]] = [[], [REFUSED], [ABANDONED], [FREE], [voided()]]
    for before, answered, lease, alive in product(earlier, (True, False), (60, -1), (True, False)):
        last = attempt(len(before) + 1, answered=answered, lease=lease, **outcome)
        decision = decide([*before, last], now=NOW, owner_alive=alive)
        found = answered and outcome.get("kind") == "abandoned"  # by a run, while somebody gave it up
        assert (decision == "submit") == (nothing and not found)
        assert (decision == "wait") == (not outcome and not answered and alive and lease > 0)
        assert (decision == "reattach") == (found or (not outcome and answered))
