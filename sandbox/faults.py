"""Faults on demand: the rules that a test or a person posts.

A rule matches calls by route, endpoint and prompt, skips the first `after` of them, then fires for `times` calls (null:
for ever) with its `probability`. The first rule that fires decides; draws depend on nothing but the rule's seed and its
place in the list, so a run can be repeated. `network` has the replies of a network that fails, each gateway's `faults`
module what fails in its own form.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from pydantic import Field, JsonValue, TypeAdapter, model_validator
from starlette.responses import Response

from prefect_storyboard.sandbox.documents import Document
from prefect_storyboard.sandbox.looks import LOOKS
from prefect_storyboard.sandbox.state import State

Route = Literal["submit", "status", "result", "cancel", "upload", "download", "platform"]
NETWORK: Mapping[str, str] = {
    "drop_before": "close the connection; the request is not accepted",
    "drop_after": "accept the request, then close the connection without a reply",
    "slow": "accept the request, then reply after `seconds`",
    "slow_before": "wait `seconds`, then accept the request and reply",
    "stalled": "accept the request and never reply",
    "stalled_before": "never reply; the request is not accepted",
    "stalled_body": "accept the request, send half of the reply and nothing more",
    "nginx_502": "an ingress page with no request id; with `accept` the request has been accepted",
    "nginx_503": "likewise",
    "nginx_504": "likewise",
    "nginx_4xx": "an ingress page with the rule's `status`",
    "refused_4xx": "a refusal with the rule's `status`, in the gateway's form",
    "wall_403": "a wall in front of the gateway refuses: 403, `error code: 1010`",
    "untyped_5xx": "accept the request, reply `status` (500) with no type, under the headers of the honest reply",
    "error_names_task": "accept the submit, reply `status` (500) with a body that names the task",
    "malformed_json": "accept the request, cut its reply in half",
    "torn": "accept the request, close the connection in the middle of the reply",
    "html_200": "accept the request, reply 200 with an HTML page",
    "empty_200": "accept the request, reply 200 without a body",
    "extra_fields": "accept the request, add unknown fields to its reply",
    "wrong_date": "reply under a Date header that is `seconds` off",
    "no_date": "reply without a Date header",
    "truncated": "a download that ends half way, with the full Content-Length",
    "output_missing": "a download that answers 404",
    "render_as": "accept the request, and render the clip with the look that `word` names",
}
_ONLY_ON = {"truncated": "download", "output_missing": "download", "error_names_task": "submit", "render_as": "submit"}
_NEEDS_4XX = {"refused_4xx", "nginx_4xx"}


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
    seconds: float = 1.0
    status: int | None = None
    code: JsonValue = None
    error_type: str | None = None
    message: str | None = None
    word: str | None = None
    field: str | None = None
    retry_after: float | None = None
    retry_after_as: Literal["seconds", "date"] = "seconds"
    needs_retry: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.fault in _NEEDS_4XX and not 400 <= (self.status or 0) < 500:
            raise ValueError(f"{self.fault} needs a status from 400 to 499")
        if self.fault == "end_word" and not self.word:
            raise ValueError("end_word needs the word")
        if self.fault == "render_as" and self.word not in LOOKS:
            raise ValueError(f"render_as needs a word, one of {', '.join(LOOKS)}; found {self.word!r}")
        if self.fault != "wrong_date" and self.seconds < 0:
            raise ValueError("seconds must not be negative")
        return self


@dataclass(frozen=True)
class Subject:
    """What a call is about, as far as a rule may ask."""

    gateway: str
    route: Route
    endpoint: str = ""
    prompt: str = ""


@dataclass(frozen=True, kw_only=True)
class FaultTable:
    """One gateway's faults and the form of its errors.

    `replies` answer in the gateway's place, `changes` alter its JSON in place; faults that are in neither are carried
    out by its handlers. `routes` says where each makes sense. `error` is a refusal in the gateway's form, `names_task`
    the body of a server error that names the task of the honest reply.
    """

    replies: Mapping[str, Callable[[Rule], Response]]
    changes: Mapping[str, Callable[[Rule, Any], None]]
    error: Callable[[int, str], Response]
    names_task: Callable[[Any], Any]
    routes: Mapping[str, frozenset[str]] = field(default_factory=dict)


def ignoring_rule(change: Callable[[Any], None]) -> Callable[[Rule, Any], None]:
    """A change that needs nothing but the body."""
    return lambda _, body: change(body)


def allowed(rule: Rule, route: str, fault_table: FaultTable) -> bool:
    """Whether the rule's fault exists for this gateway and makes sense on this route."""
    if rule.fault in NETWORK:
        return _ONLY_ON.get(rule.fault, route) == route
    return route in fault_table.routes.get(rule.fault, frozenset())


def check(rules: Iterable[Rule], fault_tables: Mapping[str, FaultTable]) -> str | None:
    """What is wrong with the rules in one sentence, or None."""
    for rule in rules:
        asked = {name: fault_table for name, fault_table in fault_tables.items() if rule.match.gateway in (None, name)}
        routes = [rule.match.route] if rule.match.route else list(get_args(Route))
        if not any(allowed(rule, route, fault_table) for fault_table in asked.values() for route in routes):
            known = sorted({*NETWORK, *(name for fault_table in fault_tables.values() for name in fault_table.routes)})
            return f"No fault {rule.fault!r} for {rule.match.model_dump()}; known faults: {', '.join(known)}"
    return None


class Faults:
    """The active rules, stored in the state with how many calls each has matched and changed."""

    def __init__(self, state: State) -> None:
        self._state = state

    def post(self, rules: Iterable[Rule]) -> None:
        """Append rules to the active ones."""
        for rule in rules:
            self._state.sql("insert into rules(document, seen, fired) values(?, 0, 0)", rule.model_dump_json())

    def start_with(self, rules: list[Rule]) -> None:
        """Activate these rules; if they are active already, a restart does not reset their counts."""
        if [rule for _, rule, _, _ in self._rows()] != rules:
            self.clear()
            self.post(rules)

    def clear(self) -> None:
        """Remove all rules."""
        self._state.sql("delete from rules")

    def report(self) -> list[dict[str, Any]]:
        """The rules with their counts."""
        return [{**rule.model_dump(), "seen": seen, "fired": fired} for _, rule, seen, fired in self._rows()]

    def draw(self, subject: Subject, fault_table: FaultTable) -> Rule | None:
        """The rule that fires for this call, if any; counts the call."""
        for place, (position, rule, seen, fired) in enumerate(self._rows()):
            if not (_matches(rule.match, subject) and allowed(rule, subject.route, fault_table)):
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
