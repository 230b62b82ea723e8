"""The ASGI app of the page: it serves the reels of one storyboard and their media, and records picks.

GET  /<token>/                    redirects to the first reel
GET  /<token>/reels/<reel>/       its page, with what a run would change now
GET  /<token>/reels/<reel>/<file> a video or picture in its folder, whole or in part
POST /<token>/reels/<reel>/pick   {"scene": "s03", "take": 2}
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

from pydantic import Field, ValidationError

from prefect_storyboard.ledger import Storage
from prefect_storyboard.media.live import Today, live
from prefect_storyboard.pages.files import Headers, kind_of, look_up, send_part
from prefect_storyboard.pages.guard import NOT_FOUND, refused
from prefect_storyboard.series.takes import Of
from prefect_storyboard.serving.asgi import Answer, Receive, Scope, Send, headers_of, lifespan, read_body, respond
from prefect_storyboard.storyboards import Frozen

_MOST, _SECONDS = 4_096, 10.0  # bytes of a pick's body, and how long it may take
_TEXT = "text/plain; charset=utf-8"
_COMMON: Headers = [
    (b"cache-control", b"no-store"),  # the reel keeps its name when it is assembled again
    (b"referrer-policy", b"no-referrer"),  # the address contains the token
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
]
_NO_PAGE = Answer(HTTPStatus.NOT_FOUND, "this reel has no page yet; run the storyboard, or pick a take")
_NOT_UNDERSTOOD = Answer(HTTPStatus.UNPROCESSABLE_ENTITY, 'a pick is {"scene": "s03", "take": 2}; nothing was changed')
_ONLY_POST = Answer(HTTPStatus.METHOD_NOT_ALLOWED, "a pick is a POST; nothing was changed")
_ONLY_GET = Answer(HTTPStatus.METHOD_NOT_ALLOWED, "only a pick is a POST; nothing was changed")


class Picked(Frozen):
    """The body of a pick."""

    scene: str
    take: int = Field(ge=1)
    of: Of = "clip"


class NotPicked(ValueError):
    """The take cannot be picked; the message says why, and what was changed."""


class Board(Protocol):
    """What the app needs of the storyboard that it serves."""

    @property
    def reels(self) -> Sequence[str]:
        """The folders of the storyboard's reels; the page opens the first."""

    @property
    def storage(self) -> Storage:
        """The library."""

    async def begin(self) -> None:
        """Start preparing for picks; returns at once."""

    async def today(self) -> Today:
        """What a run would change now."""

    async def pick(self, picked: Picked) -> None:
        """Pick a take and assemble the reel again. Raises NotPicked."""

    async def end(self) -> None:
        """Stop preparing."""


class PageApp:
    """See the module. Requests without the token, from another origin or for another host are refused."""

    def __init__(self, board: Board, token: str) -> None:
        self._board, self._token = board, token
        self._lock = asyncio.Lock()  # for reading the state of the reels, and for picks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of the server."""
        match scope["type"]:
            case "lifespan":
                await lifespan(receive, send, self._board.begin, self._board.end)
            case "http":
                answer = refused(scope, self._token) or await self._serve(scope, receive, send)
                if answer:
                    await _send_text(send, answer)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """Respond, or return an answer that is plain text."""
        place = scope["path"].split("/")[2:]
        if place in ([], [""]):
            to = f"/{self._token}/reels/{quote(self._board.reels[0])}/"
            await respond(send, HTTPStatus.FOUND, [*_COMMON, (b"location", to.encode())], b"")
            return None
        if len(place) != 3 or place[0] != "reels" or place[1] not in self._board.reels:
            return await self._file(scope, place, receive, send)
        if place[2] == "pick":
            return await self._pick(scope, receive) if scope["method"] == "POST" else _ONLY_POST
        if place[2] in {"", "index.html"}:
            return await self._page(scope, place[1], send)
        return await self._file(scope, place, receive, send)

    async def _page(self, scope: Scope, reel: str, send: Send) -> Answer | None:
        if scope["method"] == "POST":
            return _ONLY_GET
        stored = await asyncio.to_thread(self._board.storage.read, "reels", reel, "index.html")
        if stored is None:
            return _NO_PAGE
        async with self._lock:
            today = await self._board.today()
        body = live(stored.decode(), today, pick="pick").encode()
        headers = [*_COMMON, (b"content-type", b"text/html; charset=utf-8")]
        await respond(send, HTTPStatus.OK, headers, b"" if scope["method"] == "HEAD" else body)
        return None

    async def _file(self, scope: Scope, place: list[str], receive: Receive, send: Send) -> Answer | None:
        if scope["method"] == "POST":
            return _ONLY_GET
        kind = kind_of(place, self._board.reels)
        asked = headers_of(scope).get("range")
        part = await look_up(self._board.storage, place, asked, kind) if kind else None
        if part is None:
            return NOT_FOUND
        part = part._replace(headers=[*_COMMON, *part.headers])
        await send_part(self._board.storage, place, part, receive, send, only_head=scope["method"] == "HEAD")
        return None

    async def _pick(self, scope: Scope, receive: Receive) -> Answer:
        body = await read_body(headers_of(scope), receive, most=_MOST, seconds=_SECONDS)
        if isinstance(body, Answer):
            return body
        try:
            picked = Picked.model_validate_json(body)
        except ValidationError:
            return _NOT_UNDERSTOOD
        try:
            async with self._lock:
                await self._board.pick(picked)
        except NotPicked as error:
            return Answer(HTTPStatus.CONFLICT, str(error))
        return Answer(HTTPStatus.OK, f"{picked.scene} shows take {picked.take}")


async def _send_text(send: Send, answer: Answer) -> None:
    await respond(send, answer.status, [*_COMMON, (b"content-type", _TEXT.encode())], answer.text.encode())
