"""A small S3 server on loopback that can be told to misbehave: forgets conditions, drops replies, says 409."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Bucket:
    """What the server holds, and what it does to the next PUTs: an error code with its status, or "drop the reply"."""

    port: int = 0
    conditional: bool = True
    listable: bool = True
    puts: deque[Any] = field(default_factory=deque)
    objects: dict[str, bytes] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    @property
    def options(self) -> dict[str, Any]:
        return {
            "key": "k",
            "secret": "s",
            "endpoint_url": f"http://127.0.0.1:{self.port}",
            "client_kwargs": {"region_name": "us-east-1"},
            "config_kwargs": {"request_checksum_calculation": "when_required"},
        }


@contextmanager
def serving(**facts: Any) -> Iterator[Bucket]:
    bucket = Bucket(**facts)
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        bucket.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    bucket: Bucket
    protocol_version = "HTTP/1.1"  # knows "Expect: 100-continue"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.bucket.lock:
            self.bucket.log.append(f"PUT {self._key()} {self.headers.get('If-None-Match', '')}".strip())
            then = self.bucket.puts.popleft() if self.bucket.puts else None
            if isinstance(then, tuple):
                return self._answer(*then)
            if self.bucket.conditional and self.headers.get("If-None-Match") == "*" and self._key() in self._objects():
                return self._answer(412, "PreconditionFailed")  # as Ceph: without <Condition>
            self._objects()[self._key()] = body
        if then == "drop the reply":
            self.close_connection = True
            return self.connection.shutdown(SHUT_RDWR)
        return self._answer(200)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if "list-type" in self.path:
            listing = b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"
            return self._answer(200, body=listing) if self.bucket.listable else self._answer(403, "AccessDenied")
        if self._key() not in self._objects():
            return self._answer(404, "NoSuchKey") if self.bucket.listable else self._answer(403, "AccessDenied")
        return self._answer(200, body=self._objects()[self._key()])

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/").partition("/")[2]

    def _objects(self) -> dict[str, bytes]:
        return self.bucket.objects

    def _answer(self, status: int, code: str = "", body: bytes = b"") -> None:
        body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode() if code else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
