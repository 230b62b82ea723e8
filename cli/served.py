"""A command that needs Prefect's server ends when that server is gone for good, instead of waiting for it."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import httpx

from prefect_storyboard.cli.prefect_server import is_plain

T = TypeVar("T")
_EVERY = 3.0  # seconds between two looks
_LOOKS = 7  # without an answer, one after the other: a busy server, or one that is restarted, answers before that
_LEAVE = 20.0  # seconds for the work to record how far it came


class ServerGone(RuntimeError):
    """Prefect's server does not answer any more; the message says what became of the work."""


async def while_served(
    work: Coroutine[Any, Any, T],
    answers: Callable[[], Awaitable[bool]],
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """Await the work for as long as the server answers; else cancel it, and raise ServerGone within a minute.

    A cancelled run records what is on its way to a provider before it ends; Prefect's part of the end, which repeats
    requests to the dead server, is waited for 20 seconds.
    """
    running = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(answers, sleep))
    try:
        await asyncio.wait([running, gone], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            running.cancel()
            left = asyncio.ensure_future(sleep(_LEAVE))
            await asyncio.wait([running, left], return_when=asyncio.FIRST_COMPLETED)
            left.cancel()
            raise ServerGone(
                "Prefect's server does not answer any more. What was paid for is in the ledger, and what is stored in "
                "the library; start the server, then run the command again: nothing is bought twice"
            )
        return running.result()
    finally:
        gone.cancel()
        running.cancel()


async def _gone(answers: Callable[[], Awaitable[bool]], sleep: Callable[[float], Awaitable[object]]) -> None:
    """Return when the server has not answered for several looks."""
    silent = 0
    while silent < _LOOKS:
        await sleep(_EVERY)
        silent = 0 if await answers() else silent + 1


def run_served(work: Coroutine[Any, Any, T], answers: Callable[[], Awaitable[bool]]) -> T:
    """Run the work as `while_served` does. Where the server is gone, the process says so and ends there and then.

    Neither asyncio nor Prefect would let go of it: the one waits for every task, the other repeats each event that is
    queued for the dead server, for seven seconds an event.
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
    """Whether anything answers at that address of Prefect's API; an error of the server is an answer too."""

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(timeout=5, verify=not is_plain(api)) as client:
                await client.get(f"{api}/health")
        except httpx.HTTPError:
            return False
        return True

    return answers
