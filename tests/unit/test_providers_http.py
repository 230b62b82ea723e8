"""Whether a broken call may have arrived, who may see the key, and what is a JSON object."""

import asyncio
import gzip
import logging
import resource
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import Busy, NotSent, OutcomeUnknown, OverBounds, ProtocolError
from prefect_storyboard.providers.http import (
    NOT_SENT,
    SUBMIT_SECONDS,
    ask,
    buy,
    client,
    json_object,
    number,
    own_link,
    retry_after,
    same_host,
)

URL = "https://queue.example/submit"
LOST = [
    httpx.ReadError("x"),
    httpx.ReadTimeout("x"),
    httpx.WriteError("x"),
    httpx.WriteTimeout("x"),
    httpx.CloseError("x"),
    httpx.RemoteProtocolError("x"),
    httpx.LocalProtocolError("x"),
    httpx.DecodingError("x"),
    httpx.TooManyRedirects("x"),
]


def http(answer: Callable[[httpx.Request], Any]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def fails(error: Exception) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return http(answer)


@pytest.mark.parametrize("error", [kind("x") for kind in NOT_SENT], ids=repr)
async def test_what_never_left_was_not_sent(error: Exception) -> None:
    for call in (buy(fails(error), "fal", URL), ask(fails(error), "fal", "GET", URL)):
        with pytest.raises(NotSent, match=f"fal could not be reached \\({type(error).__name__}\\)"):
            await call


@pytest.mark.parametrize("error", LOST, ids=repr)
async def test_what_broke_later_may_have_been_bought_or_may_be_asked_again(error: Exception) -> None:
    with pytest.raises(OutcomeUnknown, match="it may have been accepted"):
        await buy(fails(error), "fal", URL)
    with pytest.raises(Busy, match="fal did not answer"):
        await ask(fails(error), "fal", "GET", URL)


@pytest.mark.parametrize("url", ["queue.example", "ftp://queue.example", "http://[broken", "http://a:port/", "http://"])
async def test_an_address_that_is_none_was_not_sent_to(url: str) -> None:
    async with client() as real:
        for call in (buy(real, "fal", url), ask(real, "fal", "GET", url)):
            with pytest.raises(NotSent):
                await call


async def test_a_submit_waits_a_minute_at_most_and_is_then_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    clock = loop.time

    async def never(request: httpx.Request) -> httpx.Response:
        monkeypatch.setattr(loop, "time", lambda: clock() + 60)  # as if it had waited for a minute
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(OutcomeUnknown, match="TimeoutError"):
        await buy(http(never), "fal", URL)
    assert SUBMIT_SECONDS == 60


async def test_a_question_waits_ten_seconds_at_most_and_may_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    clock = loop.time

    async def never(request: httpx.Request) -> httpx.Response:
        monkeypatch.setattr(loop, "time", lambda: clock() + 10)  # as if it had waited for ten seconds
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Busy, match="TimeoutError"):
        await ask(http(never), "fal", "GET", URL)


async def test_a_cancelled_submit_stays_cancelled() -> None:
    arrived = asyncio.Event()

    async def never(request: httpx.Request) -> httpx.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    submit = asyncio.ensure_future(buy(http(never), "fal", URL))
    await arrived.wait()
    submit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await submit


@pytest.mark.parametrize(
    "call", [lambda c: buy(c, "fal", URL), lambda c: ask(c, "fal", "GET", URL)], ids=["buy", "ask"]
)
async def test_an_error_status_is_the_callers_business(call: Callable[[Any], Awaitable[httpx.Response]]) -> None:
    assert (await call(http(lambda _: httpx.Response(503)))).status_code == 503


async def test_the_client_holds_no_key_and_follows_no_redirect() -> None:
    async with client() as real:
        assert "authorization" not in real.headers
        assert real.follow_redirects is False
        assert real.timeout == httpx.Timeout(60.0, connect=10.0, pool=None)


async def test_no_log_shows_the_query_of_a_link(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(http(lambda _: httpx.Response(200)), "fal", "PUT", "https://storage.example/a.png?sig=s3cr3t")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "httpx"]
    assert line == 'HTTP Request: PUT https://storage.example/a.png "HTTP/1.1 200 OK"'
    logging.getLogger("httpx").info("a line of %(words)s", {"words": "another kind"})
    assert "a line of another kind" in caplog.text


@pytest.mark.parametrize(
    ("link", "configured"),
    [
        ("https://queue.fal.run/x?y=1", "https://queue.fal.run"),
        ("https://QUEUE.fal.run/x", "https://queue.fal.run/"),
        ("https://queue.fal.run:443/x", "https://queue.fal.run"),
        ("https://sandbox.example/x", "http://sandbox.example"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/fal/queue"),
        ("http://localhost:8000/x", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/x", "http://localhost:8000"),
    ],
)
def test_our_own_host_may_see_the_key(link: str, configured: str) -> None:
    assert same_host(link, configured)
    assert own_link(link, "https://built", configured) == link


@pytest.mark.parametrize(
    ("link", "configured"),
    [
        ("https://evil.example/x", "https://queue.fal.run"),
        ("https://queue.fal.run.evil.example/x", "https://queue.fal.run"),
        ("https://queue.fal.run@evil.example/x", "https://queue.fal.run"),
        ("https://evil.example\\@queue.fal.run:1/x", "https://queue.fal.run"),
        ("https://evil.example#@queue.fal.run/", "https://queue.fal.run"),
        ("http://queue.fal.run/x", "https://queue.fal.run"),
        ("https://queue.fal.run:8443/x", "https://queue.fal.run"),
        ("http://127.0.0.1:9999/x", "http://127.0.0.1:8000"),
        ("http://127.0.0.1/x", "http://127.0.0.1:8000"),
        ("http://127.0.0.1.evil.example:8000/x", "http://127.0.0.1:8000"),
        ("http://10.0.0.7:8000/x", "http://127.0.0.1:8000"),
        ("//queue.fal.run/x", "https://queue.fal.run"),
        ("/x", "https://queue.fal.run"),
        ("", "https://queue.fal.run"),
        ("http://[broken", "https://queue.fal.run"),
        ("https://queue.fal.run:port", "https://queue.fal.run"),
    ],
)
def test_no_other_host_port_or_less_secure_way_may_see_the_key(link: str, configured: str) -> None:
    assert not same_host(link, configured)
    assert own_link(link, "https://built", configured) == own_link(None, "https://built", configured) == "https://built"


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'{"a": NaN, "b": -Infinity, "c": 1e999}', {"a": None, "b": None, "c": None}),
        (b'{"a": "\\ud800", "b": "\\ud83d\\ude00"}', {"a": "?", "b": "\U0001f600"}),
        (b"[]", None),
        (b"7", None),
        (b"", None),
        (b"<html>", None),
        (b'{"a": ', None),
        (b"\xff\xfe\xff", None),
        (b"[" * 5_000, None),
        (b'{"a": 1' + b"0" * 5_000 + b"}", None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_json_object_is_one_or_none(body: bytes, read: Any) -> None:
    assert json_object(httpx.Response(200, content=body)) == read


@pytest.mark.parametrize(
    ("header", "read"),
    [("7", 7.0), ("7.5", 7.5), ("-7", -7.0), ("nan", None), ("inf", None), ("1e999", None), ("soon", None)],
)
def test_a_number_in_a_header_is_finite_or_unknown(header: str, read: float | None) -> None:
    response = httpx.Response(429, headers={"Retry-After": header})
    assert number(response, "retry-after") == read
    assert retry_after(response) == (read if read is None else max(read, 0.0))
    assert number(response, "another") is None


async def packed(body: bytes, coding: str = "gzip") -> httpx.Response:
    """A reply that arrives in blocks of 64 KB, as from a socket."""

    async def blocks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 1 << 16):
            yield body[at : at + (1 << 16)]

    return httpx.Response(200, headers={"content-encoding": coding}, content=blocks())


async def test_a_packed_reply_is_unpacked_up_to_the_bound() -> None:
    small = await packed(gzip.compress(b'{"a": 1}'))
    assert json_object(await ask(http(lambda _: small), "fal", "GET", URL)) == {"a": 1}


async def test_a_reply_that_unpacks_without_end_is_over_the_bound_and_a_submit_unknown() -> None:
    bomb = _bomb()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reply, again = await packed(bomb), await packed(bomb)
    with pytest.raises(OverBounds, match="fal answered, and the answer has more than 8 MB"):
        await ask(http(lambda _: reply), "fal", "GET", URL)
    with pytest.raises(OutcomeUnknown, match="it may have been accepted"):
        await buy(http(lambda _: again), "fal", URL)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def _bomb() -> bytes:
    """Gzip of one gigabyte, made of 1,000 members of a megabyte each of nothing."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)  # may stand any number of times
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + megabyte * 1024


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x"])
async def test_what_was_not_asked_for_is_not_unpacked(coding: str) -> None:
    reply = await packed(b"x", coding)
    with pytest.raises(OverBounds, match="which was not accepted"):
        await ask(http(lambda _: reply), "fal", "GET", URL)


async def test_a_link_to_an_inner_address_is_not_followed() -> None:
    async with client(["http://queue.example"]) as real:
        with pytest.raises(ProtocolError, match=r"link that is not followed: .* has the private address") as error:
            await ask(real, "fal", "PUT", "http://169.254.169.254/latest/meta-data")
    assert error.value.sent is False
