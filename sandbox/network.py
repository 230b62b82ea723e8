"""The replies of a network that fails: hung-up connections, pages of proxies, torn bodies, wrong clocks.

`apply_fault` answers one call under the rule that was drawn for it; what fails in a gateway's own form is in that
gateway's `faults` module.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from prefect_storyboard.sandbox.faults import FaultTable, Rule

Handle = Callable[[], Awaitable[Response]]
_TITLES = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
# Replies in the gateway's place: the request is accepted only if the rule says so.
_IN_PLACE = {"output_missing", "wall_403", "refused_4xx", "nginx_4xx", "nginx_502", "nginx_503", "nginx_504"}


async def apply_fault(rule: Rule, fault_table: FaultTable, request: Request, handle: Handle) -> Response:
    """Answer a call as the rule says. `handle` accepts the request and gives the honest reply."""
    reply = await _reply(rule, fault_table, request, handle)
    if rule.retry_after is not None:
        now = request.app.state.sandbox.clock()
        as_date = formatdate(now + rule.retry_after, usegmt=True)
        reply.headers["Retry-After"] = as_date if rule.retry_after_as == "date" else f"{rule.retry_after:g}"
    return reply


def with_date(headers: list[tuple[bytes, bytes]], now: float, rule: Rule | None) -> list[tuple[bytes, bytes]]:
    """The headers of a reply with the sandbox's `Date`, which a rule may shift or leave out."""
    fault = rule.fault if rule else ""
    if fault == "no_date":
        return headers
    shift = rule.seconds if rule and fault == "wrong_date" else 0.0
    return [*headers, (b"date", formatdate(now + shift, usegmt=True).encode())]


async def _reply(rule: Rule, fault_table: FaultTable, request: Request, handle: Handle) -> Response:
    fault = rule.fault
    if fault in {"drop_before", "stalled_before"}:
        await request.body()
        return await _stalled(request) if fault == "stalled_before" else HangUp()
    if fault in fault_table.replies or fault in _IN_PLACE:
        if rule.accept:
            await handle()
        return fault_table.replies[fault](rule) if fault in fault_table.replies else _in_place(rule, fault_table)
    if fault == "slow_before":
        await _wait(request, rule.seconds)
    reply = await handle()
    if fault == "slow":
        await _wait(request, rule.seconds)
    if fault in {"stalled", "drop_after"}:
        return await _stalled(request) if fault == "stalled" else HangUp()
    return _altered(rule, fault_table, request, reply)


async def _wait(request: Request, seconds: float) -> None:
    """Wait, but not beyond the end of the server."""
    with suppress(TimeoutError):
        await asyncio.wait_for(request.app.state.stopping.wait(), seconds)


async def _stalled(request: Request) -> Response:
    """Say nothing until the client gives up or the server stops."""
    await _until_gone(request)
    return HangUp()


async def _until_gone(request: Request) -> None:
    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    waits = [asyncio.ensure_future(each) for each in (disconnected(), request.app.state.stopping.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


def _in_place(rule: Rule, fault_table: FaultTable) -> Response:
    if rule.fault == "output_missing":
        return PlainTextResponse("Not Found", 404)
    if rule.fault == "wall_403":
        return PlainTextResponse("error code: 1010", 403, {"server": "cloudflare", "cf-ray": "8f0000000000-SANDBOX"})
    if rule.fault == "refused_4xx":
        assert rule.status is not None  # noqa: S101 - check() has checked
        return fault_table.error(rule.status, rule.message or _phrase(rule.status))
    status = rule.status if rule.fault == "nginx_4xx" and rule.status else int(rule.fault[-3:])
    return _page(status)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Refused"


def _page(status: int) -> Response:
    title = f"{status} {_TITLES.get(status) or _phrase(status)}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return Response(page + "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", status, media_type="text/html")


def _altered(rule: Rule, fault_table: FaultTable, request: Request, reply: Response) -> Response:
    fault = rule.fault
    if fault == "truncated" and isinstance(reply, FileResponse):
        with open(reply.path, "rb") as file:  # noqa: PTH123 - a few hundred kB from the page cache
            return Torn(Response(file.read(), media_type="video/mp4"))
    if not isinstance(reply, JSONResponse):
        return reply
    if fault in {"torn", "stalled_body"}:
        return Torn(reply, request if fault == "stalled_body" else None)
    if fault == "html_200":
        return _page(200)
    if fault == "empty_200":
        return Response(b"", 200, media_type="application/json")
    if fault == "malformed_json":
        text = bytes(reply.body)
        return Response(text[: len(text) // 2], reply.status_code, media_type="application/json")
    return _changed(rule, fault_table, reply)


def _changed(rule: Rule, fault_table: FaultTable, reply: JSONResponse) -> Response:
    """The reply with another body, and for some faults another status, under the headers of the honest one."""
    fault, body, status = rule.fault, json.loads(bytes(reply.body)), reply.status_code
    if fault == "untyped_5xx":
        body, status = {"detail": "Internal Server Error"}, rule.status or 500
    elif fault == "error_names_task" and status < 300:
        body, status = fault_table.names_task(body), rule.status or 500
    elif isinstance(body, dict) and fault == "extra_fields":
        body |= {"x_new_field": {"since": "tomorrow"}, "warnings": []}
    elif isinstance(body, dict) and fault in fault_table.changes:
        fault_table.changes[fault](rule, body)
    headers = {name: value for name, value in reply.headers.items() if name.lower() != "content-length"}
    return JSONResponse(body, status, headers)


class HangUp(Response):
    """No reply at all: the connection is closed under the client's feet."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Abort the transport and wait until the server has noticed, else it would answer 500 for us."""
        await _close(scope, receive, abort=True)


class Torn(Response):
    """The headers of the whole reply and half of its body; then the end, or silence for as long as `stalls` lives."""

    def __init__(self, whole: Response, stalls: Request | None = None) -> None:
        super().__init__(bytes(whole.body), whole.status_code, media_type=whole.media_type)
        self._stalls = stalls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and half the bytes, then close the connection."""
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        if self._stalls is not None:
            await _until_gone(self._stalls)
        await _close(scope, receive, abort=False)


async def _close(scope: Scope, receive: Receive, *, abort: bool) -> None:
    transport = scope["state"].get("transport")
    if transport is None:  # called in process, as tests do: there is no connection, but there is its error
        raise ConnectionResetError("the sandbox hung up")
    if abort:
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
