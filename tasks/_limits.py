"""One limit for an account, shared by all processes of a Prefect server: `storyboard-<provider>-<account>`.

A process holds its slots in blocks of up to eight, one lease for each block: a lease for each job would cost a thread
and a connection, and acquiring is slow under contention. Series and single tasks take their slots from the same blocks.
An unused block is released.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import httpx
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError, concurrency
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.providers.errors import NotSent
from prefect_storyboard.providers.in_flight import Release, shared_slot
from prefect_storyboard.tasks._loop import at_exit, on_loop, soon
from prefect_storyboard.tasks._slots import Slots, Taken, Ticket, allowed

_LEASE = 60.0  # seconds after which a dead process loses its slots; Prefect's minimum


def limit_name(credentials: Credentials) -> str:
    """The global concurrency limit of an account."""
    return f"storyboard-{credentials.provider}-{credentials.account}"


@contextmanager
def account_limit(credentials: Credentials) -> Iterator[None]:
    """Inside the block, each bought job takes a slot of the account's limit and keeps it until the job has ended.

    Unbounded without such a limit, and outside runs. A purchase raises NotSent if the server cannot be reached and
    ValueError if the limit allows no job. A lease that cannot be renewed stops no job, because the jobs are paid for.
    """
    token = shared_slot.set(partial(_take, limit_name(credentials)) if _in_a_run() else None)
    try:
        yield
    finally:
        shared_slot.reset(token)


async def _take(name: str) -> Release:
    slots, ticket = _slots(name), Ticket()
    release = partial(soon, partial(slots.release, ticket))
    try:
        await on_loop(partial(slots.take, ticket))
    except BaseException:
        release()
        raise
    return release


async def limit_size(credentials: Credentials) -> int | None:
    """How many jobs the account's limit allows; None if it has none. Raises ValueError if it allows no job."""
    if not _in_a_run():
        return None
    return allowed(limit_name(credentials), await PrefectLimits().size(limit_name(credentials)))


async def give_back(credentials: Credentials) -> None:
    """Release the unused slots of the account's limit now."""
    await on_loop(_slots(limit_name(credentials)).give_back)


class PrefectLimits:
    """The limits of the Prefect server."""

    async def size(self, name: str) -> int | None:
        """See _slots.Limits."""
        try:
            async with get_client() as client:
                limit = await client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return None
        except httpx.HTTPError as error:
            raise _unreachable(name, error) from error
        return limit.limit if limit.active else None

    @asynccontextmanager
    async def lease(self, name: str, slots: int, *, wait: bool) -> AsyncIterator[None]:
        """See _slots.Limits."""
        retries = None if wait else 0
        holding = concurrency(
            name, slots, max_retries=retries, lease_duration=_LEASE, raise_on_lease_renewal_failure=False
        )
        try:
            await holding.__aenter__()
        except ConcurrencySlotAcquisitionError as error:
            why = error.__cause__
            if isinstance(why, httpx.HTTPStatusError) and why.response.status_code == httpx.codes.LOCKED:
                raise Taken from error
            raise _unreachable(name, error) from error
        try:
            yield
        finally:
            await holding.__aexit__(None, None, None)


def _unreachable(name: str, error: Exception) -> NotSent:
    return NotSent(
        f"the Prefect server did not answer a request for a slot of the limit {name}: {error}",
        remedy="Nothing was sent. Check the Prefect server, then run again.",
    )


_all: dict[tuple[str, str], Slots] = {}


def _in_a_run() -> bool:
    return bool(FlowRunContext.get() or TaskRunContext.get())


def _slots(name: str) -> Slots:
    if not _all:
        at_exit(_give_back_all)
    return _all.setdefault((str(get_current_settings().api.url), name), Slots(PrefectLimits(), name))


async def _give_back_all() -> None:
    await asyncio.gather(*(slots.give_back() for slots in _all.values()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_all.clear)  # the leases belong to the parent process
