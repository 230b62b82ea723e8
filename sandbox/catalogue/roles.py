"""What the words of a prompt say about each reference: its name, and whether it is a person, a place or a prop.

`Image 1 is MARA. Keep her face.` and `Mara (@Image1) waits` both name Mara; the words that follow belong to her, up to
the next reference.
"""

import re
from dataclasses import dataclass
from typing import Literal

from prefect_storyboard.sandbox.catalogue.orders import Order

_NAME = r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)*"
_AFTER = re.compile(rf"[\s:=,(\u2013-]*(?:(?:is|shows|as) )?(?:the (?:character|person|place|prop) )?({_NAME})")
_BEFORE = re.compile(rf"({_NAME})(?:,)? ?(?:\(|\[|from |in |of )?$")
_PERSON = re.compile(r"\b(face|hair|character|person)\b", re.IGNORECASE)
_PLACE = re.compile(r"\b(place|location|setting|background|environment|scenery)\b", re.IGNORECASE)
_PROP = re.compile(r"\b(prop|object|item|thing)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Role:
    """Whom or what a reference shows, and the words about it."""

    name: str
    kind: Literal["person", "place", "prop"]
    words: str


def roles(order: Order) -> dict[str, Role]:
    """The roles of the members that the prompt cites; the first citation counts."""
    prompt, start = order.prompt, 0
    found: dict[str, Role] = {}
    spots: list[tuple[str, int, int]] = []
    for each in order.cited():
        place = prompt.find(each.written, start)
        if place >= 0:
            start = place + len(each.written)
            spots.append((each.name, place, start))
    for number, (member, begin, end) in enumerate(spots):
        last = spots[number + 1][1] if number + 1 < len(spots) else len(prompt)
        found.setdefault(member, _role(member, prompt[:begin], prompt[end:last]))
    return found


def _role(member: str, before: str, after: str) -> Role:
    sentence = re.split(r"[.;\n]", after, maxsplit=1)[0]
    name = _AFTER.match(after) or _BEFORE.search(before)
    return Role(name[1] if name else member, _kind(sentence), after.strip())


def _kind(sentence: str) -> Literal["person", "place", "prop"]:
    if _PERSON.search(sentence):
        return "person"
    if _PLACE.search(sentence):
        return "place"
    return "prop" if _PROP.search(sentence) else "person"
