"""The picture of an order: its size, what it is drawn from, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect_storyboard.sandbox.catalogue.clips import House
from prefect_storyboard.sandbox.catalogue.files import Measured, check_together, fetch
from prefect_storyboard.sandbox.catalogue.orders import Order
from prefect_storyboard.sandbox.catalogue.prices import picture_cost
from prefect_storyboard.sandbox.catalogue.roles import Role, roles
from prefect_storyboard.sandbox.catalogue.sizes import even, picture_size
from prefect_storyboard.sandbox.documents import Job, Picture, Reference
from prefect_storyboard.sandbox.exchange import Sandbox

_SMALLEST = (
    320  # the shorter side below which a scaled picture does not go: no video model takes less as its first frame
)
_FORMATS: dict[str, Any] = {"jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}


@dataclass(frozen=True)
class Drawn:
    """The picture of an order and what it costs in the gateway's unit, None if no price is published."""

    picture: Picture
    cost: float | None


async def draw(sandbox: Sandbox, job: Job, order: Order, house: House) -> Drawn:
    """The picture; raises `BadFile` for a file that the model would not take."""
    files = [await fetch(sandbox, job.base, each, house.megabyte) for each in order.files]
    check_together(files, house.megabyte)
    width, height = picture_size(order, files)
    scale = min(1.0, max(sandbox.pace.clip_scale, _SMALLEST / min(width, height)))
    asked = str(order.values.get(order.model.format) or order.model.format)
    picture = Picture(
        width=even(width * scale),
        height=even(height * scale),
        prompt=order.prompt,
        format=_FORMATS.get(asked, "png"),
        label=order.model.label,
        stamp=job.id[-8:] if "_" in job.id else job.id[:8],
        references=_references(sandbox, order, files),
    )
    return Drawn(picture, picture_cost(order, width * height))


def quoted(order: Order) -> float | None:
    """What the picture costs as far as is known before its files are seen."""
    width, height = picture_size(order)
    return picture_cost(order, width * height)


def _references(sandbox: Sandbox, order: Order, files: Sequence[Measured]) -> tuple[Reference, ...]:
    """Every picture that the model is given: an image model sees those that nobody cites too."""
    known = roles(order)
    found = [(each.wanted.member, each) for each in files if each.wanted.member and each.wanted.rules.kind == "image"]
    told = [(known.get(member, Role(member, "person", "")), each) for member, each in found]
    return tuple(
        Reference(name=role.name, kind=role.kind, words=role.words, file=sandbox.state.keep(each.data))
        for role, each in told
    )
