"""Hosts on loopback that do what no honest host does, and a canary that notes whoever calls."""

import gzip
import socketserver
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

HEAD = b"HTTP/1.1 200 OK\r\n"
LOOP = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n"
BLOCK = bytes(1 << 16)


def bomb() -> bytes:
    """A gigabyte of nothing, which gzip makes a megabyte of."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)  # may stand any number of times
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + megabyte * 1024


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, canary: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Hostile)
        self.canary, self.calls, self.stopped = canary, [], threading.Event()

    def handle_error(self, request, client_address) -> None:
        """Whoever hangs up on a hostile host is right."""


class _Hostile(socketserver.StreamRequestHandler):
    timeout = 20

    def handle(self) -> None:
        line = self.rfile.readline(65537).decode("latin-1").split()
        while self.rfile.readline(65537).strip():
            pass
        path = line[1] if len(line) > 1 else "/"
        self.server.calls.append(path)
        if not self.server.canary:
            self.wfile.write(HEAD + b"Content-Length: 6\r\n\r\ncanary")
            return
        name = path.strip("/").partition("?")[0].rpartition("/")[2]
        for block in getattr(self, name.partition(".")[0].replace("-", "_"), self.refuse)():
            if self.server.stopped.is_set():
                return
            self.wfile.write(block)

    def refuse(self) -> Iterator[bytes]:
        yield b"HTTP/1.1 500 Odd\r\nContent-Length: 0\r\n\r\n"

    def endless(self) -> Iterator[bytes]:
        yield HEAD + b"Content-Type: video/mp4\r\n\r\n"
        while True:
            yield BLOCK

    def huge(self) -> Iterator[bytes]:
        yield HEAD + b"Content-Length: 99999999999\r\n\r\n"
        yield BLOCK

    def drip(self) -> Iterator[bytes]:
        yield HEAD + b"Content-Length: 100000000\r\n\r\n"
        yield from self._slowly(b"x")

    def headers(self) -> Iterator[bytes]:
        yield HEAD
        yield from self._slowly(b"X-A: b\r\n")

    def silent(self) -> Iterator[bytes]:
        self.server.stopped.wait(15)
        yield b""

    def many(self) -> Iterator[bytes]:
        yield HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(200_000))

    def packed(self) -> Iterator[bytes]:
        body = bomb()
        yield HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def unpacked(self) -> Iterator[bytes]:
        body = gzip.compress(b"small")
        yield HEAD + b"Content-Encoding: br\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def circle(self) -> Iterator[bytes]:
        yield LOOP % b"/circle"

    def canary(self) -> Iterator[bytes]:
        yield LOOP % self.server.canary.encode()

    def file(self) -> Iterator[bytes]:
        yield LOOP % b"file:///etc/passwd"

    def garbage(self) -> Iterator[bytes]:
        yield b"\x00\xff not http\r\n\r\n"

    def short(self) -> Iterator[bytes]:
        yield HEAD + b"Content-Length: 1000\r\n\r\nabc"

    def _slowly(self, block: bytes) -> Iterator[bytes]:
        while not self.server.stopped.wait(0.05):
            yield block


@contextmanager
def serving(canary: str = "") -> Iterator[tuple[str, list[str]]]:
    """A host and the paths that it was asked for; without `canary` the canary itself, which nobody may call."""
    server = _Server(canary)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.calls
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
