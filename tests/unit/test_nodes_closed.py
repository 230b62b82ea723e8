"""Prefect looks for the results of other runs among a node's arguments: in each of our models once, in none of its fields."""

from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.states import Completed
from prefect.utilities.collections import visit_collection

from prefect_storyboard.blocks import FalCredentials, Library
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.storyboards import Job
from prefect_storyboard.tasks._node import node

JOB = Job(provider="fal", endpoint="e", request_id="r1", submitted_at=datetime.now(UTC))
PAID = PaidJob(key="0" * 64, attempt=1, job=JOB, state="Submitted")


class Sent(Exception):
    """What Prefect's own task was given."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.given = [*given, *named.values()]


@pytest.fixture
def given(monkeypatch):
    """The arguments with which Prefect's task is called for a call of a node."""

    def call(*_: Any, **__: Any) -> None:
        raise Sent(*_[1:], **__)

    monkeypatch.setattr("prefect.tasks.Task.__call__", call)
    monkeypatch.setattr("prefect.tasks.Task.submit", call)


@node(name="look")
async def look(job: Any, *, library: Any = None) -> None:
    """Do nothing."""


def visited(argument: Any) -> list[Any]:
    seen: list[Any] = []
    visit_collection(argument, visit_fn=seen.append, return_data=False)
    return seen


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("way", [look, look.submit])
@pytest.mark.parametrize("value", [PAID, Library(url="memory://x"), FalCredentials(api_key="sandbox")])
def test_a_model_is_visited_and_its_fields_are_not(way: Any, value: Any) -> None:
    with pytest.raises(Sent) as sent:
        way(value, library=value)
    for argument in sent.value.given:
        assert visited(argument)[1:] == [value]


@pytest.mark.usefixtures("given")
@pytest.mark.parametrize("value", ["a prompt", None, ["a"], (PAID,), {"a": 1}, Completed(data=1)])
def test_everything_else_is_given_as_it_is(value: Any) -> None:
    with pytest.raises(Sent) as sent:
        look(value)
    assert sent.value.given == [value]
