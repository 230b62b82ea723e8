"""Somebody whom webhooks are sent to: an HTTP server on loopback that takes every one, unless told otherwise."""

import asyncio
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Event:
    target: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))


@dataclass
class Listener:
    url: str
    answers: list[int] = field(default_factory=list)
    heard: "queue.Queue[Event]" = field(default_factory=queue.Queue)

    def wait(self) -> Event:
        """The next event, of tests that run in no loop."""
        return self.heard.get(timeout=60)

    async def next(self) -> Event:
        return await asyncio.to_thread(self.wait)


@contextmanager
def listening() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            here.heard.put(Event(self.path, {name.lower(): value for name, value in self.headers.items()}, raw))
            self.send_response(here.answers.pop(0) if here.answers else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = Listener(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield here
        server.shutdown()
        thread.join()
