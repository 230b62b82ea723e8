"""HTTP for all adapters: one client for each account, and whether a broken call may have arrived."""

import asyncio
import json
import logging
import math
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from prefect_storyboard import __version__
from prefect_storyboard.addresses import ForbiddenAddress
from prefect_storyboard.providers.connections import Connections, Use, turn, used_for
from prefect_storyboard.providers.errors import (
    Busy,
    NotSent,
    OutcomeUnknown,
    OverBounds,
    ProtocolError,
    Unauthorized,
    redact,
)
from prefect_storyboard.providers.json_values import utc
from prefect_storyboard.storyboards.outcomes import JsonObject

# None of these can happen after the first byte of the request was sent.
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
REDIRECTS = {301, 302, 307, 308}  # in response to a POST: it was not accepted here, and no adapter follows
_AMBIGUOUS = {408, 409, 425, 429}  # the 4xx after which a submit may have been accepted, or may be sent later
_SAME_TIME = timedelta(seconds=5)  # a Date header has whole seconds, and a response takes some
_TRANSFER_HEADERS = {"content-encoding", "content-length", "transfer-encoding"}  # not true of the unpacked body
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# Longest wait for the response to a submit. Other calls may be retried; after a submit that times out too early, a
# person has to find out whether it was bought. The ledger's lease is longer.
SUBMIT_SECONDS = 60.0
ASK_SECONDS = 10.0  # longest wait for a whole response: one that trickles in would never exceed a read time-out
FILE_SECONDS = 1800.0  # the same for uploads
MOST = 8_000_000  # bytes of a response, unpacked; the largest documented one, a list of models, has 2 MB
_PACKED = {"gzip", "x-gzip"}


def _without_query(record: logging.LogRecord) -> bool:
    """Log filter: httpx logs whole URLs at INFO, and a signature in one is as good as a key."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg.copy_with(query=None, userinfo=b"") if isinstance(arg, httpx.URL) else arg for arg in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_without_query)


def checked_key(api_key: str, where: str) -> str:
    """The key without white space; from now on it is redacted in all errors.

    Raises Unauthorized for a key with an impossible character.
    """
    key = "".join(api_key.split())
    if not key.isascii():  # an invisible character of a web page, or a dash that a word processor has replaced
        raise Unauthorized(
            f"the API key contains a character that no key has; nothing was sent; copy the key again from {where}"
        )
    redact(key)
    return key


class Keyless(httpx.AsyncBaseTransport):
    """A transport for an account without a key: it sends nothing, so nothing can be bought."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - none is sent
        raise NotSent("no API key is set, so nothing was sent", remedy="Nothing was bought. Set the account's key.")


def client(hosts: Iterable[str] = (), transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """One client for all hosts of a provider. It holds no key: each call decides where its key is sent.

    `hosts` are those that the operator has configured or allowed; every other host must have a public address, and so
    must the hosts that it redirects to.
    """
    return httpx.AsyncClient(
        transport=transport or Connections(hosts),
        timeout=httpx.Timeout(SUBMIT_SECONDS, connect=10.0, pool=None),
        # Only encodings that can be unpacked within bounds are accepted: no brotli and the like.
        headers={"User-Agent": f"prefect-storyboard/{__version__}", "Accept-Encoding": "gzip"},
        follow_redirects=False,
        max_redirects=5,
    )


async def buy(http: httpx.AsyncClient, provider: str, url: str, **request: Any) -> httpx.Response:
    """POST once. Raises NotSent if nothing was sent, OutcomeUnknown if it was sent and no complete response came."""
    try:
        async with turn(http, "submits"), asyncio.timeout(SUBMIT_SECONDS):
            return await _answer(http, "POST", url, extensions=used_for("submits"), **request)
    except (*NOT_SENT, ForbiddenAddress) as error:
        raise NotSent(f"{provider} could not be reached ({_why(error)})") from None
    except OverBounds as error:
        raise OutcomeUnknown(f"{provider} answered a submit, and {error}; it may have been accepted") from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise OutcomeUnknown(f"{provider} did not answer a submit ({_why(error)}); it may have been accepted") from None


async def ask(http: httpx.AsyncClient, provider: str, method: str, url: str, **request: Any) -> httpx.Response:
    """Send a call that buys nothing. A broken connection raises Busy: the call may be retried."""
    use: Use = "uploads" if request.get("content") or request.get("files") else "calls"
    try:
        async with turn(http, use), asyncio.timeout(FILE_SECONDS if use == "uploads" else ASK_SECONDS):
            return await _answer(http, method, url, extensions=used_for(use), **request)
    except ForbiddenAddress as error:
        raise ProtocolError(f"{provider} returned a link that is not followed: {error}", sent=False) from None
    except OverBounds as error:
        raise OverBounds(f"{provider} answered, and {error}") from None
    except NOT_SENT as error:
        raise NotSent(f"{provider} could not be reached ({_why(error)})") from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise Busy(f"{provider} did not answer ({_why(error)})") from None


async def _answer(http: httpx.AsyncClient, method: str, url: str, **request: Any) -> httpx.Response:
    """Send a request, and read its response up to the bound. Raises OverBounds."""
    follow = request.pop("follow_redirects", False)
    sent = http.build_request(method, url, **request)
    response = await http.send(sent, stream=True, follow_redirects=follow)
    try:
        body = await _body(response)
    finally:
        await response.aclose()
    plain = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _TRANSFER_HEADERS]
    return httpx.Response(response.status_code, headers=plain, content=body, request=response.request)


async def _body(response: httpx.Response) -> bytes:
    """The body, unpacked piece by piece: a megabyte of gzip may hold a thousand of them."""
    if response.is_stream_consumed:  # by a transport that returns complete responses
        _check_size(response.content)
        return response.content
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity", *_PACKED}:
        raise OverBounds(f"the response is encoded as {coding[:20]}, which was not accepted")
    unpack = zlib.decompressobj(47) if coding in _PACKED else None  # 47: gzip or zlib
    body = bytearray()
    async for block in response.aiter_raw():
        body += _unpacked(unpack, block, MOST + 1 - len(body)) if unpack else block
        _check_size(body)
    return bytes(body)


def _unpacked(unpack: "zlib._Decompress", block: bytes, most: int) -> bytes:
    try:
        return unpack.decompress(block, most)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from None


def _check_size(body: bytes | bytearray) -> None:
    if len(body) > MOST:
        raise OverBounds(f"the answer has more than {MOST / 1e6:g} MB")


def json_object(response: httpx.Response) -> JsonObject | None:
    """The body as a JSON object, or None for anything else. NaN reads as null, half a surrogate pair as "?"."""
    try:
        sound = json.dumps(response.json(), ensure_ascii=False).encode(errors="replace")
        body = json.loads(sound, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def same_host(url: str, configured: str) -> bool:
    """Whether the key may be sent to a link of a provider: only to the configured host, port and scheme, or https.

    httpx parses both URLs, as it does when it sends: so the host that is checked is the host that is used.
    """
    try:
        link, own = httpx.URL(url), httpx.URL(configured)
    except httpx.InvalidURL:
        return False
    if link.scheme not in {"https", own.scheme} or link.port != own.port:
        return False
    return bool(link.host) and (link.host == own.host or {link.host, own.host} <= _LOOPBACK)


def own_link(stored: str | None, built: str, configured: str) -> str:
    """The URL of a job: the stored link if its host is the configured one, else the link built from its id.

    The id decides. A link to another host may be outdated or foreign, and never receives the key.
    """
    return stored if stored and same_host(stored, configured) else built


def is_refusal(status: int) -> bool:
    """Whether an HTTP status proves that a submit was not accepted: any 4xx but 408, 409, 425 and 429."""
    return httpx.codes.is_client_error(status) and status not in _AMBIGUOUS


def retry_after(response: httpx.Response, now: datetime | None = None) -> float | None:
    """The seconds of a Retry-After header, a number or a date; None if there is none.

    A date is compared with the server's own Date header, if it sends one: our clock may be wrong.
    """
    if (seconds := number(response, "retry-after")) is not None:
        return max(seconds, 0.0)
    until = _date(response, "retry-after")
    if until is None:
        return None
    return max((until - (_date(response, "date") or now or datetime.now(UTC))).total_seconds(), 0.0)


def clock_skew(response: httpx.Response, now: datetime | None = None) -> timedelta | None:
    """How far our clock is ahead of the server's, by its Date header; None if it sends none."""
    theirs = _date(response, "date")
    if theirs is None:
        return None
    skew = (now or datetime.now(UTC)) - theirs
    return skew if abs(skew) > _SAME_TIME else timedelta()


def number(response: httpx.Response, header: str) -> float | None:
    """A header's number; None if it is missing or not a finite number."""
    try:
        value = float(response.headers[header])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _date(response: httpx.Response, header: str) -> datetime | None:
    """A header's HTTP date; None if it is missing or malformed."""
    try:
        return utc(parsedate_to_datetime(response.headers[header]))
    except (KeyError, ValueError, OverflowError):
        return None


def _why(error: Exception) -> str:
    return type(error).__name__
