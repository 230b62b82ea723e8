"""One limit for an account, shared by all flows of a Prefect server: `storyboard-<provider>-<account>`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.concurrency.asyncio import concurrency
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound

from prefect_storyboard.blocks import Credentials

_LEASE = 60.0  # seconds after which a dead process gives its slots back


def limit_name(credentials: Credentials) -> str:
    """The global concurrency limit of an account."""
    return f"storyboard-{credentials.provider}-{credentials.account}"


@asynccontextmanager
async def account_slots(credentials: Credentials, wanted: int) -> AsyncIterator[int]:
    """Hold as many slots of the account's limit as the run has jobs, at most all; yields how many.

    One lease for the whole run: a lease a job would cost a thread and a connection each. Without such a limit, or
    outside of Prefect's engine, the account's own `in_flight` is the only bound. A run that is suspended gives its
    slots back while its jobs render on. Raises ValueError where the limit allows no job at all.
    """
    limit = await _limit(limit_name(credentials)) if wanted and FlowRunContext.get() else None
    if limit is None or not limit.active:
        yield wanted
        return
    held = min(wanted, limit.limit)
    if held < 1:
        raise ValueError(f"the limit {limit.name} allows no job; raise it, or deactivate it. Nothing was bought")
    # A renewal that fails must not stop a run whose jobs are paid for.
    async with concurrency(limit.name, occupy=held, lease_duration=_LEASE, raise_on_lease_renewal_failure=False):
        yield held


async def _limit(name: str) -> GlobalConcurrencyLimitResponse | None:
    async with get_client() as client:
        try:
            return await client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return None
