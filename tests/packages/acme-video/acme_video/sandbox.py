"""Acme on loopback, strict: every field is known and has its type, or the order is refused. It counts what it bills."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "acme-s3cr3t-key"
_FIELDS = {"prompt": str, "length": int, "shape": str, "start": str, "pictures": list}
_REQUIRED = {"prompt", "length", "shape"}


class Server(ThreadingHTTPServer):
    """What Acme remembers: the orders that it has accepted, and the files that were put there."""

    def __init__(self, clip: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.clip = clip
        self.orders: list[dict[str, Any]] = []
        self.files: list[bytes] = []

    @property
    def base(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running(clip: Path) -> Iterator[Server]:
    """Serve until the block ends; every video is this clip."""
    with Server(clip.read_bytes()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        place = self.path.strip("/").split("/")
        if place[0] == "videos":  # the link carries its own permission, and no key may come along
            self._send(400 if "authorization" in self.headers else 200, self.server.clip)
        elif self._with_key():
            found = {
                "models": {"models": ["acme-1"]},
                "balance": {"usd": 12.5},
                "jobs": {"state": "done", "video": f"{self.server.base}/videos/{place[-1]}.mp4"},
            }
            self._send(*((200, found[place[0]]) if place[0] in found else (404, {"error": "no such place"})))

    def do_PUT(self) -> None:
        body = self._body()
        if self._with_key():
            self.server.files.append(body)
            self._send(200, {"url": f"{self.server.base}/files/{len(self.server.files)}"})

    def do_POST(self) -> None:
        body = json.loads(self._body())
        if not self._with_key():
            return
        wrong = [name for name, value in body.items() if not isinstance(value, _FIELDS.get(name, type(None)))]
        wrong += [*(_REQUIRED - {*body})]
        if wrong or self.path != "/jobs/acme-1" or body["length"] not in (4, 8):
            self._send(422, {"error": f"not taken: {wrong or body}"})
            return
        self.server.orders.append(body)
        self._send(200, {"job": f"job-{len(self.server.orders)}"})

    def _with_key(self) -> bool:
        right = self.headers.get("authorization") == f"Bearer {KEY}"
        if not right:
            self._send(401, {"error": "unknown key"})
        return right

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _send(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing: tests look at what was accepted."""
