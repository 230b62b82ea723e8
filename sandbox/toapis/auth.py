"""ToAPIs' keys, `Authorization: Bearer sk-…`, and its limiter.

Any such key opens the sandbox, and all of them belong to one account, except that keys which begin with `sk-bad` are
unknown, those with `sk-empty` have no money (402 at submit), and those with `sk-limited` feel the first level's limits.
"""

import hashlib
import math
import re
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from prefect_storyboard.sandbox.exchange import Handler, Sandbox
from prefect_storyboard.sandbox.toapis.errors import ERRORS, Refused, error, named

Bucket = Literal["async_submit", "async_query"]
_KEY = re.compile(r"Bearer sk-(\S+)")
_WINDOW = 10  # seconds; the limits per minute are six times those below
_PER_WINDOW = {"async_submit": 50, "async_query": 500}


def with_key(sandbox: Sandbox, handle: Handler, bucket: Bucket | None = None) -> Handler:
    """Wrap a handler in the checks of key and rate limit; every refusal has ToAPIs' error form."""

    async def checked(request: Request) -> Response:
        found = _KEY.fullmatch(request.headers.get("authorization", ""))
        if found is None or found[1].startswith("bad"):
            return error(401)
        request.state.key_id = hashlib.sha256(f"sk-{found[1]}".encode()).hexdigest()[:8]
        request.state.empty = found[1].startswith("empty")
        if bucket is None or not found[1].startswith("limited"):
            return await _answer(request, handle)
        return await _limited(sandbox, request, handle, bucket)

    return checked


async def _answer(request: Request, handle: Handler) -> Response:
    try:
        return await handle(request)
    except Refused as refused:
        return refused.reply()


async def _limited(sandbox: Sandbox, request: Request, handle: Handler, bucket: Bucket) -> Response:
    """Calls are counted whether they succeed or not, refusals by the limiter itself are not."""
    now, limit = sandbox.clock(), _PER_WINDOW[bucket]
    # The limits are the account's, so the key is no part of the counter's name.
    counter, end = f"toapis {bucket} {int(now // _WINDOW)}", (now // _WINDOW + 1) * _WINDOW
    if sandbox.state.counter(counter) >= limit:
        reply: Response = named(429, ERRORS[429].name, ERRORS[429].en)
        reply.headers["Retry-After"] = str(math.ceil(end - now))
    else:
        sandbox.state.count(counter)
        reply = await _answer(request, handle)
    reply.headers["X-RateLimit-Limit"] = str(limit)
    reply.headers["X-RateLimit-Remaining"] = str(limit - sandbox.state.counter(counter))
    reply.headers["X-RateLimit-Reset"] = str(int(end))
    reply.headers["X-RateLimit-Category"] = bucket
    return reply
