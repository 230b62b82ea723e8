"""ToAPIs' balances and its list of models."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.exchange import Router, Sandbox, fault_inside
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.toapis.auth import with_key
from prefect_storyboard.sandbox.toapis.jobs import settle
from prefect_storyboard.sandbox.toapis.models import MODELS

_USD = 100.0  # what a key and the account have at first


def routes(router: Router) -> Sequence[BaseRoute]:
    """Two balances under two names each, and the models."""
    box = router.sandbox
    balances = {"balance": _of_key, "user/balance": _of_account}
    return [
        router.route(f"/toapis/{path}", "platform", with_key(box, partial(handle, box)))
        for name, handle in balances.items()
        for path in (f"v1/{name}", name)
    ] + [router.route("/toapis/v1/models", "platform", with_key(box, _models))]


async def _of_key(sandbox: Sandbox, request: Request) -> Response:
    return _balance(request, await _spent(sandbox, request.state.key_id))


async def _of_account(sandbox: Sandbox, request: Request) -> Response:
    return _balance(request, await _spent(sandbox))


async def _spent(sandbox: Sandbox, key_id: str | None = None) -> float:
    """What has been billed to one key, or to all."""
    usd, now = 0.0, sandbox.clock()
    for job in sandbox.state.jobs():
        if job.gateway == "toapis" and key_id in {None, job.key_id} and job.phase(now) == "COMPLETED":
            ended = await settle(sandbox, job)
            usd += (ended.outcome.usd or 0.0) if ended.outcome and is_billed(ended) else 0.0
    return round(usd, 4)


def _balance(request: Request, spent: float) -> Response:
    left = 0.0 if request.state.empty else round(_USD - spent, 4)
    return JSONResponse({"success": True, "remain_balance": left, "used_balance": spent, "unlimited_quota": False})


async def _models(request: Request) -> Response:
    """A rule that retires models takes those off the list whose name it matches."""
    rule = fault_inside(request, "retired")
    names = [name for name in MODELS if rule is None or rule.match.endpoint.lower() not in name.lower()]
    models: list[dict[str, Any]] = [
        {"id": name, "object": "model", "created": 1_765_000_000, "owned_by": "toapis"} for name in names
    ]
    return JSONResponse({"object": "list", "data": models})
