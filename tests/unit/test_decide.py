"""Every state that a ledger can be in has one answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prefect_storyboard.ledger import Attempt, Outcome, decide

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


def failed(number: int = 1, *, charged: bool | None = True, again: bool = False) -> Attempt:
    return attempt(number, kind="failed", charged=charged, resubmittable=again)


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
        ([attempt(kind="abandoned")], False, "submit"),
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
    ],
)
def test_only_failures_that_may_have_cost_something_use_up_the_attempts(
    history: list[Attempt], attempts: int, decision: str
) -> None:
    assert decide(history, now=NOW, owner_alive=False, attempts=attempts) == decision
