"""Variables: `${product}` in any text of a storyboard, from its own `with:` or from the run's values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prefect_storyboard.storyboards.base import FieldProblem, Place, RawStoryboard
from prefect_storyboard.storyboards.names import suggest

KEY = "with"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USE = re.compile(r"\$?\$\{([^}]*)\}")  # $${product} is the text ${product}


def filled(data: Mapping[str, Any], values: Mapping[str, str], most: int) -> tuple[RawStoryboard, list[FieldProblem]]:
    """The storyboard with its variables replaced, and every fault with its path. `values` override `with:`.

    A value is literal text: a variable inside it is not replaced. The result has at most `most` characters.
    """
    faults: list[FieldProblem] = []
    known = {**dict(_own(data.get(KEY), faults)), **values}
    filler = _Filler(known, faults, most)
    return {key: filler.fill(value, (key,)) for key, value in data.items() if key != KEY}, faults


def _own(given: object, faults: list[FieldProblem]) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    if not isinstance(given, Mapping):
        faults.append(((KEY,), "has no names; write for example with: {product: a red kettle}"))
        return
    for name, value in given.items():
        if not NAME.fullmatch(str(name)):
            faults.append(((KEY, name), "is not a valid name; use letters, digits and _, for example product"))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield str(name), str(value)
        else:
            faults.append(((KEY, name), "must be text; write it in quotes"))


@dataclass
class _Filler:
    """Replaces the variables of one storyboard, within the bound of its size."""

    known: Mapping[str, str]
    faults: list[FieldProblem]
    room: int

    def fill(self, value: Any, place: Place) -> Any:
        if isinstance(value, str):
            return _USE.sub(lambda use: self._value(use, place), value)
        if isinstance(value, Mapping):
            return {key: self.fill(each, (*place, key)) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(each, (*place, at)) for at, each in enumerate(value)]
        return value

    def _value(self, use: re.Match[str], place: Place) -> str:
        if use[0].startswith("$$"):
            return use[0][1:]
        if use[1] not in self.known:
            hint = suggest(use[1], self.known) if self.known else f"add with: {{{use[1]}: ...}}, or give it to the run"
            self.faults.append((place, f"{use[0]} has no value; {hint}"))
            return ""
        text = self.known[use[1]]
        if len(text) > self.room:
            self.faults.append((place, "is longer than a storyboard may be, once its variables are replaced"))
            return ""
        self.room -= len(text)
        return text
