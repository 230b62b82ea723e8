"""The application: the gateways side by side on one port, and the control API."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox import control, fal
from prefect_storyboard.sandbox.exchange import Pace, RequestLog, Sandbox
from prefect_storyboard.sandbox.faults import RULES, Faults, check
from prefect_storyboard.sandbox.state import Job, State


def create_app(
    state_dir: str | Path,
    *,
    pace: Pace | None = None,
    faults: Sequence[dict[str, Any]] | Path | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The sandbox as an ASGI application.

    Everything lives in `state_dir`; an application made on the same directory continues where the last one stopped.
    `faults` are rules to start with (or a JSON file of them); without it the rules of the last run stay in force.
    """
    state = State(Path(state_dir).absolute())
    sandbox = Sandbox(
        state=state, faults=Faults(state), clock=clock, pace=pace or Pace(), pool=ThreadPoolExecutor(2, "render")
    )
    gateways = {"fal": fal.gateway(sandbox)}
    voices = {name: gateway.voice for name, gateway in gateways.items()}
    if faults is not None:
        rules = RULES.validate_python(json.loads(faults.read_text()) if isinstance(faults, Path) else list(faults))
        refusal = check(rules, voices)
        if refusal:
            raise ValueError(refusal)
        sandbox.faults.start_with(rules)

    async def settle(job: Job) -> Job:
        return await gateways[job.gateway].settle(job)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for task in sandbox.running:
            task.cancel()
        await asyncio.gather(*sandbox.running, return_exceptions=True)
        sandbox.pool.shutdown(cancel_futures=True)
        state.close()

    routes: list[BaseRoute] = [*control.routes(sandbox, settle, voices)]
    for gateway in gateways.values():
        routes += gateway.routes
    return Starlette(routes=routes, middleware=[Middleware(RequestLog, sandbox=sandbox)], lifespan=lifespan)
