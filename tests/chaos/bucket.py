"""An S3 server on loopback, and in front of it a proxy that breaks calls as a schedule says."""

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any

_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}
_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
BUCKET = "chaos"


@contextmanager
def s3_server() -> Iterator[str]:
    """moto on a free port with one bucket; host and port."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        import s3fs

        s3fs.S3FileSystem(**options(f"http://{host}:{port}")).call_s3("create_bucket", Bucket=BUCKET)
        yield f"{host}:{port}"
    finally:
        server.stop()


class Faults:
    """What happens to the calls: single ones by chance, and now and then an outage that outlasts every retry."""

    def __init__(self, seed: str, chances: dict[str, float]) -> None:
        self._draw, self._lock = random.Random(seed), Lock()  # noqa: S311 - to be repeated
        self._quiet = self._draw.randrange(5, 120)  # calls before the first fault: trouble in the middle of a run
        self._chances, self._outage = chances, ("", 0)
        self.told: dict[str, int] = {}

    def behave(self) -> None:
        with self._lock:
            self._chances, self._outage = {}, ("", 0)

    def next(self) -> str:
        """The fault of the next call; empty for none."""
        with self._lock:
            how, left = self._outage
            if self._quiet:
                self._quiet -= 1
                return ""
            if left:
                self._outage = (how, left - 1)
            else:
                chosen = self._draw.choices(
                    [*self._chances, ""], [*self._chances.values(), 1 - sum(self._chances.values())]
                )
                how = chosen[0]
                if how and self._draw.random() < 0.25:
                    self._outage = (how, self._draw.choice((8, 15, 40)))
            if how:
                self.told[how] = self.told.get(how, 0) + 1
            return how


@contextmanager
def broken(upstream: str, faults: Faults) -> Iterator[str]:
    """The proxy's own endpoint."""
    facts = {"upstream": upstream, "faults": faults}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), facts)) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    upstream: str
    faults: Faults
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        fault = self.faults.next()
        length = int(self.headers.get("Content-Length", 0))
        if fault == "before":
            self.rfile.read(length // 2)
            return self._hang_up()
        body = self.rfile.read(length)
        if fault == "slow down":
            return self._answer(503, [("Content-Type", "application/xml")], _SLOW_DOWN)
        status, headers, answer = self._carried(body)
        if fault == "after":
            return self._hang_up()
        return self._answer(status, headers, answer, torn=fault == "torn")

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - as the server calls them

    def _carried(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
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
        return reply.status, reply.getheaders(), answer

    def _answer(self, status: int, headers: list[tuple[str, str]], answer: bytes, *, torn: bool = False) -> None:
        self.send_response(status)
        told = ""
        for name, value in headers:
            if name.lower() == "content-length":
                told = value
            elif name.lower() not in _HOP | {"date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", told if self.command == "HEAD" and told else str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer[: len(answer) // 2] if torn else answer)
        if torn:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client was killed
            self.close_connection = True


def options(endpoint: str) -> dict[str, Any]:
    """Storage options of a library behind the proxy; s3fs tries again five times by itself."""
    return {
        "key": "k",
        "secret": "n0b0dy-reads-th1s",
        "endpoint_url": endpoint,
        "client_kwargs": {"region_name": "us-east-1"},
        "config_kwargs": {"retries": {"max_attempts": 1}, "read_timeout": 10},
    }
