"""The nearest size that a model sells, and how it differs from the wanted one."""

from typing import NamedTuple

from prefect_storyboard.storyboards.model import Mode, Model


class Size(NamedTuple):
    """Length, aspect and resolution of a scene."""

    seconds: int
    aspect: str
    resolution: str


def nearest(asked: Size, model: Model, mode: Mode = "text") -> Size:
    """The nearest length, aspect and resolution that the model sells."""
    aspects, resolutions = model.sizes(mode)
    return Size(
        nearest_seconds(asked.seconds, model.lengths(mode)),
        asked.aspect if asked.aspect in aspects else _nearest_aspect(asked.aspect, model),
        asked.resolution if asked.resolution in resolutions else _nearest_lines(asked.resolution, resolutions),
    )


def nearest_seconds(seconds: int, sold: tuple[int, ...]) -> int:
    """The nearest length that is sold; the shorter one of two."""
    return min(sold, key=lambda offered: (abs(offered - seconds), offered))


def differences(asked: Size, given: Size) -> tuple[str, ...]:
    """Remarks on each size that is rendered and billed instead of the one that was asked for."""
    pairs = ((f"{asked.seconds} s", f"{given.seconds} s"), asked[1:2] + given[1:2], asked[2:3] + given[2:3])
    return tuple(f"{wanted} was asked for, {sold} is rendered and billed" for wanted, sold in pairs if wanted != sold)


def _nearest_aspect(aspect: str, model: Model) -> str:
    """By the ratio of the sides; auto, which has none, falls back to the model's default."""
    if ":" not in aspect:
        return model.aspects[0]
    return min(model.aspects, key=lambda offered: abs(_ratio(offered) - _ratio(aspect)))


def _ratio(aspect: str) -> float:
    wide, _, high = aspect.partition(":")
    return float(wide) / float(high)


def _nearest_lines(resolution: str, sold: tuple[str, ...]) -> str:
    """By the number of lines; a name that has none (4k) falls back to the model's default."""
    lines = _lines(resolution)
    if lines is None:
        return sold[0]
    return min(sold, key=lambda offered: abs((_lines(offered) or 0) - lines))


def _lines(resolution: str) -> int | None:
    digits = "".join(letter for letter in resolution if letter.isdigit())
    return int(digits) if digits and resolution.endswith("p") else None
