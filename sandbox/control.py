"""The control API under `/sandbox`: the requests, the bills, and the active faults."""

import json
from collections.abc import Mapping
from functools import partial

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_storyboard.sandbox import meter
from prefect_storyboard.sandbox.exchange import Sandbox, Settle
from prefect_storyboard.sandbox.faults import RULES, FaultTable, check

VERSION = 1


def routes(sandbox: Sandbox, settle: Settle, fault_tables: Mapping[str, FaultTable]) -> list[Route]:
    """The routes of the control API; they need no key and are not logged."""
    return [
        Route("/sandbox/health", partial(_health, sandbox)),
        Route("/sandbox/meter", partial(_meter, sandbox, settle)),
        Route("/sandbox/jobs", partial(_jobs, sandbox, settle)),
        Route("/sandbox/requests", partial(_requests, sandbox)),
        Route("/sandbox/faults", partial(_faults, sandbox, fault_tables), methods=["GET", "POST", "DELETE"]),
    ]


async def _health(sandbox: Sandbox, _: Request) -> Response:
    return JSONResponse({"sandbox": "prefect-storyboard", "state": str(sandbox.state.folder), "version": VERSION})


async def _meter(sandbox: Sandbox, settle: Settle, _: Request) -> Response:
    return JSONResponse(await meter.read(sandbox, settle))


async def _jobs(sandbox: Sandbox, settle: Settle, request: Request) -> Response:
    """Every accepted job, oldest first: what was received for it and what was billed.

    `gateway` and `prompt` narrow the answer as they do in a rule's `match`.
    """
    asked = request.query_params
    rows = sandbox.state.sql("select job_id, document from received")
    received = {job_id: json.loads(text) for job_id, text in rows}
    jobs = [
        await meter.job_report(sandbox, settle, job)
        for job in sandbox.state.jobs()
        if asked.get("gateway") in {None, job.gateway} and asked.get("prompt", "").lower() in job.prompt.lower()
    ]
    return JSONResponse([{**job, "received": received.get(job["id"])} for job in jobs])


async def _requests(sandbox: Sandbox, request: Request) -> Response:
    """The last `limit` calls, oldest first, of one `route` or of all."""
    route, limit = request.query_params.get("route"), request.query_params.get("limit", "10000")
    sql = "select seq, route, document, status from requests where ? is null or route = ? order by seq desc limit ?"
    rows = sandbox.state.sql(sql, route, route, int(limit) if limit.isdigit() else 0)
    return JSONResponse(
        [{"seq": seq, "route": kind, **json.loads(text), "status": status} for seq, kind, text, status in rows[::-1]]
    )


async def _faults(sandbox: Sandbox, fault_tables: Mapping[str, FaultTable], request: Request) -> Response:
    if request.method == "DELETE":
        sandbox.faults.clear()
    elif request.method == "POST":
        refusal = await _post(sandbox, fault_tables, request)
        if refusal:
            return JSONResponse({"error": refusal}, 422)
    return JSONResponse(sandbox.faults.report())


async def _post(sandbox: Sandbox, fault_tables: Mapping[str, FaultTable], request: Request) -> str | None:
    """Put the posted rules in force, all or none; the answer says what is wrong with them."""
    try:
        document = json.loads(await request.body())
        rules = RULES.validate_python(document if isinstance(document, list) else [document])
    except (ValueError, ValidationError) as error:
        return str(error)
    refusal = check(rules, fault_tables)
    if refusal is None:
        sandbox.faults.post(rules)
    return refusal
