"""What a stranger may send: one POST with a token, a body within bounds of size and time, so many a second."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.callbacks import Bounds, CallbacksApp
from prefect_storyboard.callbacks.bounds import Rate
from prefect_storyboard.callbacks.opened import Opened, Opening
from prefect_storyboard.callbacks.receiver import ACCEPTED, UNAVAILABLE, Answer

from .fakes import FakeClock

TOKEN = "t" * 32


@dataclass
class Receiver:
    """Takes what it is given; `answers` are what it says next."""

    answers: list[Answer] = field(default_factory=list)
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def receive(self, token: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.taken.append((token, headers.get("x-signature", ""), body))
        return self.answers.pop(0) if self.answers else ACCEPTED


@dataclass
class Opens:
    receiver: Any = field(default_factory=Receiver)
    events: list[str] = field(default_factory=list)

    async def load(self) -> None:
        self.events.append("load")

    async def open(self) -> Opened:
        self.events.append("open")
        return Opened(self.receiver, self.close)

    async def close(self) -> None:
        self.events.append("close")


@dataclass
class Server:
    """Whatever serves ASGI apps."""

    app: CallbacksApp
    opening: Opens

    async def post(
        self, *chunks: bytes, path: str = f"/callbacks/{TOKEN}", method: str = "POST", **headers: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """The chunks of a body; without the last one, None, it never ends."""
        given, sent = list(chunks or (b"{}",)), []
        listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

        async def receive() -> dict[str, Any]:
            if not given:
                await asyncio.Event().wait()
            body = given.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(given) or body == b"..."}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app({"type": "http", "method": method, "path": path, "headers": listed}, receive, send)
        start, end = sent
        replied = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], replied, json.loads(end["body"])


def server(**bounds: Any) -> Server:
    opening = Opens()
    chosen: Any = opening
    return Server(CallbacksApp(chosen, Bounds(**bounds), FakeClock()), opening)


async def test_a_callback_is_handed_over_with_its_token_and_acknowledged_as_kie_documents_it() -> None:
    here = server()
    status, _, reply = await here.post(b'{"id":', b'"r1"}', X_Signature="s")
    assert (status, reply) == (200, {"code": 200, "msg": "success"})
    assert here.opening.receiver.taken == [(TOKEN, "s", b'{"id":"r1"}')]


@pytest.mark.parametrize("path", [f"/{TOKEN}", f"/{TOKEN}/", f"/behind/a/proxy/{TOKEN}"])
async def test_whatever_stands_before_the_token_is_the_proxys(path: str) -> None:
    assert (await server().post(path=path))[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/callbacks", f"/{TOKEN}x", f"/{TOKEN[:-1]}", f"/{TOKEN[:-1]}%", "/../etc/passwd"]
)
async def test_an_address_without_a_token_is_not_found_and_its_body_not_read(path: str) -> None:
    here = server()
    assert (await here.post(b"...", path=path))[0] == 404
    assert here.opening.events == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_only_posts_are_callbacks(method: str) -> None:
    status, headers, _ = await server().post(method=method)
    assert (status, headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_proxy_can_ask_whether_the_server_is_there(method: str) -> None:
    assert (await server().post(method=method, path="/callbacks/health"))[0] == 200


@pytest.mark.parametrize("length", ["1001", "9" * 5000])
async def test_a_body_that_says_it_is_too_large_is_not_read(length: str) -> None:
    here = server(body_bytes=1000)
    status, headers, _ = await here.post(b"...", Content_Length=length)
    assert (status, headers["connection"], here.opening.receiver.taken) == (413, "close", [])


async def test_a_body_that_turns_out_too_large_is_left() -> None:
    here = server(body_bytes=1000)
    assert (await here.post(*[b"x" * 100] * 11, Content_Length="-5"))[0] == 413
    assert (await here.post(*[b"x" * 100] * 10))[0] == 200


async def test_a_body_that_does_not_end_in_time_is_left() -> None:
    here = server(body_seconds=0.02)
    assert (await here.post(b"..."))[0] == 408
    assert here.opening.receiver.taken == []


async def test_so_many_a_second_and_no_more() -> None:
    clock = FakeClock()
    rate = Rate(Bounds(a_second=10, burst=3), clock)
    assert [rate.take() for _ in range(4)] == [True, True, True, False]
    clock.passed += 0.1
    assert [rate.take() for _ in range(2)] == [True, False]
    clock.passed += 1000
    assert [rate.take() for _ in range(4)] == [True, True, True, False]
    here = server(burst=2)
    assert [(await here.post())[0] for _ in range(3)] == [200, 200, 429]


async def test_slow_senders_hold_so_many_places_and_no_more() -> None:
    here = server(at_once=2, wait_seconds=0.02)
    slow = [asyncio.ensure_future(here.post(b"...")) for _ in range(2)]
    await asyncio.sleep(0)
    status, headers, _ = await here.post()
    assert (status, headers["retry-after"]) == (429, "5")
    for each in slow:
        each.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert (await here.post())[0] == 200


async def test_a_thousand_renders_that_end_together_wait_for_each_other() -> None:
    here = server(at_once=2, wait_seconds=600)
    answers = await asyncio.gather(*(here.post() for _ in range(1000)))
    assert {status for status, *_ in answers} == {200}


async def test_trouble_asks_for_the_callback_again() -> None:
    here = server()
    here.opening.receiver.answers.append(UNAVAILABLE)
    status, headers, _ = await here.post()
    assert (status, headers["retry-after"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "5")


async def test_mounted_in_another_app_it_opens_with_the_first_callback_and_once() -> None:
    here = server()
    await asyncio.gather(*(here.post() for _ in range(5)))
    assert here.opening.events == ["load", "open"]


async def test_a_server_opens_it_at_the_start_and_closes_it_at_the_end() -> None:
    here, sent = server(), []
    given = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> dict[str, Any]:
        return given.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])
        here.opening.events.append(message["type"])

    await here.app({"type": "lifespan"}, receive, send)
    assert here.opening.events == [
        "load", "open", "lifespan.startup.complete", "close", "lifespan.shutdown.complete",
    ]  # fmt: skip


async def test_a_server_that_cannot_open_its_library_does_not_start() -> None:
    here, sent = server(), []

    async def fails() -> None:
        raise ValueError("there is no saved block storyboard-library/main")

    here.opening.load = fails  # type: ignore[method-assign]

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    await here.app({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.failed", "message": "there is no saved block storyboard-library/main"}]


@pytest.mark.parametrize(
    ("accounts", "says"),
    [
        ((), "no account was given"),
        ((FalCredentials(api_key="a:b"), FalCredentials(api_key="c:d")), "the same provider"),
    ],
    ids=["none", "two of one name"],
)
async def test_accounts_that_callbacks_cannot_be_told_by_are_refused(accounts: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        await Opening(providers=accounts, library=None).load()
