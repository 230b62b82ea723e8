"""A studio as companies have it: a Prefect server, a work pool with its workers, and the deployments of prefect.yaml."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.render import render
from prefect_storyboard.sandbox.server import environment, running
from tests.ports import unused_port

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ACCOUNT, LIMIT = "fal-credentials/production", "storyboard-fal-default"
Process = subprocess.Popen[bytes]
KEY = "sandbox:s3cr3t-0f-the-deployments"
PACE = Pace(queue_seconds=0.0, render_seconds=0.3, character_seconds=0.3, clip_scale=0.25)
_QUICK = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",  # no run but those that a test starts
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "false",
    "PREFECT_SERVER_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
}


def wait_for(found: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first thing found that is true. What another process does sends no event here: it is looked at again."""
    deadline = time.monotonic() + seconds
    while not (thing := found()):
        assert time.monotonic() < deadline, f"{what} has not come in {seconds:g} s"
        time.sleep(0.1)
    return thing


async def until(found: Callable[[], Awaitable[Any]], seconds: float, what: str) -> Any:
    """The same for what is asked of Prefect's server."""
    deadline = time.monotonic() + seconds
    while not (thing := await found()):
        assert time.monotonic() < deadline, f"{what} has not come in {seconds:g} s"
        await asyncio.sleep(0.2)
    return thing


@dataclass
class StudioServer:
    """The server's address, the environment that its processes share, and the folder of everything."""

    folder: Path
    sandbox: str
    api: str
    env: dict[str, str]
    said: list[str] = field(default_factory=list)

    def run(self, *command: str) -> str:
        """Run a command to its end somewhere else than in the project; what it prints."""
        done = subprocess.run(
            command, env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def setup(self) -> str:
        return self.run(str(BIN / "storyboard"), "setup")

    def deploy(self) -> str:
        return self.run(
            str(BIN / "prefect"), "--no-prompt", "deploy", "--all", "--prefect-file", f"{ROOT}/prefect.yaml"
        )

    def library(self, name: str) -> str:
        return str(self.folder / "libraries" / name)

    def board(self, title: str, *prompts: str, cast: tuple[str, ...] = (), **facts: Any) -> dict[str, Any]:
        """A storyboard whose prompts all hold its title, so that the meter can tell it from the others."""
        scenes = [{"id": f"s{n:02d}", "prompt": f"{title}: {prompt}"} for n, prompt in enumerate(prompts, 1)]
        named = [{"name": name, "clip": str(self.folder / "mara.mp4")} for name in cast]
        return {"title": title, "model": "sora-2", "cast": named, "scenes": scenes, **facts}

    async def start(self, title: str, board: dict[str, Any], **parameters: Any) -> UUID:
        """Start the series from its deployment; the id of the run."""
        given = {"storyboard": board, "library": self.library(title), **parameters}
        async with get_client() as client:
            deployment = await client.read_deployment_by_name("storyboard-series/series")
            return (await client.create_flow_run_from_deployment(deployment.id, parameters=given)).id

    async def state(self, run: UUID) -> FlowRun:
        async with get_client() as client:
            return await client.read_flow_run(run)

    async def reaches(self, run: UUID, *states: str, seconds: float = 120) -> FlowRun:
        """The run, as soon as its state has that name."""
        seen: list[FlowRun] = []

        async def reached() -> bool:
            seen.append(await self.state(run))
            return seen[-1].state_name in states

        try:
            await until(reached, seconds, " or ".join(states))
        except AssertionError as error:
            error.add_note(f"the run is {seen[-1].state_name}: {seen[-1].state and seen[-1].state.message}")
            raise
        return seen[-1]

    async def task_states(self, run: UUID, at_least: int) -> dict[str, str | None]:
        """Task runs arrive with some lag."""
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
        async with get_client() as client:

            async def ended() -> dict[str, str | None] | None:
                tasks = await client.read_task_runs(flow_run_filter=chosen)
                found = {task.name: task.state_name for task in tasks}
                open_ones = {"Pending", "Running"} & set(found.values())
                return found if len(found) >= at_least and not open_ones else None

            states: dict[str, str | None] = await until(ended, 30, f"the end of {at_least} task runs")
            return states

    def processes(self, run: UUID) -> list[int]:
        """The processes that work on a flow run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if f"PREFECT__FLOW_RUN_ID={run}".encode() in (process / "environ").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
        return found

    def meter(self, title: str) -> dict[str, Any]:
        """What was ordered under that title: jobs by prompt, and the requests that are billed."""
        told = self._call("meter")
        orders = [order for order in told["orders"] if title in json.dumps(order["body"])]
        ids = {one for order in orders for one in order["request_ids"]}
        return {
            "jobs": sum(order["jobs"] for order in orders),
            "orders": len(orders),
            "billed": [bill for bill in told["billed"] if bill["request_id"] in ids],
            "cancelled": told["cancelled"],
            "leaks": told["leaks"],
        }

    def submits(self, title: str) -> list[dict[str, Any]]:
        return [call for call in self._call("requests?route=submit") if title in json.dumps(call["body"])]

    def most_at_once(self, title: str) -> int:
        """How many jobs of that title were in the provider's hands at the same moment."""
        ends = {json.dumps(bill["body"], sort_keys=True): bill["at"] for bill in self.meter(title)["billed"]}
        calls = self.submits(title)
        changes = [(call["at"], 1) for call in calls]
        changes += [(ends[json.dumps(call["body"], sort_keys=True)], -1) for call in calls]
        return max(itertools.accumulate(change for _, change in sorted(changes)))

    def fault(self, fault: str, prompt: str, **facts: Any) -> None:
        self._call("faults", {"match": {"prompt": prompt}, "fault": fault, **facts}, "POST")

    def _call(self, path: str, body: Any = None, method: str = "GET") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.sandbox}/sandbox/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)


@contextmanager
def founded(folder: Path, library: str, server: Mapping[str, str]) -> Iterator[StudioServer]:
    """A sandbox, a server with these settings, and what setup.py makes on it; nothing is deployed, nobody works."""
    render(Clip(width=1280, height=720, seconds=1, prompt="Mara"), folder, folder).rename(folder / "mara.mp4")
    port = unused_port()
    with running(folder / "sandbox", pace=PACE) as sandbox:
        api = f"http://127.0.0.1:{port}/api"
        keys = {"FAL_KEY": KEY, "STORYBOARD_LIBRARY": library}
        home = {"PREFECT_HOME": str(folder / "home"), "PREFECT_PROFILES_PATH": str(folder / "home" / "profiles.toml")}
        hosts = {name: value for name, value in environment(sandbox).items() if name.startswith("FAL_")}
        urls = {"PREFECT_API_URL": api, "PREFECT_SERVER_UI_API_URL": api, "PREFECT_LOGGING_TO_API_ENABLED": "true"}
        made = StudioServer(folder, sandbox, api, {**_bare(), **_QUICK, **home, **urls, **hosts, **keys})
        arguments = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
        with process(replace(made, env={**made.env, **server}), "server", *arguments) as served:
            wait_for(lambda: _healthy(api), 180, "the server")
            made.said.append(made.setup())
            yield made
            assert served.poll() is None, f"the server has ended before its tests, with {served.returncode}"


@contextmanager
def working(studio: StudioServer, name: str, *options: str, on: tuple[str, ...] = (), **env: str) -> Iterator[Process]:
    """A worker of the pool, with no account in its environment; `on` is the command that its machine begins with."""
    bare = {name: value for name, value in studio.env.items() if not name.startswith(("FAL_", "STORYBOARD_"))}
    folder = studio.folder / name
    folder.mkdir(exist_ok=True)
    arguments = ("worker", "start", "--pool", "storyboard", "--name", name, *options)
    with process(replace(studio, env={**bare, **env}), name, *arguments, on=on, cwd=folder) as worker:
        yield worker


@contextmanager
def process(
    studio: StudioServer, name: str, *arguments: str, on: tuple[str, ...] = (), cwd: Path | None = None
) -> Iterator[Process]:
    """One of Prefect's processes, in a group of its own; its output goes to a file beside the others."""
    with (studio.folder / f"{name}.log").open("a") as log:
        started = subprocess.Popen(
            [*on, str(BIN / "prefect"), *arguments],
            env=studio.env,
            cwd=cwd or studio.folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield started
        finally:
            stop(started)


def stop(started: Process) -> None:
    """End a process with its children; one that a test has killed is left in peace."""
    if started.poll() is not None:
        return
    os.killpg(started.pid, signal.SIGTERM)
    try:
        started.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FAL_", "STORYBOARD_"))}


def _healthy(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False
