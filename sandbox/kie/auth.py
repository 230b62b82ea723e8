"""Kie's keys (`Authorization: Bearer <key>`, on both hosts) and the envelope that every answer comes in.

Any key opens the sandbox, except that `bad…` is unknown (401), `empty…` has no credits (402 at createTask),
`credits-<n>…` starts with n of them, and `limited…` may create 20 tasks in 10 seconds. A refusal is
sent under HTTP 200 with its status as the envelope's `code`. The fault `real_status` sets the HTTP status as well.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.exchange import Handler, Sandbox, fault_inside

_PLENTY = 1_000_000.0
_CREDITS = re.compile(r"credits-(\d+(?:\.\d+)?)")
_BEARER = re.compile(r"Bearer (\S+)")
NO_ACCESS: Mapping[str, Any] = {"code": 401, "msg": "You do not have access permissions"}
BAD_KEY: Mapping[str, Any] = {"success": False, "code": 401, "msg": "Authentication failed: Invalid API Key"}
Handle = Callable[[Sandbox, Request], Awaitable[Response]]


@dataclass(frozen=True)
class Account:
    """What a key's own text says about it."""

    credits: float
    limited: bool


def answer(request: Request, body: Mapping[str, Any]) -> JSONResponse:
    """An envelope, under HTTP 200 unless a fault asks for its code as the HTTP status."""
    return JSONResponse(dict(body), body["code"] if fault_inside(request, "real_status") else 200)


def says(request: Request, code: int, message: str, data: Any = None) -> JSONResponse:
    """An answer of the API host."""
    return answer(request, {"code": code, "msg": message, "data": data})


def success(request: Request, data: Any) -> JSONResponse:
    """The answer that all is well."""
    return says(request, 200, "success", data)


def with_key(handle: Handle, sandbox: Sandbox, refusal: Mapping[str, Any] = NO_ACCESS) -> Handler:
    """The handler behind a check of the key; leaves `key_id` and `account` in the request's state.

    The upload host has a `refusal` of its own.
    """

    async def checked(request: Request) -> Response:
        found = _BEARER.fullmatch(request.headers.get("authorization", ""))
        if found is None or found[1].startswith("bad"):
            return answer(request, refusal)
        request.state.key_id = hashlib.sha256(found[1].encode()).hexdigest()[:8]
        request.state.account = _account(found[1])
        return await handle(sandbox, request)

    return checked


def _account(key: str) -> Account:
    given = _CREDITS.match(key)
    credit = float(given[1]) if given else 0.0 if key.startswith("empty") else _PLENTY
    return Account(credit, key.startswith("limited"))
