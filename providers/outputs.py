"""The outputs that the gateways document, read from fields.toml, and which of them are stored with the take."""

from functools import cache
from typing import NamedTuple

from pydantic import JsonValue

from prefect_storyboard.providers.gateways import table
from prefect_storyboard.providers.json_values import link
from prefect_storyboard.storyboards import Frozen
from prefect_storyboard.storyboards.outcomes import JsonObject


class Output(Frozen):
    """One output of a gateway. A list on its path counts as its first item.

    `kept` is `files.<kind>` or `facts.<name>` of a Result, or says where else the output is used.
    """

    path: str
    kept: str
    means: str
    page: str


class Kept(NamedTuple):
    """What is stored with a take: links to small files by kind, and values by name."""

    files: dict[str, str]
    facts: JsonObject


@cache
def outputs(provider: str) -> tuple[Output, ...]:
    """All outputs of a gateway; empty for an unknown gateway."""
    found = table(provider, "fields.toml")
    return tuple(
        Output(path=path, **{**facts, "page": found["pages"][facts["page"]]})
        for path, facts in found.get("outputs", {}).get(provider, {}).items()
    )


def keep_outputs(provider: str, answer: JsonObject) -> Kept:
    """The files and facts in a response. A fact is never a link: links carry signatures, and expire."""
    found = Kept({}, {})
    for each in outputs(provider):
        place, _, name = each.kept.partition(".")
        value = _at(answer, each.path)
        if place == "files" and (url := link(_first(value))):
            found.files.setdefault(name, url)
        elif place == "facts" and _is_fact(value):
            found.facts.setdefault(name, value)
    return found


def _at(value: JsonValue, path: str) -> JsonValue:
    for key in path.split("."):
        value = _first(value)
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _first(value: JsonValue) -> JsonValue:
    return next(iter(value), None) if isinstance(value, list) else value


def _is_fact(value: JsonValue) -> bool:
    """Whether it is a non-empty scalar, or a list of such."""
    if isinstance(value, list):
        return bool(value) and all(not isinstance(each, list) and _is_fact(each) for each in value)
    return value is not None and value != "" and not isinstance(value, dict) and "://" not in str(value)
