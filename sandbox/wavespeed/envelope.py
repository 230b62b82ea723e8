"""WaveSpeed's envelope `{"code", "message", "data"}` and its keys, `Authorization: Bearer <key>`.

Keys that begin with `bad` are unknown, `empty` have no credit, and `limited` have the limits of the first level.
"""

import hashlib
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.exchange import Handler

_KEY = re.compile(r"Bearer (\S+)")


def success(data: Any) -> JSONResponse:
    """A good answer."""
    return JSONResponse({"code": 200, "message": "success", "data": data})


def problem(status: int, message: str, *, code: int | None = None) -> JSONResponse:
    """A bad answer; its code is the HTTP status unless the documents have a finer one."""
    return JSONResponse({"code": code or status, "message": message}, status)


def with_key(handle: Handler) -> Handler:
    """The handler behind a check of the key; of it `request.state` keeps a digest and the kind of account."""

    async def checked(request: Request) -> Response:
        found = _KEY.fullmatch(request.headers.get("authorization", ""))
        if found is None or found[1].startswith("bad"):
            return problem(401, "Unauthorized")
        request.state.key_id = hashlib.sha256(found[1].encode()).hexdigest()[:8]
        request.state.account = next((kind for kind in ("empty", "limited") if found[1].startswith(kind)), "")
        return await handle(request)

    return checked
