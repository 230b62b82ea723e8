"""How large a picture is: by its sides, by its aspect and tier, or like its first reference."""

import re
from collections.abc import Sequence
from typing import Any

from prefect_storyboard.sandbox.catalogue.files import Measured
from prefect_storyboard.sandbox.catalogue.orders import Order

_PRESETS = {
    "square_hd": "1:1",
    "square": "1:1",
    "portrait_4_3": "3:4",
    "portrait_16_9": "9:16",
    "landscape_4_3": "4:3",
    "landscape_16_9": "16:9",
}
_TIERS = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
_WRITTEN = re.compile(r"(\d+)[x*](\d+)")


def picture_size(order: Order, files: Sequence[Measured] = ()) -> tuple[int, int]:
    """Width and height as sold; a tier has as many pixels as the square of its side."""
    asked: Any = order.values.get(order.model.aspect) or order.model.aspect
    if isinstance(asked, dict):
        return asked["width"], asked["height"]
    written = _WRITTEN.fullmatch(order.model.shapes.get(f"{asked} {order.resolution}", asked))
    if written:
        return int(written[1]), int(written[2])
    _, _, follows = asked.partition("auto_")
    side = _TIERS.get((follows or order.resolution).lower(), 1024)
    wide, high = _ratio(_PRESETS.get(asked, asked), files)
    unit = side / (wide * high) ** 0.5
    return even(wide * unit), even(high * unit)


def even(length: float) -> int:
    """A length that halves."""
    return max(2, round(length / 2) * 2)


def _ratio(asked: str, files: Sequence[Measured]) -> tuple[int, int]:
    if ":" in asked:
        wide, high = asked.split(":")
        return int(wide), int(high)
    return next((each.size for each in files if each.size and each.wanted.member), (16, 9))
