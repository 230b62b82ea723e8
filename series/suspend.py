"""Render without a worker: a waiting series suspends its flow run, and `collect_jobs` resumes it.

The jobs that a series waits for are written to `ledger/waiting/<flow run>.json` before it is suspended, so that a job
which ends in between is not missed: `collect_jobs` reads that file, and tries again later if the run is not suspended
yet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Literal
from uuid import UUID, uuid4

from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import asuspend_flow_run
from pydantic import ConfigDict, ValidationError

from prefect_storyboard.ledger import Ledger, Storage
from prefect_storyboard.storyboards import Frozen

Client = Callable[[], AbstractAsyncContextManager[PrefectClient]]  # get_client, or what a test passes in

_DAYS = 7 * 86_400  # seconds; longer than any provider keeps a result


class Waiting(Frozen):
    """The jobs that a suspended flow run waits for. A field that a newer version wrote is ignored."""

    model_config = ConfigDict(extra="ignore")

    keys: tuple[str, ...]


def check_suspendable(deployment_id: str | None) -> None:
    """Raise ValueError for a run of no deployment: Prefect could not resume it."""
    if not deployment_id:
        raise ValueError('wait="suspend" needs a deployment: only that can be started again; leave it out, or deploy')


async def suspend(
    ledger: Ledger,
    keys: tuple[str, ...],
    *,
    run_id: str,
    suspend_run: Callable[..., Awaitable[object]] = asuspend_flow_run,
) -> None:
    """Suspend this flow run until the jobs have ended; returns at once where they have ended already."""
    place = _place(run_id)
    await asyncio.to_thread(ledger.storage.write, Waiting(keys=keys).model_dump_json().encode(), *place)
    if await asyncio.to_thread(_ended, ledger, keys):
        await asyncio.to_thread(ledger.storage.remove, *place)
        return
    await suspend_run(timeout=_DAYS, key=uuid4().hex)  # a new key each time: a run may be suspended more than once


async def wake(ledger: Ledger, *, stuck: Collection[str] = (), client: Client = get_client) -> list[str]:
    """Resume the flow runs whose jobs have ended; returns their ids. A run that is not yet suspended is tried later.

    Stuck jobs are not waited for: the run reports them when it ends. The file of a resumed run is kept until the run is
    final, because the run may be writing its next one.
    """
    woken = []
    for name in await asyncio.to_thread(ledger.storage.names, "ledger", "waiting"):
        run_id = name.removesuffix(".json")
        waiting = await asyncio.to_thread(_read, ledger.storage, run_id)
        if waiting is None or not await asyncio.to_thread(_ended, ledger, set(waiting.keys) - set(stuck)):
            continue
        match await _asked(UUID(run_id), client):
            case "over":
                await asyncio.to_thread(ledger.storage.remove, *_place(run_id))
            case "resumed":
                woken.append(run_id)
    return woken


async def _asked(run_id: UUID, client: Client) -> Literal["resumed", "over", "busy"]:
    """Resume the run if it is suspended."""
    async with client() as api:
        try:
            run = await api.read_flow_run(run_id)
        except ObjectNotFound:
            return "busy"  # it belongs to another server, which resumes it
        if run.state is None or not run.state.is_paused():
            return "over" if run.state and run.state.is_final() else "busy"
        result = await api.resume_flow_run(run_id)
    return "resumed" if result.status.value == "ACCEPT" else "busy"


def _ended(ledger: Ledger, keys: Collection[str]) -> bool:
    return all(history and history[-1].end for history in map(ledger.history, keys))


def _read(storage: Storage, run_id: str) -> Waiting | None:
    try:
        return Waiting.model_validate_json(storage.read(*_place(run_id)) or b"")
    except ValidationError:
        return None


def _place(run_id: str) -> tuple[str, ...]:
    return "ledger", "waiting", f"{run_id}.json"
