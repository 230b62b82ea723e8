"""The application: the gateways side by side on one port, and the control API."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import control
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Gateway, Pace, RequestLog, Sandbox
from prefect_storyboard.sandbox.fal.gateway import gateway as fal
from prefect_storyboard.sandbox.faults import RULES, Faults, FaultTable, check
from prefect_storyboard.sandbox.kie.gateway import gateway as kie
from prefect_storyboard.sandbox.openai.gateway import gateway as openai
from prefect_storyboard.sandbox.state import State
from prefect_storyboard.sandbox.toapis.gateway import gateway as toapis
from prefect_storyboard.sandbox.wavespeed.gateway import gateway as wavespeed

GATEWAYS: Mapping[str, Callable[[Sandbox], Gateway]] = {
    "fal": fal,
    "kie": kie,
    "openai": openai,
    "toapis": toapis,
    "wavespeed": wavespeed,
}
Rules = Sequence[dict[str, Any]] | Path


def create_app(
    state_dir: str | Path,
    *,
    pace: Pace | None = None,
    faults: Rules | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The sandbox as an ASGI application.

    Everything lives in `state_dir`; an application made on the same directory continues where the last one stopped.
    `faults` are rules to start with (or a JSON file of them); without it the rules of the last run stay in force.
    """
    state = State(Path(state_dir).absolute())
    pool = ThreadPoolExecutor(2, "render")
    sandbox = Sandbox(state=state, faults=Faults(state), clock=clock, pace=pace or Pace(), pool=pool)
    gateways = {name: make(sandbox) for name, make in GATEWAYS.items()}
    fault_tables = {name: gateway.fault_table for name, gateway in gateways.items()}
    try:
        if faults is not None:
            _start_with(sandbox, faults, fault_tables)
    except ValueError:
        state.close()
        raise

    async def settle(job: Job) -> Job:
        return await gateways[job.gateway].settle(job)

    routes: list[BaseRoute] = [*control.routes(sandbox, settle, fault_tables)]
    for gateway in gateways.values():
        routes += gateway.routes
    app = Starlette(routes=routes, middleware=[Middleware(RequestLog, sandbox=sandbox)], lifespan=_lifespan)
    app.state.sandbox = sandbox
    app.state.stopping = asyncio.Event()
    return app


def _start_with(sandbox: Sandbox, faults: Rules, fault_tables: Mapping[str, FaultTable]) -> None:
    rules = RULES.validate_python(json.loads(faults.read_text()) if isinstance(faults, Path) else list(faults))
    refusal = check(rules, fault_tables)
    if refusal:
        raise ValueError(refusal)
    sandbox.faults.start_with(rules)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield
    sandbox: Sandbox = app.state.sandbox
    for task in sandbox.running:
        task.cancel()
    await asyncio.gather(*sandbox.running, return_exceptions=True)
    sandbox.pool.shutdown(cancel_futures=True)
    sandbox.state.close()
