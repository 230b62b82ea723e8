"""The path of every call: the request log, the faults, and the context that the gateways share.

`Sandbox` is that context. Each gateway registers its handlers with `Router.route`, which draws a fault for every call.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prefect_storyboard.sandbox.documents import Clip, Document, Job, Picture
from prefect_storyboard.sandbox.faults import Faults, FaultTable, Route, Rule, Subject
from prefect_storyboard.sandbox.network import apply_fault, with_date
from prefect_storyboard.sandbox.pictures import draw
from prefect_storyboard.sandbox.render import render
from prefect_storyboard.sandbox.state import State

_SECRET = re.compile("auth|key|token|secret|cookie")
Handler = Callable[[Request], Awaitable[Response]]
Settle = Callable[[Job], Awaitable[Job]]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long jobs take, in seconds, and how large clips are (1 = as sold)."""

    queue_seconds: float = 0.3
    render_seconds: float = 1.5
    character_seconds: float = 0.5
    picture_seconds: float = 0.5
    clip_scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """The state, the clock and the render threads that all gateways share."""

    state: State
    faults: Faults
    clock: Callable[[], float]
    pace: Pace
    pool: ThreadPoolExecutor
    rendering: dict[str, asyncio.Future[Path]] = field(default_factory=dict)
    running: set[asyncio.Task[Any]] = field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Start background work that no reply waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def until(self, moment: float) -> None:
        """Wait for that time of the sandbox's own clock, which a test may move without notice."""
        while (left := moment - self.clock()) > 0:  # noqa: ASYNC110 - the clock may be a test's own
            await asyncio.sleep(min(max(left / 2, 0.005), 0.1))

    async def in_pool(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run blocking work (decoding, encoding) off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work, *args)

    async def clip(self, clip: Clip) -> Path:
        """The rendered file; two callers of the same clip share one rendering."""
        return await self._made(render, clip)

    async def picture(self, picture: Picture) -> Path:
        """The drawn file, likewise."""
        return await self._made(draw, picture)

    async def _made(self, make: Callable[[Any, Path, Path], Path], wanted: Document) -> Path:
        key = f"{make.__name__} {wanted.model_dump_json()}"
        if key not in self.rendering:
            work = asyncio.ensure_future(self.in_pool(make, wanted, self.state.clips, self.state.files))
            self.rendering[key] = work
            work.add_done_callback(lambda _: self.rendering.pop(key, None))
        return await asyncio.shield(self.rendering[key])


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """What a gateway module gives to the application: its routes, its faults, and how it runs a job that is due."""

    routes: Sequence[BaseRoute]
    fault_table: FaultTable
    settle: Settle


@dataclass(frozen=True, kw_only=True)
class Router:
    """One gateway's routes: its name, its faults, and the function that finds endpoint and prompt of a call."""

    name: str
    sandbox: Sandbox
    fault_table: FaultTable
    about: Callable[[Request], Awaitable[tuple[str, str]]]

    def route(self, path: str, kind: Route, handle: Handler, *, method: str = "GET") -> StarletteRoute:
        """A route whose calls are logged as `kind` and may be changed by a rule."""

        async def endpoint(request: Request) -> Response:
            request.state.route = kind
            target, prompt = await self.about(request)
            subject = Subject(gateway=self.name, route=kind, endpoint=target, prompt=prompt)
            rule = self.sandbox.faults.draw(subject, self.fault_table)
            request.state.rule = rule
            if rule is None:
                return await handle(request)
            return await apply_fault(rule, self.fault_table, request, lambda: handle(request))

        return StarletteRoute(path, endpoint, methods=[method])


def accept(sandbox: Sandbox, request: Request, job: Job) -> None:
    """Record an accepted submit, and the call as it was received, before its reply leaves."""
    if (rule := fault_inside(request, "render_as")) and rule.word:
        job = job.copy_with(options={**job.options, "look": rule.word})
    sandbox.state.add_job(job)
    received = {**request.state.received, "body": request.state.body}
    sandbox.state.sql("insert into received values(?, ?)", job.id, json.dumps(received))


def fault_inside(request: Request, *names: str) -> Rule | None:
    """The rule drawn for this call, if it is one that the handler itself must carry out."""
    rule: Rule | None = getattr(request.state, "rule", None)
    return rule if rule and rule.fault in names else None


def base_url(request: Request) -> str:
    """The address under which the caller sees the sandbox, without a slash at the end."""
    return f"{request.url.scheme}://{request.url.netloc}"


def json_or_none(data: bytes) -> Any:
    """The decoded document, or None for what is not JSON."""
    try:
        return json.loads(data)
    except ValueError:
        return None


class RequestLog:
    """Middleware that records each call as it arrives and its status as it leaves; never a header's value."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log every HTTP call except those to the control API."""
        if scope["type"] != "http" or scope["path"].startswith("/sandbox/"):
            await self._app(scope, receive, send)
            return
        seen: dict[str, Any] = {"status": None}

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                rule = scope["state"].get("rule")
                message = {**message, "headers": with_date(message["headers"], self._sandbox.clock(), rule)}
            await send(message)

        entry = _entry(scope, self._sandbox.clock())
        scope.setdefault("state", {})["received"] = {**entry, "headers": _public_headers(scope)}
        seq = self._insert(entry)
        try:
            await self._app(scope, receive, watch)
        finally:
            self._update(seq, entry, scope["state"], seen["status"])

    def _insert(self, entry: dict[str, Any]) -> int:
        sql = "insert into requests(route, document, status) values(?, ?, null) returning seq"
        return int(self._sandbox.state.sql(sql, "", json.dumps(entry))[0][0])

    def _update(self, seq: int, entry: dict[str, Any], state: dict[str, Any], status: int | None) -> None:
        rule = state.get("rule")
        document = {**entry, "fault": rule.fault if rule else None, "body": state.get("body")}
        sql = "update requests set route = ?, document = ?, status = ? where seq = ?"
        self._sandbox.state.sql(sql, state.get("route", ""), json.dumps(document), status, seq)


def _public_headers(scope: Scope) -> dict[str, str]:
    """The headers whose values hold no key."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return {name: value for name, value in headers.items() if not _SECRET.search(name)}


def _entry(scope: Scope, now: float) -> dict[str, Any]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    scheme = headers["authorization"].split(" ")[0] if "authorization" in headers else None
    return {
        "at": now,
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "headers": sorted(headers),
        # A key sent without a scheme would be its own first word.
        "auth": scheme if scheme in {None, "Key", "Bearer", "Basic"} else "other",
    }
