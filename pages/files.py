"""Serve the media of a reel to a browser: whole or in part, from a disk or from a bucket."""

import asyncio
import re
from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import NamedTuple

from prefect_storyboard.ledger import Storage
from prefect_storyboard.pages.ranges import Span, span
from prefect_storyboard.serving.asgi import Receive, Send

_PIECE = 1 << 20  # bytes; one read of the storage
_NAME = re.compile(r"[^/\\:.\x00-\x1f][^/\\:\x00-\x1f]*")
_KINDS = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "srt": "text/plain; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}

Headers = list[tuple[bytes, bytes]]


def kind_of(place: Sequence[str], reels: Collection[str]) -> str | None:
    """The content type of a media file in the folder of one of these reels; None for anything else.

    Records, storyboards and plans are not served, and no name leads out of the folder.
    """
    if len(place) < 3 or place[0] != "reels" or place[1] not in reels:
        return None
    if not all(_NAME.fullmatch(name) for name in place):
        return None
    return _KINDS.get(place[-1].rpartition(".")[2])


class Part(NamedTuple):
    """Status and headers of a response, and the bytes of the file that it sends."""

    status: HTTPStatus
    headers: Headers
    span: Span


async def look_up(storage: Storage, place: Sequence[str], asked: str | None, kind: str) -> Part | None:
    """The part of a file for a request; None if the library does not have the file."""
    size = await asyncio.to_thread(storage.size, *place)
    if size is None:
        return None
    found = span(asked, size)
    headers = [(b"content-type", kind.encode()), (b"accept-ranges", b"bytes")]
    if found is None:
        nothing = (b"content-range", f"bytes */{size}".encode())
        return Part(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, [*headers, nothing], Span(0, 0))
    if found.whole:
        return Part(HTTPStatus.OK, headers, found)
    shown = (b"content-range", f"bytes {found.start}-{found.stop - 1}/{size}".encode())
    return Part(HTTPStatus.PARTIAL_CONTENT, [*headers, shown], found)


async def send_part(
    storage: Storage, place: Sequence[str], part: Part, receive: Receive, send: Send, *, only_head: bool = False
) -> None:
    """Send the bytes piece by piece, until the browser has them all or disconnects, as it does at every seek."""
    length = (b"content-length", str(part.span.stop - part.span.start).encode())
    await send({"type": "http.response.start", "status": int(part.status), "headers": [*part.headers, length]})
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        for start in () if only_head else range(part.span.start, part.span.stop, _PIECE):
            if gone.done():
                return
            stop = min(start + _PIECE, part.span.stop)
            piece = await asyncio.to_thread(storage.part, start, stop, *place)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
