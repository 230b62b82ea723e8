"""Process a callback: poll and store the job, emit an event, and resume suspended series."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.callbacks.tokens import AttemptId
from prefect_storyboard.jobs.announced import announced_job, announced_result, is_settled
from prefect_storyboard.jobs.settle import JobLine
from prefect_storyboard.ledger import Attempt, Ledger, LibraryError
from prefect_storyboard.ledger.callbacks import Callbacks
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.series.collect import collect_job, job_facts
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import store

LookNow = Callable[[str], bool]
"""Lets this process's poller poll the provider's job of that id now; False if nothing here waits for it."""

Emitting = Callable[[], AbstractContextManager[None]]
Wake = Callable[[], Awaitable[object]]
CredentialsOf = Callable[[str, str], Credentials | None]

_AT_ONCE = 16
_POLL_AFTER = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0)  # seconds before each poll; longer than a submit's lease
_LISTED_FOR = 60.0  # seconds that a callback stays listed after its job has ended, so that every process sees it
_WAKE_AFTER = (1.0, 3.0, 10.0, 30.0, 60.0)  # seconds; a run may be about to be suspended
_log = logging.getLogger(__name__)


class Collector:
    """Polls each job with a callback until it has ended, one poll of a job at a time.

    If there is a Prefect server, `wake` resumes suspended series and `emitting` enables events.
    """

    def __init__(
        self,
        ledger: Ledger,
        library: Library,
        credentials_of: CredentialsOf,
        *,
        wake: Wake | None = None,
        emitting: Emitting = nullcontext,
        look_now: LookNow | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._ledger, self._library, self._credentials_of = ledger, library, credentials_of
        self._emitting = emitting
        self._wake, self._look_now = wake, look_now or (lambda _: False)
        self._clock = clock or Clock()
        self._callbacks = Callbacks(ledger.storage)
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._working: dict[AttemptId, asyncio.Task[None]] = {}
        self._waking: asyncio.Task[None] | None = None
        self._wake_delays: list[float] = []

    async def resume(self) -> None:
        """Continue with the callbacks that arrived before a restart."""
        for key, number in await asyncio.to_thread(self._callbacks.arrived):
            self.called(AttemptId(key, number))

    def called(self, attempt_id: AttemptId) -> None:
        """Start polling for a callback of this attempt.

        One that comes while the job is being polled changes nothing.
        """
        if attempt_id not in self._working:
            self._working[attempt_id] = task = _start(self._until_ended(attempt_id))
            task.add_done_callback(lambda _: self._working.pop(attempt_id, None))

    async def close(self) -> None:
        """Stop polling, after results that are being stored are complete. The callbacks stay recorded."""
        running = [*self._working.values(), *([self._waking] if self._waking else [])]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _until_ended(self, attempt_id: AttemptId) -> None:
        for pause in _POLL_AFTER:
            await self._clock.sleep(pause)
            with self._emitting():
                async with self._gate:
                    ended = await self._look(attempt_id)
            if ended:
                await self._clock.sleep(_LISTED_FOR)
                break
        await asyncio.to_thread(self._callbacks.remove, *attempt_id)

    async def _look(self, attempt_id: AttemptId) -> bool:
        """Poll once. Returns whether the job has ended; errors are logged, and the job is polled again."""
        try:
            history = await asyncio.to_thread(self._ledger.history, attempt_id.key)
            if len(history) < attempt_id.number:
                return False
            if not is_settled(history[attempt_id.number - 1]):
                return await self._collect(history[attempt_id.number - 1])
        except (LibraryError, ProviderError) as error:
            _log.info("Job %s is open: %s", attempt_id.key[:12], error)
        except Exception:  # noqa: BLE001 - any error: one job must not stop the polling of the others
            _log.exception("Job %s could not be collected; it is polled again", attempt_id.key[:12])
        else:
            self._wake_soon()  # another process has collected it, perhaps a stopped one
            return True
        return False

    async def _collect(self, attempt: Attempt) -> bool:
        attempt_id, intent = AttemptId(attempt.intent.key, attempt.number), attempt.intent
        arrival = await asyncio.to_thread(self._callbacks.read, *attempt_id)
        credentials = self._credentials_of(intent.provider, intent.account)
        if credentials is None or arrival is None:
            return False
        async with credentials.session() as session:
            bought_before = attempt.job is not None
            attempt = await announced_job(session, self._ledger, attempt, arrival.request_id)
        if not bought_before:
            events.job_submitted(self._library, job_facts(intent, attempt.job))
        if attempt.job and self._look_now(attempt.job.request_id):
            return False  # a waiter in this process stores it, too
        made = await collect_job(
            attempt, self._ledger, credentials, self._library, result_of=announced_result, keep=store.fn
        )
        outcome = made.state if isinstance(made, JobLine) else "done"
        if outcome not in {"done", "failed"}:
            return False
        _log.info("%s has ended: %s", intent.label, outcome)
        events.job_ended(self._library, job_facts(intent, attempt.job), outcome)
        self._wake_soon()
        return True

    def _wake_soon(self) -> None:
        """Resume the series whose jobs have ended, at most once a second, with a few retries."""
        self._wake_delays = [*_WAKE_AFTER]
        if self._wake and (self._waking is None or self._waking.done()):
            self._waking = _start(self._wake_all(self._wake))

    async def _wake_all(self, wake: Wake) -> None:
        while self._wake_delays:
            await self._clock.sleep(self._wake_delays.pop(0))
            try:
                await wake()
            except Exception:  # noqa: BLE001 - Prefect's server may be down; it is tried again
                _log.exception("Suspended series could not be resumed")


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)
