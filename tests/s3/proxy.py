"""A proxy in front of an S3 server that carries PUTs there and loses the first good answers on the way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}


@contextmanager
def losing(endpoint: str, answers: int = 1) -> Iterator[tuple[str, list[int]]]:
    """The proxy's own endpoint, and the status of every PUT that went through it."""
    seen: list[int] = []
    facts = {"upstream": urlsplit(endpoint).netloc, "answers": answers, "seen": seen, "lock": Lock()}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), facts)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    upstream: str
    answers: int
    seen: list[int]
    lock: Any
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._carry()

    def do_HEAD(self) -> None:
        self._carry()

    def do_PUT(self) -> None:
        self._carry()

    def _carry(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = HTTPConnection(self.upstream)
        # The Host header stays as it was signed.
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP:
                connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        answer = reply.read()
        connection.close()
        if self.command == "PUT":
            with self.lock:
                self.seen.append(reply.status)
                lost = reply.status == 200 and self.seen.count(200) <= self.answers
            if lost:
                self.close_connection = True
                self.connection.shutdown(SHUT_RDWR)
                return
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in _HOP | {"content-length", "date", "server"}:
                self.send_header(name, value)
        length = reply.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(answer))
        self.send_header("Content-Length", length)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass
