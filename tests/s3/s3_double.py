"""A small S3 server on loopback that can be told to misbehave: forgets conditions, drops replies, says 409."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Bucket:
    """What the server holds, and what it does to the next requests: an error code with its status, or "drop the reply".

    A server that does not `list` answers every listing with nothing, as one does that is asked for another bucket.
    """

    port: int = 0
    conditional: bool = True
    listable: bool = True
    puts: deque[Any] = field(default_factory=deque)
    gets: deque[Any] = field(default_factory=deque)
    lists: bool = True
    objects: dict[str, bytes] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
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

    def do_DELETE(self) -> None:
        self.bucket.log.append(f"DELETE {self._key()}")
        self._objects().pop(self._key(), None)
        self._answer(204)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.bucket.reads.append(f"{'LIST' if 'list-type' in self.path else self.command} {self._key()}".strip())
        if self.bucket.gets and (then := self.bucket.gets.popleft()):
            return self._answer(*then)
        if "list-type" in self.path:
            return (
                self._answer(200, body=self._listing()) if self.bucket.listable else self._answer(403, "AccessDenied")
            )
        if self._key() not in self._objects():
            return self._answer(404, "NoSuchKey") if self.bucket.listable else self._answer(403, "AccessDenied")
        return self._answer(200, body=self._objects()[self._key()])

    def _listing(self) -> bytes:
        asked = parse_qs(urlsplit(self.path).query)
        prefix, delimiter = asked.get("prefix", [""])[0], asked.get("delimiter", [""])[0]
        rests = [key.removeprefix(prefix) for key in self._objects() if key.startswith(prefix) and self.bucket.lists]
        folders = {rest.partition(delimiter)[0] for rest in rests if delimiter and delimiter in rest}
        found = "".join(f"<CommonPrefixes><Prefix>{prefix}{each}/</Prefix></CommonPrefixes>" for each in folders)
        found += "".join(
            f"<Contents><Key>{prefix}{rest}</Key><Size>{len(self._objects()[prefix + rest])}</Size></Contents>"
            for rest in rests
            if not delimiter or delimiter not in rest
        )
        return f"<ListBucketResult><KeyCount>{len(rests)}</KeyCount>{found}</ListBucketResult>".encode()

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
