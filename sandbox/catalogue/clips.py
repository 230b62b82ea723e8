"""The clip of an order: whom it shows, its size and its length. The cast comes with the order, as files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prefect_storyboard.sandbox.catalogue.files import SLACK, BadFile, Measured, check_together, fetch
from prefect_storyboard.sandbox.catalogue.orders import Order, Wanted
from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.documents import Clip, Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.portraits import square, still

Member = tuple[str, str | None]  # whom a clip shows: name, and the hash of the portrait
_ASPECTS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")


@dataclass(frozen=True, kw_only=True)
class House:
    """What the models of one gateway share and no page says: the sandbox's own choices.

    `calls` names a member of the cast on its card. A clip has as many pixels as 16:9 in its resolution (`area`), or the
    resolution is its shorter side. `smallest` is the shorter side below which a scaled clip does not go.
    """

    calls: Callable[[str, Wanted], str] = lambda member, _: member
    cast_as: Literal["listed", "cited"] = "listed"
    frame_by: Literal["area", "side"] = "side"
    smallest: int = 96
    megabyte: int = 1024 * 1024


@dataclass(frozen=True)
class Made:
    """The clip of an order and what it costs in the gateway's unit, None if no price is published."""

    clip: Clip
    cost: float | None


async def make(sandbox: Sandbox, job: Job, order: Order, house: House, made_before: Sequence[Member] = ()) -> Made:
    """The clip; raises `BadFile` for a file that the model would not take.

    `made_before` are the characters that the order names by id: name and portrait.
    """
    files = [await fetch(sandbox, job.base, each, house.megabyte) for each in order.files]
    check_together(files, house.megabyte)
    cast = [*made_before, *await _cast(sandbox, order, files, house)]
    width, height = frame(order, files, house, sandbox.pace.clip_scale)
    first = next((each for each in files if each.wanted.part == "first"), None)
    asked, videos = _lengths(order, [each for each in files if each.wanted.rules.kind == "video"])
    clip = Clip(
        width=width,
        height=height,
        seconds=asked + (round(videos) if order.model.source == "added" else 0),
        prompt=order.prompt or order.model.label,
        cast=tuple(name for name, _ in cast),
        label=order.model.label,
        stamp=job.id[-8:] if "_" in job.id else job.id[:8],
        image=sandbox.state.keep(first.data) if first else None,
        portraits=tuple(portrait for _, portrait in cast),
        silent=not order.sound,
    )
    return Made(clip, cost(order, asked, videos))


def _lengths(order: Order, videos: Sequence[Measured]) -> tuple[int, float]:
    """How long the new part is, and the videos that it is made of; refused if that is too much together."""
    there, most = sum(each.seconds for each in videos), order.model.most_seconds
    asked = order.seconds if order.seconds is not None else max(1, round(there))
    if most is not None and videos and asked + there > most + SLACK:
        raise BadFile("with output", videos[0].wanted.rules, videos[0].wanted, together=True, got=most)
    return asked, there


async def _cast(sandbox: Sandbox, order: Order, files: Sequence[Measured], house: House) -> list[Member]:
    """Who appears; a sound has no face."""
    named = {each.wanted.member or "": each for each in files if each.wanted.rules.kind != "audio"}
    faces = {member: each for member, each in named.items() if member}
    cast: list[Member] = []
    for member in _shown(order, faces, house):
        file = faces[member]
        portrait = await sandbox.in_pool(square if file.wanted.rules.kind == "image" else still, file.data)
        name = house.calls(member, file.wanted)
        cast.append((name, None if portrait is None else sandbox.state.keep(portrait)))
    return cast


def _shown(order: Order, faces: Mapping[str, Measured], house: House) -> list[str]:
    """The members that the prompt cites, and elements; all members if citing is optional and none is cited."""
    members = list(faces)
    cited = [each.name for each in order.cited() if each.name in faces]
    if not cited and order.model.uncited == "everyone":
        return members
    if house.cast_as == "cited":
        return list(dict.fromkeys(cited))
    anyway = set() if "@name" in order.model.cites else {each for each in members if each.startswith("Element")}
    return [each for each in members if each in cited or each in anyway]


def frame(order: Order, files: Sequence[Measured], house: House, scale: float) -> tuple[int, int]:
    """Width and height, both even, at the sandbox's scale."""
    wide, high = (int(each) for each in (order.aspect or _nearest(files)).split(":"))
    short = order.short_side
    unit = short * (16 / 9 / wide / high) ** 0.5 if house.frame_by == "area" else short / min(wide, high)
    scale = max(scale, house.smallest / (unit * min(wide, high)))
    return _even(wide * unit * scale), _even(high * unit * scale)


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _nearest(files: Sequence[Measured]) -> str:
    """The aspect that comes closest to the first frame, or to the first file that has one."""
    first = sorted(files, key=lambda each: each.wanted.part != "first")
    wide, high = next((each.size for each in first if each.size), (16, 9))

    def distance(aspect: str) -> float:
        across, down = (int(each) for each in aspect.split(":"))
        one, other = across * high, down * wide
        return max(one, other) / min(one, other)

    return min(_ASPECTS, key=distance)
