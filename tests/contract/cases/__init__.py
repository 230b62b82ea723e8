"""What the contract suite knows of a gateway: data only, one module a gateway, found by its name.

A new gateway is one more module here with a `CASE`, its canonical bodies in `fixtures/<name>/`, and nothing else.
"""

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx

from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Provider, SceneRequest
from prefect_storyboard.storyboards import Job, Model

FIXTURES = Path(__file__).parent.parent / "fixtures"
Call = Literal["upload", "submit", "status", "result", "cancel", "find", "offered", "price", "balance"]


class Reply(NamedTuple):
    """One answer of the gateway. `body` is a document, raw bytes, or the name of a canonical fixture."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class ExpectedOrder:
    """A request of ours, and the canonical body that it has to become.

    `ours` are fields that we send besides, `theirs` fields of the fixture that we leave to the gateway's default or
    that are part of its example only; each is a decision, and stands here to be seen. `body` is that of a mode
    which the contract describes and no fixture prints.
    """

    fixture: str = ""
    request: CharacterRequest | SceneRequest
    endpoint: str
    body: Mapping[str, Any] | None = None
    part: str | None = None  # the key under which a `.requests` fixture holds the body; or its place, as text
    ours: Mapping[str, Any] = field(default_factory=dict)
    theirs: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Replies to one call, and what it has to give: a value, or the fields of a model that matter."""

    call: Call
    replies: Sequence[Reply]
    gives: Any
    job: Job | None = None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Replies to one call, and the error that it has to raise, with its three answers."""

    call: Call
    replies: Sequence[Reply]
    error: type[ProviderError]
    sent: bool | None = True
    charged: bool | None = False
    facts: Mapping[str, Any] = field(
        default_factory=dict
    )  # further fields of the error: field, retry_after, resubmittable
    remedy: str = ""  # words that the remedy must hold
    job: Job | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One gateway on the wire. `secret` must never show up in an error; `hosts` are those that may get the key."""

    name: str
    connect: Callable[[httpx.AsyncClient], Provider]
    secret: str
    hosts: frozenset[str]
    order: Order
    accepted: Reply
    job: Job
    orders: Sequence[ExpectedOrder]
    answers: Sequence[Answer]
    troubles: Sequence[Trouble]
    served: Mapping[str, Model] = field(default_factory=dict)  # models of an account beside those of the table
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # fixture -> the test that uses it, or why none can


def canonical(gateway: str, name: str) -> Any:
    """The contract's body of that name, as a document."""
    return json.loads((FIXTURES / gateway / f"{name}.json").read_text(encoding="utf-8"))


def every_case() -> list[Case]:
    """One for each module of this package."""
    found = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return [module.CASE for module in found]
