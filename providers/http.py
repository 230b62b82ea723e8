"""What the adapters share about HTTP: one client a provider, and whether a broken call may have arrived."""

import asyncio
import json
import logging
import math
from typing import Any

import httpx

from prefect_storyboard import __version__
from prefect_storyboard.providers.errors import (
    Busy,
    NotSent,
    OutcomeUnknown,
    ProtocolError,
    Unauthorized,
    never_tell,
)
from prefect_storyboard.storyboards.outcomes import JsonObject

# Not one of these can happen after the first byte of the request was sent.
NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SUBMIT_SECONDS = 60.0  # longest wait for the answer to a submit; the ledger's lease is longer
ASK_SECONDS = 60.0  # longest wait for a whole answer: one that drips in keeps a wait for the next byte short for ever
FILE_SECONDS = 1800.0  # the same where a file goes along


def _without_query(record: logging.LogRecord) -> bool:
    """httpx logs whole URLs at INFO; a signature in one is as good as a key."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args)
    return True


logging.getLogger("httpx").addFilter(_without_query)


def sound_key(api_key: str, where: str) -> str:
    """The key without white space, which no error will tell from now on. Raises Unauthorized for what can be none."""
    key = "".join(api_key.split())
    if not key.isascii():  # an invisible character of a web page, or a dash that a text program has set
        raise Unauthorized(f"the API key holds a character that no key has; copy it afresh from {where}")
    never_tell(key)
    return key


def client() -> httpx.AsyncClient:
    """One client for all hosts of a provider. It holds no key: each call says where its key may go."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(SUBMIT_SECONDS, connect=10.0, pool=None),
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=4.0),
        headers={"User-Agent": f"prefect-storyboard/{__version__}"},
        follow_redirects=False,
    )


async def buy(http: httpx.AsyncClient, provider: str, url: str, **request: Any) -> httpx.Response:
    """POST once. Raises NotSent where nothing left, OutcomeUnknown where it left and no whole answer came."""
    try:
        async with asyncio.timeout(SUBMIT_SECONDS):
            return await http.post(url, **request)
    except NEVER_LEFT as error:
        raise NotSent(f"{provider} could not be reached ({_why(error)})") from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise OutcomeUnknown(f"{provider} did not answer a submit ({_why(error)}); it may have been accepted") from None


async def ask(http: httpx.AsyncClient, provider: str, method: str, url: str, **request: Any) -> httpx.Response:
    """Send a call that buys nothing. A broken connection raises Busy: it may be asked again."""
    try:
        async with asyncio.timeout(FILE_SECONDS if request.get("content") or request.get("files") else ASK_SECONDS):
            return await http.request(method, url, **request)
    except NEVER_LEFT as error:
        raise NotSent(f"{provider} could not be reached ({_why(error)})") from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise Busy(f"{provider} did not answer ({_why(error)})") from None


def json_object(response: httpx.Response) -> JsonObject | None:
    """The body as a JSON object, or None for anything else. NaN reads as null, half a surrogate pair as "?"."""
    try:
        sound = json.dumps(response.json(), ensure_ascii=False).encode(errors="replace")
        body = json.loads(sound, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def same_host(url: str, configured: str) -> bool:
    """Whether a link that a provider returned may be sent the key: the configured host and port, never less secure.

    httpx reads both, as it reads what it sends: no link looks like one host here and like another one there.
    """
    try:
        link, own = httpx.URL(url), httpx.URL(configured)
    except httpx.InvalidURL:
        return False
    if link.scheme not in {"https", own.scheme} or link.port != own.port:
        return False
    return bool(link.host) and (link.host == own.host or {link.host, own.host} <= _LOOPBACK)


def trusted(url: str, configured: str, provider: str) -> str:
    """The link itself, if its host is the configured one. Raises ProtocolError: a key goes to no stranger."""
    if same_host(url, configured):
        return url
    raise ProtocolError(
        f"{provider} returned a link to {_host(url)}, which is not its own host ({_host(configured)}); the key was not "
        "sent there"
    )


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait; None where it names none (an HTTP date is not used by our providers)."""
    seconds = number(response, "retry-after")
    return None if seconds is None else max(seconds, 0.0)


def number(response: httpx.Response, header: str) -> float | None:
    """A header's number; None where it is missing, no number, or no finite one."""
    try:
        value = float(response.headers[header])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _host(url: str) -> str:
    try:
        return httpx.URL(url).netloc.decode() or "nowhere"
    except httpx.InvalidURL:
        return "nowhere"


def _why(error: Exception) -> str:
    return type(error).__name__
