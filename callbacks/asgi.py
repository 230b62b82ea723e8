"""The ASGI app: `POST <any path>/<token>`, one bounded body, one response. It can be mounted in another app."""

import asyncio
import json
import re
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.callbacks.bounds import Bounds, Rate
from prefect_storyboard.callbacks.opened import Opened, Opening
from prefect_storyboard.callbacks.receiver import UNKNOWN
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.serving.asgi import Answer, Receive, Scope, Send, headers_of, lifespan, read_body, respond
from prefect_storyboard.tasks._loop import on_loop

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_AGAIN_AFTER = b"5"  # seconds
_HEALTHY = Answer(HTTPStatus.OK, "ok")
_ONLY_POST = Answer(HTTPStatus.METHOD_NOT_ALLOWED, "only POST is allowed")
_TOO_MANY = Answer(HTTPStatus.TOO_MANY_REQUESTS, "too many callbacks at once; post it again")


def app(
    providers: Sequence[Credentials | str],
    library: Library | str | None = None,
    *,
    bounds: Bounds | None = None,
) -> "CallbacksApp":
    """An ASGI app that receives the callbacks of these accounts for one library.

    Args:
        providers: The accounts whose `callback_url` points here: credentials blocks, or the references of saved ones.
        library: The library of the runs: a block, the reference of a saved one, a folder or a URL.
        bounds: Limits on the size, time and rate of callbacks.

    It opens the library when the server starts or, mounted in another app, with the first callback. If PREFECT_API_URL
    is set, it emits events and resumes suspended series.
    """
    return CallbacksApp(Opening(providers=tuple(providers), library=library), bounds)


class CallbacksApp:
    """See `app`."""

    def __init__(self, opening: Opening, bounds: Bounds | None = None, clock: Clock | None = None) -> None:
        self._opening, self._bounds = opening, bounds or Bounds()
        self._rate = Rate(self._bounds, clock or Clock())
        self._places = asyncio.Semaphore(self._bounds.at_once)
        self._opened: Opened | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of the server."""
        match scope["type"]:
            case "lifespan":
                await lifespan(receive, send, self.open, self.close)
            case "http":
                await _respond(send, await self._answer(scope, receive))
            case "websocket":
                await send({"type": "websocket.close", "code": 1000})

    async def open(self) -> Opened:
        """Open the accounts and the library, if needed; continue with the callbacks of an earlier process."""
        async with self._turn:
            if self._opened is None:
                await self._opening.load()
                self._opened = await on_loop(self._opening.open)
            return self._opened

    async def close(self) -> None:
        """Stop, after results that are being stored are complete. The callbacks stay recorded."""
        async with self._turn:
            opened, self._opened = self._opened, None
            if opened:
                await on_loop(opened.close)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        name = str(scope["path"]).rstrip("/").rpartition("/")[2]
        if scope["method"] != "POST":
            return _HEALTHY if name == "health" and scope["method"] in {"GET", "HEAD"} else _ONLY_POST
        if not _TOKEN.fullmatch(name):
            return UNKNOWN
        if not self._rate.take():
            return _TOO_MANY
        try:
            async with asyncio.timeout(self._bounds.wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            return _TOO_MANY
        try:
            return await self._received(name, scope, receive)
        finally:
            self._places.release()

    async def _received(self, token: str, scope: Scope, receive: Receive) -> Answer:
        headers = headers_of(scope)
        body = await read_body(headers, receive, most=self._bounds.body_bytes, seconds=self._bounds.body_seconds)
        if isinstance(body, Answer):
            return body
        opened = await self.open()
        return await on_loop(partial(opened.receiver.receive, token, headers, body))


async def _respond(send: Send, answer: Answer) -> None:
    """Respond with the acknowledgement that Kie documents; the other gateways check the status only."""
    body = json.dumps({"code": int(answer.status), "msg": answer.text}).encode()
    headers = [(b"content-type", b"application/json")]
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers.append((b"retry-after", _AGAIN_AFTER))
    await respond(send, answer.status, headers, body)
