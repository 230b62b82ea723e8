"""A proxy that simulates distance: it delays every byte by half a round trip, and counts requests."""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"(GET|PUT|HEAD|DELETE|POST) (\S+) HTTP/1\.1\r\n")


@dataclass
class Distant:
    """The proxied server: its new endpoint, and the requests so far."""

    endpoint: str = ""
    requests: Counter[str] = field(default_factory=Counter)

    def note(self, data: bytes) -> None:
        """Count a request, which always begins a block, because clients wait for the reply before the next one."""
        if begun := _REQUEST.match(data):
            verb, target = begun[1].decode(), begun[2]
            self.requests["LIST" if verb == "GET" and b"list-type" in target else verb] += 1


@contextmanager
def distant(endpoint: str, round_trip: float) -> Iterator[Distant]:
    """Forward connections to the server during the `with` block; bandwidth is not limited."""
    far, ready, stop, loops = Distant(), threading.Event(), asyncio.Event(), list[asyncio.AbstractEventLoop]()

    async def serve() -> None:
        there = urlsplit(endpoint)
        loops.append(asyncio.get_running_loop())

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            theirs, back = await asyncio.open_connection(there.hostname, there.port)
            ways = _late(reader, back, round_trip / 2, far), _late(theirs, writer, round_trip / 2, None)
            await asyncio.gather(*ways, return_exceptions=True)

        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        far.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield far
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


async def _late(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, far: Distant | None
) -> None:
    """Forward data in order, each block `seconds` later."""
    loop = asyncio.get_running_loop()
    blocks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)

    async def hand_on() -> None:
        while True:
            due, data = await blocks.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    handing = asyncio.create_task(hand_on())
    data = b"-"
    while data:
        data = b""
        with suppress(ConnectionError):
            data = await reader.read(1 << 18)
        if far:
            far.note(data)
        await blocks.put((loop.time() + seconds, data))
    await handing
