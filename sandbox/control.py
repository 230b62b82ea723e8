"""The control API under `/sandbox`: what was asked for, what was billed, and which faults are in force."""

import json
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_storyboard.sandbox import meter
from prefect_storyboard.sandbox.exchange import Sandbox, Settle
from prefect_storyboard.sandbox.faults import RULES, Voice, check


def routes(sandbox: Sandbox, settle: Settle, voices: Mapping[str, Voice]) -> list[Route]:
    """The routes of the control API; they need no key and are not logged."""

    async def health(_: Request) -> Response:
        return JSONResponse({"sandbox": "prefect-storyboard", "state": str(sandbox.state.folder), "version": 1})

    async def read_meter(_: Request) -> Response:
        return JSONResponse(await meter.read(sandbox, settle))

    async def requests(request: Request) -> Response:
        limit = int(request.query_params.get("limit", 10_000))
        route = request.query_params.get("route")
        sql = "select seq, route, document, status from requests where ? is null or route = ? order by seq desc limit ?"
        rows = sandbox.state.sql(sql, route, route, limit)
        return JSONResponse(
            [
                {"seq": seq, "route": kind, **json.loads(text), "status": status}
                for seq, kind, text, status in rows[::-1]
            ]
        )

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            sandbox.faults.clear()
        elif request.method == "POST":
            refusal = await _post(sandbox, voices, request)
            if refusal:
                return JSONResponse({"error": refusal}, 422)
        return JSONResponse(sandbox.faults.report())

    return [
        Route("/sandbox/health", health),
        Route("/sandbox/meter", read_meter),
        Route("/sandbox/requests", requests),
        Route("/sandbox/faults", faults, methods=["GET", "POST", "DELETE"]),
    ]


async def _post(sandbox: Sandbox, voices: Mapping[str, Voice], request: Request) -> str | None:
    """Put the posted rules in force, all or none; the answer says what is wrong with them."""
    try:
        document = json.loads(await request.body())
        rules = RULES.validate_python(document if isinstance(document, list) else [document])
    except (ValueError, ValidationError) as error:
        return str(error)
    refusal = check(rules, voices)
    if refusal is None:
        sandbox.faults.post(rules)
    return refusal
