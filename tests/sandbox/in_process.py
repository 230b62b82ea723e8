"""The sandbox called in process, without a server or a thread, and how each gateway's calls look on the wire."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from starlette.applications import Starlette

from prefect_storyboard.sandbox import Clock, Pace, create_app
from prefect_storyboard.sandbox.documents import Clip, File
from prefect_storyboard.sandbox.render import render

BASE = "http://sandbox"
PACE = Pace(queue_seconds=10, render_seconds=40, character_seconds=5, clip_scale=0.25)


@dataclass(frozen=True)
class Wire:
    """One gateway on the wire: its key, its calls, and where an answer has the id of the job."""

    headers: dict[str, str]
    submit: str
    body: Callable[[str], dict[str, Any]]
    job_id: Callable[[Any], str]
    status: str
    result: str


_SORA = "/fal/queue/fal-ai/sora-2"
WIRES = {
    "fal": Wire(
        {"Authorization": "Key sandbox:s3cret"},
        f"{_SORA}/text-to-video",
        lambda prompt: {"prompt": prompt, "duration": 4, "delete_video": False},
        lambda answer: answer["request_id"],
        _SORA + "/requests/{}/status",
        _SORA + "/requests/{}",
    ),
    "kie": Wire(
        {"Authorization": "Bearer s3cret"},
        "/kie/api/api/v1/jobs/createTask",
        lambda prompt: {"model": "sora-2-text-to-video", "input": {"prompt": prompt, "n_frames": "10"}},
        lambda answer: answer["data"]["taskId"],
        "/kie/api/api/v1/jobs/recordInfo?taskId={}",
        "/kie/api/api/v1/jobs/recordInfo?taskId={}",
    ),
    "toapis": Wire(
        {"Authorization": "Bearer sk-s3cret"},
        "/toapis/v1/videos/generations",
        lambda prompt: {"model": "sora-2-vvip", "prompt": prompt, "duration": 4},
        lambda answer: answer.get("task_id") or answer["id"],
        "/toapis/v1/videos/generations/{}",
        "/toapis/v1/videos/generations/{}",
    ),
    "wavespeed": Wire(
        {"Authorization": "Bearer s3cret"},
        "/wavespeed/api/v3/openai/sora-2/text-to-video",
        lambda prompt: {"prompt": prompt, "duration": 4},
        lambda answer: answer["data"]["id"],
        "/wavespeed/api/v3/predictions/{}/result",
        "/wavespeed/api/v3/predictions/{}/result",
    ),
}
GATEWAYS = sorted(WIRES)


@dataclass(frozen=True)
class Box:
    """A running sandbox and a client of it."""

    http: httpx.AsyncClient
    clock: Clock
    app: Starlette

    async def rule(self, gateway: str, fault: str, route: str | None = None, **facts: Any) -> None:
        """Put a rule in force."""
        match = {"gateway": gateway, "route": route}
        reply = await self.http.post("/sandbox/faults", json={"match": match, "fault": fault, **facts})
        assert reply.status_code == 200, reply.text

    async def post(self, gateway: str, prompt: str = "A fox.", **more: Any) -> httpx.Response:
        """Submit the gateway's plainest scene."""
        wire = WIRES[gateway]
        return await self.http.post(wire.submit, json={**wire.body(prompt), **more}, headers=wire.headers)

    async def submit(self, gateway: str, prompt: str = "A fox.", **more: Any) -> str:
        """Submit, and return the job's id."""
        reply = await self.post(gateway, prompt, **more)
        assert reply.status_code == 200, reply.text
        return WIRES[gateway].job_id(reply.json())

    async def ended(self, gateway: str, **more: Any) -> str:
        """A job that has run."""
        job = await self.submit(gateway, **more)
        self.clock.advance(60)
        return job

    async def status(self, gateway: str, job: str) -> httpx.Response:
        return await self.get(gateway, WIRES[gateway].status.format(job))

    async def result(self, gateway: str, job: str) -> httpx.Response:
        return await self.get(gateway, WIRES[gateway].result.format(job))

    async def get(self, gateway: str, path: str) -> httpx.Response:
        return await self.http.get(path, headers=WIRES[gateway].headers)

    async def call(self, gateway: str, path: str, body: dict[str, Any]) -> httpx.Response:
        """Another submit of the gateway."""
        return await self.http.post(path, json=body, headers=WIRES[gateway].headers)

    async def control(self, path: str) -> Any:
        return (await self.http.get(f"/sandbox/{path}")).json()

    async def accepted(self) -> int:
        return int((await self.control("meter"))["jobs_accepted"])

    def published(self, data: bytes, name: str) -> str:
        """The address of a file that lies on the sandbox's CDN."""
        state = self.app.state.sandbox.state
        digest = state.keep(data)
        file = File(
            id=digest[:12], name=name, content_type="video/mp4", sha256=digest, created_at=self.clock(), expires_at=9e15
        )
        state.publish(file)
        return f"{BASE}/toapis/cdn/files/b/{file.id}/{name}"


@asynccontextmanager
async def sandbox(folder: Path, **options: Any) -> AsyncIterator[Box]:
    """A sandbox on `folder`; its clock stands still until a test moves it."""
    clock = Clock()
    app = create_app(folder, **{"clock": clock, "pace": PACE, **options})
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Box(http, clock, app)


@cache
def reference_clip() -> bytes:
    """Two seconds of someone, 720p, with sound: what every gateway takes for a character."""
    with TemporaryDirectory() as folder:
        clip = Clip(width=1280, height=720, seconds=2, prompt="Joe waves.", cast=("Joe",))
        return render(clip, Path(folder), Path(folder)).read_bytes()
