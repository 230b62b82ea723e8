"""All waiting jobs of an account share so many requests a second."""

import pytest

from prefect_storyboard.jobs.request_budget import RequestBudget


def sent(budget: RequestBudget, until: float) -> int:
    now, count = 0.0, 0
    while (now := now + budget.wait(now)) < until:
        budget.spend(now)
        count += 1
    return count


def test_two_seconds_of_requests_may_be_sent_at_once_and_then_no_more_than_the_rate() -> None:
    assert sent(RequestBudget(10, 0.0), 8.0) == pytest.approx(20 + 80, abs=1)


def test_a_refusal_stops_everybody_as_long_as_the_gateway_asks() -> None:
    budget = RequestBudget(10, 0.0)
    budget.refused(1.0, retry_after=7.0)
    assert budget.wait(1.0) == 7.0
    assert budget.wait(8.0) == 0.0


def test_no_refusal_stops_everybody_for_more_than_five_minutes() -> None:
    budget = RequestBudget(10, 0.0)
    budget.refused(0.0, retry_after=86_400.0)
    assert budget.wait(0.0) == 300.0


def test_each_refusal_halves_the_rate_and_answers_bring_it_back() -> None:
    budget = RequestBudget(16, 0.0)
    budget.refused(0.0, retry_after=0.0)
    budget.refused(0.0, retry_after=0.0)
    assert budget.rate == 4
    for _ in range(100):
        budget.answered()
    assert budget.rate == 16


def test_a_gateway_that_refuses_everything_is_still_asked() -> None:
    budget = RequestBudget(16, 0.0)
    for _ in range(50):
        budget.refused(0.0, retry_after=0.0)
    assert budget.rate == 0.5
