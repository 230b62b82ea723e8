"""Faults on demand: rules that a test or a person posts, and the replies of a network that misbehaves.

A rule matches calls by route, endpoint and prompt, skips the first `after` of them, then fires for `times` calls (null:
for ever) with its `probability`. The first rule that fires decides; draws depend on nothing but the rule's seed and its
place in the list, so a run can be repeated. What a gateway says in its own words is in that gateway's module.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import Field, JsonValue, TypeAdapter
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from prefect_storyboard.sandbox.state import Document, State

Route = Literal["submit", "status", "result", "cancel", "upload", "download", "platform"]
NETWORK: Mapping[str, str] = {
    "drop_before": "close the connection; the request is not accepted",
    "drop_after": "accept the request, then close the connection without a reply",
    "slow": "accept the request, then reply after `seconds`",
    "slow_before": "wait `seconds`, then accept the request and reply",
    "nginx_502": "an ingress page with no request id; with `accept` the request has been accepted",
    "nginx_503": "likewise",
    "nginx_504": "likewise",
    "malformed_json": "accept the request, cut its reply in half",
    "extra_fields": "accept the request, add fields that nobody knows to its reply",
    "truncated": "a download that ends half way, with the full Content-Length",
    "output_missing": "a download that answers 404",
}
_DOWNLOADS = {"truncated", "output_missing"}


class Match(Document):
    """Which calls a rule is about; what is left out matches everything. Texts match as substrings, in any case."""

    gateway: str | None = None
    route: Route | None = None
    endpoint: str = ""
    prompt: str = ""


class Rule(Document):
    """One rule, as posted to `/sandbox/faults`."""

    match: Match = Match()
    fault: str
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0, le=1)
    after: int = Field(default=0, ge=0)
    seed: int = 0
    accept: bool = False
    seconds: float = Field(default=1.0, ge=0)
    status: int | None = None
    error_type: str | None = None
    retry_after: float | None = None
    needs_retry: bool = True


@dataclass(frozen=True)
class Subject:
    """What a call is about, as far as a rule may ask."""

    gateway: str
    route: Route
    endpoint: str = ""
    prompt: str = ""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How one gateway words its faults.

    `replies` answer in the gateway's place, `changes` alter its JSON, and `inside` are carried out by its handlers;
    each name maps to the routes on which it makes sense.
    """

    replies: Mapping[str, Callable[[Rule], Response]]
    changes: Mapping[str, Callable[[dict[str, JsonValue]], None]]
    routes: Mapping[str, frozenset[str]] = field(default_factory=dict)


def allowed(rule: Rule, route: str, voice: Voice) -> bool:
    """Whether the rule's fault exists for this gateway and makes sense on this route."""
    if rule.fault in NETWORK:
        return (rule.fault not in _DOWNLOADS) or route == "download"
    return route in voice.routes.get(rule.fault, frozenset())


def check(rules: Iterable[Rule], voices: Mapping[str, Voice]) -> str | None:
    """What is wrong with the rules in one sentence, or None."""
    for rule in rules:
        asked = {name: voice for name, voice in voices.items() if rule.match.gateway in (None, name)}
        routes = [rule.match.route] if rule.match.route else list(get_args(Route))
        if not any(allowed(rule, route, voice) for voice in asked.values() for route in routes):
            known = sorted({*NETWORK, *(name for voice in voices.values() for name in voice.routes)})
            return f"No fault {rule.fault!r} for {rule.match.model_dump()}; known faults: {', '.join(known)}"
    return None


class Faults:
    """The rules in force, kept in the state with the number of calls that each has seen and spoiled."""

    def __init__(self, state: State) -> None:
        self._state = state

    def post(self, rules: Iterable[Rule]) -> None:
        """Put rules behind those in force."""
        for rule in rules:
            self._state.sql("insert into rules(document, seen, fired) values(?, 0, 0)", rule.model_dump_json())

    def start_with(self, rules: list[Rule]) -> None:
        """Put these rules in force; if they are in force already, a restart does not reset their counts."""
        if [rule for _, rule, _, _ in self._rows()] != rules:
            self.clear()
            self.post(rules)

    def clear(self) -> None:
        """Behave again."""
        self._state.sql("delete from rules")

    def report(self) -> list[dict[str, Any]]:
        """The rules with their counts."""
        return [{**rule.model_dump(), "seen": seen, "fired": fired} for _, rule, seen, fired in self._rows()]

    def draw(self, subject: Subject, voice: Voice) -> Rule | None:
        """The rule that spoils this call, if any; counts it."""
        for place, (position, rule, seen, fired) in enumerate(self._rows()):
            if not (_matches(rule.match, subject) and allowed(rule, subject.route, voice)):
                continue
            # Not random.random(): a restarted sandbox must go on with the same draws.
            lucky = random.Random(f"{rule.seed}:{place}:{seen}").random() < rule.probability  # noqa: S311
            fires = seen >= rule.after and (rule.times is None or fired < rule.times) and lucky
            self._state.sql(
                "update rules set seen = ?, fired = ? where position = ?", seen + 1, fired + fires, position
            )
            if fires:
                return rule
        return None

    def _rows(self) -> list[tuple[int, Rule, int, int]]:
        rows = self._state.sql("select position, document, seen, fired from rules order by position")
        return [(position, Rule.model_validate_json(text), seen, fired) for position, text, seen, fired in rows]


RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


def _matches(match: Match, subject: Subject) -> bool:
    return (
        match.gateway in (None, subject.gateway)
        and match.route in (None, subject.route)
        and match.endpoint.lower() in subject.endpoint.lower()
        and match.prompt.lower() in subject.prompt.lower()
    )


async def misbehave(rule: Rule, voice: Voice, request: Request, handle: Callable[[], Awaitable[Response]]) -> Response:
    """Answer a call as the rule says. `handle` accepts the request and gives the honest reply."""
    fault = rule.fault
    if fault == "drop_before":
        await request.body()
        return HangUp()
    if fault in voice.replies or fault.startswith("nginx_") or fault == "output_missing":
        if rule.accept:
            await handle()
        return voice.replies[fault](rule) if fault in voice.replies else _page(fault)
    if fault == "slow_before":
        await _dawdle(request, rule.seconds)
    reply = await handle()
    if fault == "slow":
        await _dawdle(request, rule.seconds)
    return _spoilt(fault, voice, reply)


async def _dawdle(request: Request, seconds: float) -> None:
    """Wait, but not beyond the end of the server."""
    with suppress(TimeoutError):
        await asyncio.wait_for(request.app.state.stopping.wait(), seconds)


def _page(fault: str) -> Response:
    if fault == "output_missing":
        return PlainTextResponse("Not Found", 404)
    status = int(fault.removeprefix("nginx_"))
    title = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}[status]
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return Response(page + "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", status, media_type="text/html")


def _spoilt(fault: str, voice: Voice, reply: Response) -> Response:
    if fault == "drop_after":
        return HangUp()
    if fault == "truncated" and isinstance(reply, FileResponse):
        return Truncated(reply)
    if not isinstance(reply, JSONResponse):
        return reply
    body = json.loads(bytes(reply.body))
    if fault == "malformed_json":
        text = bytes(reply.body)
        return Response(text[: len(text) // 2], reply.status_code, media_type="application/json")
    if isinstance(body, dict) and fault == "extra_fields":
        body |= {"x_new_field": {"since": "tomorrow"}, "warnings": []}
    elif isinstance(body, dict) and fault in voice.changes:
        voice.changes[fault](body)
    headers = {name: value for name, value in reply.headers.items() if name.lower() != "content-length"}
    return JSONResponse(body, reply.status_code, headers)


class HangUp(Response):
    """No reply at all: the connection is closed under the client's feet."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Abort the transport and wait until the server has noticed, else it would answer 500 for us."""
        scope["state"]["transport"].abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class Truncated(Response):
    """Half of a file under the headers of the whole."""

    def __init__(self, whole: FileResponse) -> None:
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and half the bytes, then close the connection."""
        with open(self._whole.path, "rb") as file:  # noqa: ASYNC230, PTH123 - a few hundred kB from the page cache
            data = file.read()
        headers = [(b"content-length", str(len(data)).encode()), (b"content-type", b"video/mp4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data[: len(data) // 2], "more_body": True})
        scope["state"]["transport"].close()
        while (await receive())["type"] != "http.disconnect":
            pass
