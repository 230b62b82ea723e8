"""Ask a person, and wait for the answer without holding anything: in Prefect's form, or wherever a caller asks.

A deployment's run is suspended: its process ends, and whoever resumes it with the form starts it again. The key of the
pause holds the hash of the question, so that the answer to an older question is never read as the answer to this one.
A run of no deployment cannot be suspended: it is paused, and its process waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol

from prefect.context import FlowRunContext
from prefect.flow_runs import apause_flow_run, asuspend_flow_run
from prefect.input import RunInput, aread_flow_run_input, keyset_from_base_key
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from prefect_storyboard.series.approval_form import answer_of, form_of
from prefect_storyboard.storyboards import Plan
from prefect_storyboard.storyboards.approval import Answer, Question, objections

_LOOK, _LATER = 2, 3600  # seconds: between two looks of a paused run; until Prefect fails one that nobody looks after

Announce = Callable[[Question, datetime], Awaitable[None]]
Wait = Callable[..., Awaitable[RunInput]]


class NotApproved(Exception):
    """Nobody has approved what the run was going to do, and nothing of it was bought. `state` names the run's end."""

    state = "NotApproved"
    remedy = "Run it again to be asked again."


class Stopped(NotApproved):
    """A person has stopped the run."""

    state = "Stopped"


class Ask(Protocol):
    """Puts a question to a person."""

    def __call__(self, question: Question) -> Awaitable[Answer]: ...


_asks_elsewhere: ContextVar[Ask | None] = ContextVar("asks_elsewhere", default=None)


@contextmanager
def asked_by(ask: Ask) -> Iterator[None]:
    """Inside, runs put their questions to `ask`, for example on a terminal, and are neither suspended nor paused."""
    token = _asks_elsewhere.set(ask)
    try:
        yield
    finally:
        _asks_elsewhere.reset(token)


def is_asked_elsewhere() -> bool:
    """Whether a caller asks in its own way, without Prefect's form and its pictures."""
    return _asks_elsewhere.get() is not None


@dataclass(frozen=True)
class Prefect:
    """What is used of Prefect in one flow run, or what a test passes in."""

    deployed: bool
    fired: Collection[str]
    suspend: Wait = asuspend_flow_run
    pause: Wait = apause_flow_run
    read: Callable[[str], Awaitable[Mapping[str, Any] | None]] = aread_flow_run_input

    def wait(self, form: type[RunInput], key: str, seconds: int) -> Awaitable[RunInput]:
        """Wait for the form: suspended, this does not return, and the run begins again when it is resumed."""
        if self.deployed:
            return self.suspend(wait_for_input=form, timeout=seconds, key=key)
        # Prefect's own time-out ends the run in a state of its own; it is for a process that was killed meanwhile.
        paused = self.pause(wait_for_input=form, timeout=seconds + _LATER, poll_interval=_LOOK, key=key)
        return asyncio.wait_for(paused, seconds)

    async def given(self, key: str) -> Mapping[str, Any] | None:
        """The answer that was given under this key."""
        state = "suspended" if self.deployed else "paused"
        return await self.read(keyset_from_base_key(f"{state}-{key}")["response"])


def check_askable(deployment_id: str | None) -> None:
    """Raise ValueError for a run that nobody could answer."""
    if deployment_id or _asks_elsewhere.get() or (FlowRunContext.get() and PREFECT_API_URL.value()):
        return
    raise ValueError(
        "approve needs somebody who can answer, and nothing was bought: start the run from a deployment, set "
        "PREFECT_API_URL, or run `storyboard run --approve` on a terminal"
    )


async def ask(question: Question, plan: Plan, *, name: str, hours: float, announce: Announce) -> Answer:
    """The answer to this very question. Raises Stopped, or NotApproved where nobody answers in that many hours.

    `name` is the question's own, and its key in Prefect.
    """
    elsewhere = _asks_elsewhere.get()
    if elsewhere:
        return await _ask_elsewhere(elsewhere, question, plan)
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise ValueError("approve needs a flow run: call the flow, not its function; nothing was bought")
    flow_run = context.flow_run
    prefect = Prefect(bool(flow_run.deployment_id), flow_run.empirical_policy.pause_keys or ())
    return await ask_in_prefect(question, plan, name=name, hours=hours, prefect=prefect, announce=announce)


async def ask_in_prefect(
    question: Question, plan: Plan, *, name: str, hours: float, prefect: Prefect, announce: Announce
) -> Answer:
    """Read the answer that was given, or wait for one; an answer that cannot be carried out is asked for again.

    A key that has fired without an answer belongs to a run that was resumed by hand or killed: another turn asks again.
    """
    for turn in count(1):
        key, form = f"{name}-{turn}", form_of(question)
        given = await prefect.given(key)
        if given is None and key in prefect.fired:
            continue
        try:
            if given is None:
                await announce(question, datetime.now(UTC) + timedelta(hours=hours))
                filled = await prefect.wait(form, key, max(int(hours * 3600), 1))
            else:
                filled = form(**given)
        except TimeoutError:
            raise NotApproved(unanswered(hours)) from None
        except ValidationError as error:
            question = again(question, [f"{each['loc'][0]}: {each['msg']}" for each in error.errors() if each["loc"]])
            continue
        answer = answer_of(question, filled)
        if reasons := [*objections(question, answer, plan)]:
            question = again(question, reasons)
            continue
        return approved(answer)
    raise AssertionError


async def _ask_elsewhere(elsewhere: Ask, question: Question, plan: Plan) -> Answer:
    answer = await elsewhere(question)
    while reasons := [*objections(question, answer, plan)]:
        question = again(question, reasons)
        answer = await elsewhere(question)
    return approved(answer)


def again(question: Question, reasons: list[str]) -> Question:
    """The same question, which says why it is asked again."""
    return question.model_copy(update={"reasons": tuple(reasons)})


def approved(answer: Answer) -> Answer:
    """The answer. Raises Stopped if it is to stop."""
    if answer.decision == "stop":
        raise Stopped(f"{answer.by} stopped the run; nothing was bought after that")
    return answer


def unanswered(hours: float) -> str:
    """What the end of a run says that nobody has answered."""
    return f"nobody approved this within {hours:g} hours, and nothing was bought; run it again to be asked again"
