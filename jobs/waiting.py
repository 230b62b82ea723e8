"""One job that is waited for: its waiters, and how it is polled."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import NamedTuple

from prefect_storyboard.jobs.look import empty_so_far
from prefect_storyboard.jobs.render_times import Kind
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Look, Provider, Result, Status, TellsResult
from prefect_storyboard.storyboards import Job

Watch = Callable[[Status], None]


class TimeLimit(Exception):
    """The job still renders at the end of its time limit; `trouble` is the error of the last poll, if it failed."""

    def __init__(self, trouble: errors.ProviderError | None) -> None:
        super().__init__("still rendering")
        self.trouble = trouble


@dataclass(eq=False)
class Waiter:
    """One waiter of a job: the adapter to poll with, the time limit, and the function that receives each state."""

    provider: Provider
    until: float
    watch: Watch
    ended: asyncio.Future[Result]
    context: Context = field(default_factory=copy_context)

    def report(self, status: Status) -> None:
        """Call `watch` in the waiter's context. An error that it raises fails this waiter only."""
        try:
            self.context.run(self.watch, status)
        except Exception as error:  # noqa: BLE001 - see above
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Raise the error in this waiter."""
        if not self.ended.done():
            self.ended.set_exception(error)


@dataclass(eq=False)
class Waiting:
    """One job with waiters. `running` is the age at which it was last seen to render.

    `patient` returns whether its callback is relied on at present.
    """

    job: Job
    kind: Kind
    patient: Callable[[], bool] = lambda: False
    waiters: list[Waiter] = field(default_factory=list)
    due: float = 0.0
    looking: bool = False
    looked: bool = False
    running: float | None = None
    trouble: errors.ProviderError | None = None
    _checked: set[str] = field(default_factory=set)
    _empty: int = 0

    def succeed(self, result: Result) -> None:
        """Pass the result to all waiters."""
        for waiter in self.waiters:
            if not waiter.ended.done():
                waiter.ended.set_result(result)

    def fail(self, error: Exception) -> None:
        """Raise the error in all waiters."""
        for waiter in self.waiters:
            waiter.fail(error)

    def give_up(self, now: float) -> None:
        """Raise TimeLimit in the waiters whose time limit has passed."""
        for waiter in self.waiters:
            if now >= waiter.until:
                waiter.fail(TimeLimit(self.trouble))

    async def ask(self, age: float) -> "Answer":
        """Ask for the state, and for the result where there may be one.

        An answer about the state may hold the result as well. Why there is none is asked for by itself all the same,
        and so is what an undocumented state means, once. Raises what the adapter raises; Busy for an empty result,
        until it has been found empty often enough.
        """
        provider = self.waiters[0].provider
        look = await _look(provider, self.job)
        status = look.status
        for waiter in list(self.waiters):
            waiter.report(status)
        if status.state == "ended":
            with suppress(errors.ProviderError):
                if look.result:
                    return Answer(await look.result(), requests=1)
        if status.state == "ended" or (status.unknown_word and status.unknown_word not in self._checked):
            self._checked.add(status.unknown_word or "")
            return Answer(await self._result(provider, age), requests=2)
        return Answer(None, requests=1)

    async def _result(self, provider: Provider, age: float) -> Result:
        try:
            return await provider.result(self.job)
        except errors.GenerationFailed as error:
            self._empty += 1
            if again := empty_so_far(error, self.job, age=age, looks=self._empty):
                raise again from None
            raise


class Answer(NamedTuple):
    """The answer to one poll: the result, or None while the job renders; and how many requests it took."""

    result: Result | None
    requests: int


async def _look(provider: Provider, job: Job) -> Look:
    try:
        if isinstance(provider, TellsResult):
            return await provider.look(job)
        return Look(await provider.status(job))
    except (errors.InvalidRequest, errors.Retired) as error:  # about the poll itself; says nothing about the job
        raise errors.Busy(str(error), request_id=job.request_id) from error
