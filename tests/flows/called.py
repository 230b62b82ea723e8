"""A branch whose gateway posts how its jobs ended, to a callbacks server that listens in a thread of the test."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.callbacks import CallbacksApp, app
from prefect_storyboard.jobs import settle
from prefect_storyboard.jobs.settle import JobLine
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import running
from tests.flows.gateways import _CLIPS, Branch
from tests.flows.later import Later
from tests.ports import unused_port

_RENDER = 200.0  # seconds; a callback may be five minutes ahead of our clock, and no more
_PACE = Pace(queue_seconds=0.0, render_seconds=_RENDER, character_seconds=0.0, clip_scale=0.15)
QUICK = Pace(queue_seconds=0.0, render_seconds=0.5, character_seconds=0.0, clip_scale=0.15)
_SECRETS = {"kie": "sandbox_secret", "toapis": "sandbox_secret", "wavespeed": "whsec_sandbox_secret"}


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def serving(asgi: Any, port: int) -> Iterator[None]:
    """An ASGI app in a thread of this process, with the settings that this test has made."""
    listener = socket.create_server(("127.0.0.1", port))
    server = _Server(uvicorn.Config(asgi, lifespan="on", log_level="error", access_log=False))
    run = partial(server.run, sockets=[listener])
    thread = threading.Thread(target=copy_context().run, args=(run,))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@dataclass
class Called(Branch):
    """`port` is where its callbacks go, whether or not somebody listens there."""

    port: int = 0
    later: Later = field(default_factory=Later)
    heard: list[tuple[str, dict[str, str], bytes, int]] = field(default_factory=list)

    def credentials(self, key: str = "", **fields: Any) -> Credentials:
        secret = {"webhook_secret": SecretStr(_SECRETS[self.gateway])} if self.gateway in _SECRETS else {}
        return super().credentials(key, **{"callback_url": self.address, **secret, **fields})

    def rendered(self) -> None:
        """All that was submitted has ended."""
        self.later.seconds += _RENDER + 5

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/callbacks"

    @property
    def ledger(self) -> Ledger:
        return Ledger(open_storage(self.library))

    def lines(self) -> list[JobLine]:
        return settle.jobs(self.ledger, every=True)

    def states(self) -> list[str]:
        return [line.state for line in self.lines()]

    def takes(self) -> list[Path]:
        return sorted(Path(self.library).glob("reels/**/take-???.mp4"))

    def asked(self) -> int:
        """How often the gateway was asked how a job is, or what it has made."""
        return len(self.requests("status")) + len(self.requests("result"))

    async def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for what a callback brings about; nothing else tells of it."""
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(holds):
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.states()}"
            await asyncio.sleep(0.05)

    async def post(self, token: str, headers: dict[str, str], body: bytes) -> int:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.post(f"{self.address}/{token}", headers=headers, content=body)).status_code

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Somebody listens: the callbacks server of this library."""
        with serving(self._hearing(app([self.credentials()], self.library)), self.port):
            yield

    def _hearing(self, inner: CallbacksApp) -> Any:
        """The app, and a note of every callback that it was sent, as an eavesdropper would have it."""

        async def outer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await inner(scope, receive, send)
                return
            body = bytearray()

            async def heard() -> Any:
                message = await receive()
                body.extend(message.get("body", b""))
                return message

            async def said(message: Any) -> None:
                if message["type"] == "http.response.start":
                    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                    token = scope["path"].rpartition("/")[2]
                    self.heard.append((token, headers, bytes(body), message["status"]))
                await send(message)

            await inner(scope, heard, said)

        return outer


@contextmanager
def called(gateway: str, model: str, folder: Path, pace: Pace = _PACE) -> Iterator[Called]:
    """A branch with a sandbox, a library and an address of its own."""
    later = Later()
    with running(folder / "sandbox", port=unused_port(), pace=pace, clock=later) as base:
        yield Called(base, folder, _CLIPS, gateway=gateway, model=model, port=unused_port(), later=later)
