"""The parts of ASGI that both servers need: headers, a bounded body, a response, the lifespan."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, NamedTuple

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Answer(NamedTuple):
    """A status and one sentence of text."""

    status: HTTPStatus
    text: str


TOO_LARGE = Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
TOO_SLOW = Answer(HTTPStatus.REQUEST_TIMEOUT, "the body took too long")


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by their names in lower case."""
    return {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}


async def read_body(headers: Mapping[str, str], receive: Receive, *, most: int, seconds: float) -> bytes | Answer:
    """Read the body; returns an answer instead if it has more than `most` bytes, or takes longer than `seconds`."""
    length = headers.get("content-length", "0")
    if length.isdecimal() and (len(length) > 12 or int(length) > most):
        return TOO_LARGE
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return TOO_SLOW  # the sender has disconnected
                body += message.get("body", b"")
                if len(body) > most:
                    return TOO_LARGE
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        return TOO_SLOW


async def respond(send: Send, status: HTTPStatus, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole response."""
    sized = [*headers, (b"content-length", str(len(body)).encode())]
    if status in {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT}:
        sized.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": int(status), "headers": sized})
    await send({"type": "http.response.body", "body": body})


async def lifespan(
    receive: Receive, send: Send, begin: Callable[[], Awaitable[object]], end: Callable[[], Awaitable[object]]
) -> None:
    """Start the server after `begin`, and stop it after `end`. If `begin` raises, the server does not start."""
    await receive()
    try:
        await begin()
    except Exception as error:  # noqa: BLE001 - the server logs it, and does not start
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await end()
    await send({"type": "lifespan.shutdown.complete"})
