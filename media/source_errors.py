"""Error texts for a URL that could not be read, and which of the reasons are transient."""

from http import HTTPStatus

import httpx

from prefect_storyboard.addresses import ForbiddenAddress, UnknownHost

_REASONS = {
    401: "its host asks for a login (HTTP 401); use a link that works without one, such as a signed link",
    403: "its host refuses access (HTTP 403); the link may have expired, so make a new one or make the file public",
    404: "there is no such file (HTTP 404); check the address",
    410: "the file was removed permanently (HTTP 410); upload it again and use the new address",
    429: "its host is busy (HTTP 429); wait a minute and try again",
}
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_NO_ADDRESS = (
    "Name or service",
    "nodename nor",
    "getaddrinfo",
    "No address",
)  # for a host that the operator has allowed
_PAGES = {"text/html", "application/xhtml+xml"}


class TransientError(OSError):
    """A transient error of a host; the same request may succeed a moment later. `wait` is the host's Retry-After."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def check_answer(response: httpx.Response) -> None:
    """Raise OSError with the reason if the response is not a file: an error, or the page of a share link."""
    status = response.status_code
    if not response.is_success:
        why = _REASONS.get(status) or _reason(status)
        raise TransientError(why, _wait(response)) if status in _TRANSIENT else OSError(why)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _PAGES:
        raise OSError(
            "its host sends a web page, not the file; a share link shows a page, so use the link that downloads it"
        )


def transport_error(error: Exception, url: str) -> OSError:
    """The error for a request without a response."""
    text = str(error)
    if isinstance(error, httpx.InvalidURL | UnicodeError):
        return OSError(f"it is not a valid address ({text}); check the spelling")
    if isinstance(error, ForbiddenAddress):
        return OSError(text)
    host = httpx.URL(url).host[:80]
    if isinstance(error, httpx.ConnectError):
        if isinstance(error, UnknownHost) or any(part in text for part in _NO_ADDRESS):
            return _unknown_host(host, passing=isinstance(error, UnknownHost) and error.passing)
        if "certificate" in text.lower() or "ssl" in text.lower():
            return OSError(f"the certificate of {host} is not accepted; check the address")
        return TransientError(f"{host} refuses the connection; check the address, or try again later")
    if isinstance(error, httpx.TimeoutException):
        return TransientError(f"{host} does not answer in time; try again later")
    if isinstance(error, httpx.UnsupportedProtocol):
        return OSError("it redirects to an address that is neither http:// nor https://")
    if isinstance(error, httpx.TransportError):
        return TransientError(f"{host} closed the connection during the transfer; try again")
    return OSError(text or type(error).__name__)


def _unknown_host(host: str, *, passing: bool) -> OSError:
    if not host:
        return OSError("it has no host; check the address")
    if passing:
        return TransientError(f"the name {host} cannot be resolved at the moment; try again later")
    return OSError(f"there is no host called {host}; check the spelling")


def _reason(status: int) -> str:
    if status >= 500:
        return f"its host has an error (HTTP {status}); try again later"
    try:
        name = HTTPStatus(status).phrase
    except ValueError:
        name = "no known status"
    return f"its host answered with HTTP {status} ({name}); open the address in a browser to see why"


def _wait(response: httpx.Response) -> float | None:
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() and len(seconds) < 6 else None
