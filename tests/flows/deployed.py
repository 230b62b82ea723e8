"""A flow run of a deployment without a worker: started, suspended and resumed in this process, as a worker would do it."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_async
from prefect.input import keyset_from_base_key
from prefect.states import Pending

from prefect_storyboard.flows import storyboard_series


@dataclass
class Deployed:
    """One run of a deployment of `storyboard_series`; `given` are its parameters. `error` is how it ended last."""

    given: dict[str, Any]
    id: UUID = field(default_factory=uuid4)
    error: BaseException | None = None

    async def start(self) -> str:
        """Start the run, and let it go on until it ends or is suspended; the name of its state."""
        async with get_client() as client:
            flow_id = await client.create_flow(storyboard_series)
            deployment = await client.create_deployment(flow_id, f"d{uuid4().hex}", enforce_parameter_schema=False)
            self.id = (await client.create_flow_run_from_deployment(deployment, state=Pending())).id
        return await self.work()

    async def work(self) -> str:
        """What a worker's process does with a run that is scheduled: it begins the flow from the top."""
        async with get_client() as client:
            await client.set_flow_run_state(self.id, Pending(), force=True)
            run = await client.read_flow_run(self.id)
        self.error = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                await run_flow_async(storyboard_series, flow_run=run, parameters=self.given)
        except Pause:
            pass
        except Exception as error:  # noqa: BLE001 - however the run has ended, the test looks at it
            self.error = error
        return await self.state()

    async def resume(self, **answer: Any) -> str:
        """Answer the form; what the server says."""
        async with get_client() as client:
            return (await client.resume_flow_run(self.id, run_input=answer)).status.value

    async def outlive(self) -> None:
        """Put the server's clock forward, as far as this run is concerned: its time is over."""
        state = (await self.run()).state
        assert state
        state.state_details.pause_timeout = datetime.now(UTC) - timedelta(seconds=1)
        async with get_client() as client:
            await client.set_flow_run_state(self.id, state, force=True)

    async def run(self) -> FlowRun:
        async with get_client() as client:
            return await client.read_flow_run(self.id)

    async def state(self) -> str:
        return (await self.run()).state_name or ""

    async def form(self) -> Mapping[str, Any]:
        """The schema of the form that waits, and its description."""
        state = (await self.run()).state
        assert state
        keys = state.state_details.run_input_keyset or keyset_from_base_key("none")
        async with get_client() as client:
            schema = await client.read_flow_run_input(self.id, keys["schema"])
            text = await client.read_flow_run_input(self.id, keys["description"])
        return {**orjson.loads(schema), "text": orjson.loads(text)}
