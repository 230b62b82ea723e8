"""Fit pictures to a model's limits: aspect ratio, size, JPEG."""

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from math import ceil
from pathlib import Path

from PIL import Image, ImageOps, ImageStat

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.reference import megabytes
from prefect_storyboard.storyboards import PictureLimits

_QUALITIES = (95, 90, 85, 75)
_SMALLEST = 256


def small_fault(size: tuple[int, int], limits: PictureLimits) -> str | None:
    """The fault of a picture that is too small, which cannot be fixed; None if it is large enough."""
    if limits.min_side is None or min(size) >= limits.min_side:
        return None
    return f"is {size[0]}x{size[1]}: the shorter side needs at least {limits.min_side} pixels"


def too_long(size: tuple[int, int], limits: PictureLimits) -> bool:
    """Whether the picture's aspect ratio exceeds the model's limit."""
    return limits.max_aspect is not None and max(size) > min(size) * limits.max_aspect


def too_large(size: tuple[int, int], limits: PictureLimits) -> bool:
    """Whether a side has more pixels than the model takes."""
    return limits.max_side is not None and max(size) > limits.max_side


def shape(size: tuple[int, int], limits: PictureLimits) -> tuple[int, int]:
    """The displayed width and height in pixels to which a picture of this size is padded and scaled."""
    width, height = size
    if limits.sizes and size not in limits.sizes:
        return min(limits.sizes, key=lambda wanted: abs(wanted[0] / wanted[1] - width / height))
    if limits.max_aspect is not None and too_long(size, limits):
        long, short = max(size), int(-(-Fraction(max(size)) // Fraction(limits.max_aspect)))
        width, height = (long, short) if width > height else (short, long)
    if limits.max_side and too_large((width, height), limits):
        factor = Fraction(limits.max_side, max(width, height))
        # Rounded up: a picture at the limit of the aspect ratio must not get narrower.
        width, height = (min(limits.max_side, ceil(side * factor)) for side in (width, height))
    return width, height


def padded(image: Image.Image, limits: PictureLimits) -> Image.Image:
    """Pad and scale the whole picture to its target size, with bars in the colour of the padded edges."""
    size = shape(image.size, limits)
    if size == image.size:
        return image
    wide = image.width * size[1] > image.height * size[0]
    exact = ImageOps.pad(image, size, Image.Resampling.LANCZOS, color=_edge_colour(image, wide=wide))
    exact.info = dict(image.info)
    return exact


def write_jpeg(image: Image.Image, limits: PictureLimits, out: Path, name: str) -> None:
    """Write the picture in the best quality within the limit of bytes; if no quality fits, scale it down.

    Raises `MediaError` if it cannot be made small enough.
    """
    for size, quality in _tries(image.size, limits):
        shown = image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
        body = BytesIO()
        # Full colour resolution, because subsampling degrades faces and saturated cloth.
        shown.save(body, "JPEG", quality=quality, subsampling=0, icc_profile=image.info.get("icc_profile"))
        if limits.max_bytes is None or body.tell() <= limits.max_bytes:
            out.write_bytes(body.getvalue())
            return
    most = megabytes(limits.max_bytes or 0)
    raise MediaError(f"{name} cannot be made as small as {most}; use a picture with fewer details.")


def _tries(size: tuple[int, int], limits: PictureLimits) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield sizes and qualities, the best first."""
    factor, least = Fraction(1), max(limits.min_side or 0, _SMALLEST)
    while True:
        scaled = (round(size[0] * factor), round(size[1] * factor))
        yield from ((scaled, quality) for quality in _QUALITIES)
        factor *= Fraction(3, 4)
        if limits.sizes or min(size) * factor < least:
            return


def _edge_colour(image: Image.Image, *, wide: bool) -> tuple[int, int, int]:
    width, height = image.size
    first = (0, 0, width, 1) if wide else (0, 0, 1, height)
    last = (0, height - 1, width, height) if wide else (width - 1, 0, width, height)
    colours = [ImageStat.Stat(image.crop(box)).median for box in (first, last)]
    red, green, blue = (round(sum(pair) / 2) for pair in zip(*colours, strict=True))
    return red, green, blue
