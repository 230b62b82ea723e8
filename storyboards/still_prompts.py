"""The words with which sheets and stills are drawn, in one place. Pure; the plan shows them as they are sent.

What public projects have found to work (docs/stills.md has the sources): a sheet shows one member alone on a plain
ground, in even light, with the same clothes in every view. A still has a fixed base and one sentence of what differs:
each reference has one role that says what to keep of it, and who has no reference is described. Only what is to be
seen is named, because models draw what a prompt forbids. The gateway's row of the image model decides how a reference
is cited (`Image 1 is Mara: ...`); that is added in front of these words when the request is built.
"""

from collections.abc import Iterable, Mapping

from prefect_storyboard.storyboards.base import Kind
from prefect_storyboard.storyboards.character import Character

_SHEETS: Mapping[Kind, str] = {
    "person": "Character sheet of {who}. Four views side by side: a large portrait at the left, then the whole figure "
    "from the front, in profile and from behind, all at the same height. The same person in the same clothes in every "
    "view, calm face, relaxed stance, arms at the sides, open hands. Plain light grey ground, even studio light.",
    "prop": "Reference sheet of {who}. Three views side by side: from the front, at an angle and from the side, the "
    "whole object in each. Plain light grey ground, even studio light.",
    "place": "Reference picture of the place {who}. A wide view of the whole place, deserted and quiet, in even light.",
}
_KEEPS: Mapping[Kind, str] = {
    "person": "keep the face, hair, build and clothes",
    "prop": "keep the shape, colours and size",
    "place": "keep the architecture, colours and light",
}
_KEEPS_IN_A_LOOK: Mapping[Kind, str] = {
    "person": "keep the face, hair and build",
    "prop": "keep the shape and size",
    "place": "keep the architecture",
}
LAST_FRAME = "the last moment of the shot before; go on from there, in the same set and light"


def sheet_prompt(member: Character, look: str = "", style: str = "") -> str:
    """The words of a member's sheet. A `look` is described alone: else the first one would be drawn as well."""
    words = member.looks[look] if look else member.description
    who = f"{member.name}: {_bare(words)}" if words else member.name
    return "\n".join([_SHEETS[member.kind].format(who=who), *_style(style)])


def sheet_role(member: Character, look: str = "") -> str:
    """What a sheet keeps of its reference: of the first look's sheet, everything but what the look changes."""
    return _KEEPS_IN_A_LOOK[member.kind] if look else _KEEPS[member.kind]


def still_role(member: Character) -> str:
    """What a still keeps of a member's sheet, which shows the look that the scene asks for."""
    return _KEEPS[member.kind]


def still_prompt(words: str, described: Iterable[tuple[Character, str]], style: str = "") -> str:
    """The words of a still: what the scene shows, and the members without a reference, each with its look."""
    lines = [f"One frame of a film: {words}", *(line for member, look in described if (line := _about(member, look)))]
    return "\n".join([*lines, *_style(style)])


def _about(member: Character, look: str) -> str:
    said = [_bare(text) for text in (member.description, member.looks.get(look, "")) if text]
    return f"{member.name}: {'; in this scene: '.join(said)}." if said else ""


def _style(style: str) -> list[str]:
    return [f"Style: {style}"] if style else []


def _bare(text: str) -> str:
    return text.rstrip(".")
