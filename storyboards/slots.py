"""Reference slots of an image model: who is shown by a sheet, and who is only described. Pure.

A model takes so many reference pictures and no more. Faces are what people notice first, so people get the slots
first, then props, then the place: a room is described more easily than a face.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from prefect_storyboard.storyboards.base import Kind
from prefect_storyboard.storyboards.character import Character

_RANK: Mapping[Kind, int] = {"person": 0, "prop": 1, "place": 2}


class Slots(NamedTuple):
    """The members of one scene: those that a sheet shows, in the order of their references, and the others."""

    shown: tuple[Character, ...]
    described: tuple[Character, ...]


def slots(members: Sequence[Character], free: int) -> Slots:
    """Give `free` slots to the members: people first, then props, then places; among these, in the scene's order."""
    ranked = sorted(members, key=lambda member: _RANK[member.kind])
    return Slots(tuple(ranked[: max(free, 0)]), tuple(ranked[max(free, 0) :]))


def slot_remark(found: Slots, model: str, most: int) -> str | None:
    """The sentence about members without a slot; None if everybody has one."""
    if not found.described:
        return None
    names = " and ".join(member.name for member in found.described)
    silent = [member.name for member in found.described if not member.description]
    remedy = f"; give {' and '.join(silent)} a description" if silent else ""
    verb = "is" if len(found.described) == 1 else "are"
    return f"{model} takes {most} references, so {names} {verb} only described{remedy}"
