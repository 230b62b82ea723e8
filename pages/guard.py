"""Which requests are allowed: those with the token, from our own page, for our own host name.

Any web page that a user visits can send requests to the loopback of this machine. It cannot guess the token; its POST
has its own `Origin`; and if its domain name points to 127.0.0.1 (DNS rebinding), that name is in `Host`.
"""

import hmac
from http import HTTPStatus

from prefect_storyboard.serving.asgi import Answer, Scope, headers_of

_NAMES = ("127.0.0.1", "localhost")
_SAFE = {"GET", "HEAD"}
NOT_FOUND = Answer(HTTPStatus.NOT_FOUND, "there is no such page; open the address that storyboard page has printed")
_OTHER_HOST = Answer(
    HTTPStatus.MISDIRECTED_REQUEST,
    "this is not the address of the page; behind a tunnel, forward the same port as here",
)
_FOREIGN = Answer(HTTPStatus.FORBIDDEN, "the request comes from another page; nothing was changed")
_METHOD = Answer(HTTPStatus.METHOD_NOT_ALLOWED, "only GET, HEAD and POST are allowed")
_NOT_JSON = Answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body has to be application/json; nothing was changed")


def refused(scope: Scope, token: str) -> Answer | None:
    """The refusal of a request; None if it is allowed."""
    headers, method = headers_of(scope), scope["method"]
    port = scope["server"][1]
    hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name.lower() == b"host"]
    if len(hosts) != 1 or hosts[0] not in {f"{name}:{port}" for name in _NAMES}:
        return _OTHER_HOST
    if not hmac.compare_digest(scope["path"].removeprefix("/").partition("/")[0].encode(), token.encode()):
        return NOT_FOUND
    if method not in {*_SAFE, "POST"}:
        return _METHOD
    origin = headers.get("origin")
    if origin != f"http://{hosts[0]}" and (origin is not None or method == "POST"):
        return _FOREIGN
    if method == "POST":
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _FOREIGN
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _NOT_JSON
    return None
