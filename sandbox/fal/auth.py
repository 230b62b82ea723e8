"""fal's keys: `Authorization: Key <id>:<secret>`.

Any well-formed key opens the sandbox, except that the id `bad` is unknown, `empty` has no balance (403 at submit), and
ids that begin with `plain` are not admin keys.
"""

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.exchange import Handler

LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
UNKNOWN = "No user found for Key ID and Secret"
_KEY = re.compile(r"Key ([^\s:]+):(\S+)")


def _detail(message: str) -> Response:
    return JSONResponse({"detail": message}, 401)


def with_key(handle: Handler, say: Callable[[str], Response] = _detail) -> Handler:
    """The handler behind a check of the key; the key's id is left in `request.state.key_id`."""

    async def checked(request: Request) -> Response:
        header = request.headers.get("authorization")
        refusal = _refusal(header)
        if refusal or header is None:
            return say(refusal or "")
        request.state.key_id = header.removeprefix("Key ").split(":")[0]
        return await handle(request)

    return checked


def with_platform_key(handle: Handler) -> Handler:
    """The same for the Platform API, whose errors look different."""
    return with_key(handle, lambda message: problem(401, "authorization_error", message))


def admin(handle: Handler) -> Handler:
    """The Platform API's handler for admin keys only."""

    async def checked(request: Request) -> Response:
        if request.state.key_id.startswith("plain"):
            return problem(403, "authorization_error", "This endpoint needs an admin key")
        return await handle(request)

    return with_platform_key(checked)


def problem(status: int, kind: str, message: str) -> JSONResponse:
    """An error in the Platform API's shape."""
    return JSONResponse({"error": {"type": kind, "message": message}}, status)


def _refusal(header: str | None) -> str | None:
    if not header:
        return "Authorization header is required"
    found = _KEY.fullmatch(header)
    if not found:
        return "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."
    return UNKNOWN if found[1] == "bad" else None
