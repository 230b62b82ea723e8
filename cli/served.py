"""End a command when Prefect's server stops answering, instead of waiting for it."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import httpx

from prefect_storyboard.cli.prefect_server import is_plain

T = TypeVar("T")
_CHECK_EVERY = 3.0  # seconds
_CHECKS = 7  # consecutive checks without an answer: a busy or restarted server answers before that
_GRACE = 20.0  # seconds for the work to record its state


class ServerGone(RuntimeError):
    """Prefect's server no longer answers; the message says what happened to the work."""


async def while_served(
    work: Coroutine[Any, Any, T],
    answers: Callable[[], Awaitable[bool]],
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """Await the work while the server answers; else cancel it, and raise ServerGone within a minute.

    A cancelled run records its requests in flight before it ends; Prefect's own clean-up, which repeats requests to the
    dead server, gets 20 seconds.
    """
    running = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(answers, sleep))
    try:
        await asyncio.wait([running, gone], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            running.cancel()
            left = asyncio.ensure_future(sleep(_GRACE))
            await asyncio.wait([running, left], return_when=asyncio.FIRST_COMPLETED)
            left.cancel()
            raise ServerGone(
                "Prefect's server no longer answers. Paid jobs are in the ledger and stored clips in the library; "
                "start the server, then run the command again: nothing is bought twice"
            )
        return running.result()
    finally:
        gone.cancel()
        running.cancel()


async def _gone(answers: Callable[[], Awaitable[bool]], sleep: Callable[[float], Awaitable[object]]) -> None:
    """Return when the server has not answered several checks."""
    silent = 0
    while silent < _CHECKS:
        await sleep(_CHECK_EVERY)
        silent = 0 if await answers() else silent + 1


def run_served(work: Coroutine[Any, Any, T], answers: Callable[[], Awaitable[bool]]) -> T:
    """Run the work as `while_served` does. If the server is gone, print that and end the process at once.

    asyncio and Prefect would both keep the process: asyncio waits for every task, Prefect retries each event that is
    queued for the dead server, for seven seconds each.
    """

    async def served() -> T:
        try:
            return await while_served(work, answers)
        except ServerGone as gone:
            sys.stdout.flush()
            print(f"error: {gone}", file=sys.stderr, flush=True)
            os._exit(1)

    return asyncio.run(served())


def health_of(api: str) -> Callable[[], Awaitable[bool]]:
    """A check whether anything answers at that address of Prefect's API; an HTTP error is an answer too."""

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(timeout=5, verify=not is_plain(api)) as client:
                await client.get(f"{api}/health")
        except httpx.HTTPError:
            return False
        return True

    return answers
