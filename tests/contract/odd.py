"""Answers as no page says, and a gateway that gives them to the real adapter."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from cases import Case

from tests.unit.fakes import FakeClock, session_with

PAGE = b"<!DOCTYPE html><html><body><h1>One moment</h1></body></html>"
BODIES: dict[str, bytes] = {
    "a page": PAGE,
    "nothing": b"",
    "blanks": b" \r\n ",
    "torn JSON": b'{"code": 200, "request_id": "req_1", "data": {"taskId": "tas',
    "a list": b"[]",
    "null": b"null",
    "a number": b"200",
    "a text": b'"accepted"',
    "an object of nothing": b"{}",
    "an object of others": b'{"hello": "world", "data": {"hello": "world"}}',
    "bytes": bytes(range(256)),
    "a bomb of brackets": b"[" * 100_000,
    "UTF-16": '{"hello": 1}'.encode("utf-16"),
    "more than is read": b"x" * 9_000_000,
}
SUCCESSES = [200, 201, 202, 203, 204, 206]
REDIRECTS = [301, 302, 307, 308]
OTHER_REDIRECTS = [300, 303, 304]
DEFINITE = [400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424]
DEFINITE += [426, 428, 431, 451, 499]
VAGUE = [408, 409, 425, 500, 501, 502, 503, 504, 507, 520, 522, 524, 529, 599]


class Stream(httpx.AsyncByteStream):
    """A body as it comes from a socket."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body


def reply(status: int, body: bytes = PAGE, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=Stream(body))


Answer = Callable[[httpx.Request], httpx.Response]


def asked_by(case: Case, answer: Answer) -> tuple[Any, list[httpx.Request]]:
    """A session of the real adapter with a gateway that answers so; and what it was asked."""
    seen: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(gateway))
    session: Any = session_with(case.connect(http), clock=FakeClock())  # type: ignore[arg-type]
    return session, seen
