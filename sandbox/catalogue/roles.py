"""What the words of a prompt say about each reference: its name, and whether it is a person, a place or a prop.

`Image 1 is MARA. Keep her face.` and `Mara (@Image1) waits` both name Mara. The words that follow belong to her, as
long as they go on about her, and so does what is said of her name elsewhere.
"""

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from prefect_storyboard.sandbox.catalogue.orders import Order

Kind = Literal["person", "place", "prop"]
_NAME = r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)*"
_AFTER = re.compile(rf"[\s:=,(\u2013-]*(?:(?:is|shows|as) )?(?:the (?:character|person|place|prop) )?({_NAME})")
_BEFORE = re.compile(rf"({_NAME})(?:,)? ?(?:\(|\[|from |in |of )?$")
_ENDS = re.compile(r"(?<=[.;])\s+|\n+")
_GOES_ON = re.compile(r"(she|he|they|it|her|his|their|its|keep|same|wears|wearing)\b", re.IGNORECASE)
_KINDS: list[tuple[Kind, re.Pattern[str]]] = [
    ("person", re.compile(r"\b(face|hair|character|person|woman|man|girl|boy|child)\b", re.IGNORECASE)),
    (
        "place",
        re.compile(r"\b(place|location|setting|background|environment|scenery|set|architecture)\b", re.IGNORECASE),
    ),
    ("prop", re.compile(r"\b(prop|object|item|thing|shape)\b", re.IGNORECASE)),
]
_A_PLACE = re.compile(
    r"[\s:=,(\u2013-]*(?:(?:is|shows) )?(?:the|an?) (?:\w+ ){0,2}"
    r"(harbou?r|quay|pier|street|road|room|kitchen|forest|beach|shore|coast|town|village|city|house|lighthouse|station"
    r"|stop|square|market|garden|bridge|deck|cabin|field|workshop|tower)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Role:
    """Whom or what a reference shows, and the words about it."""

    name: str
    kind: Kind
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
        if member not in found:
            found[member] = _role(member, prompt, prompt[:begin], prompt[end:last])
    return found


def _role(member: str, prompt: str, before: str, after: str) -> Role:
    first, *others = _ENDS.split(after)
    named = _AFTER.match(first) or _BEFORE.search(before)
    name = named[1] if named else member
    own = [first.strip(" ,:;.()"), *_following(others), *(_clauses(name, prompt) if named else [])]
    return Role(name, _kind(first, named=named is not None), ". ".join(own))


def _following(sentences: list[str]) -> list[str]:
    """The sentences that still are about the one of the sentence before."""
    return list(takewhile(_GOES_ON.match, sentences))


def _clauses(name: str, prompt: str) -> list[str]:
    """What the prompt says of a name elsewhere: `Mara in her storm coat`."""
    return re.findall(rf"\b{re.escape(name)}\b ([^.,;\n]+?)(?= and | while |[.,;\n]|$)", prompt)


def _kind(sentence: str, *, named: bool) -> Kind:
    told = next((kind for kind, pattern in _KINDS if pattern.search(sentence)), None)
    if told is None and not named and _A_PLACE.match(sentence):
        return "place"
    return told or "person"
