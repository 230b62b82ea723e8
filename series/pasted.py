"""Warn of secrets in a storyboard that is passed as a parameter: Prefect's database stores it in full."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prefect.runtime import deployment

from prefect_storyboard.addresses import bare, holds_password
from prefect_storyboard.storyboards import Problem, Source, Storyboard, is_text

Place = tuple[str | int, ...]
_KEPT = "Prefect keeps the parameters of a deployment's run as they were given, for all who may read its server"
_REMEDY = "put the storyboard into a file or a bucket, and give its path or URL"


@dataclass(frozen=True)
class Exposed:
    """URLs with a password, which are refused, and URLs with a query, which may be a signature."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def exposed(given: Storyboard | Mapping[str, Any] | str, board: Storyboard, source: Source) -> Exposed:
    """What a deployment's run has exposed. A signature expires; a password has to be changed.

    For a run that this process started, Prefect stores the URLs without either, and nothing is exposed.
    """
    if deployment.id is None:
        return Exposed()
    named = given if isinstance(given, str) and not is_text(given) else ""
    texts = [*_texts(named or board.model_dump(mode="json"))]
    refused = {place: text for place, text in texts if holds_password(text)}
    signed = [place for place, text in texts if place not in refused and bare(text) != text]
    remedy = "give it a path or URL without one" if named else _REMEDY
    return Exposed(
        tuple(
            source.problem(place, f"the address holds a password, and {_KEPT}; change the password, and {remedy}")
            for place in refused
        ),
        tuple(
            str(source.problem(place, f"the link's query may be a signature, and {_KEPT}; to keep it secret, {remedy}"))
            for place in signed
        ),
    )


def _texts(value: Any, at: Place = ()) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*at, index))
