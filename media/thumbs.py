"""Thumbnails of a few hundred grey fields as one word of text: enough to check whether a clip begins with a picture."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import NamedTuple, Self

from av.video import VideoFrame
from PIL import Image, ImageOps

from prefect_storyboard.media.probe import opened_picture, turn

_LONG_SIDE = 24
_COMPARED = (16, 16)


class Likeness(NamedTuple):
    """The similarity of two pictures: their correlation (1 is the same), and the mean difference (0 to 255)."""

    correlation: float
    difference: float


class Thumb(NamedTuple):
    """A tiny grey picture: a thumbnail."""

    width: int
    height: int
    grey: bytes

    @classmethod
    def of(cls, image: Image.Image) -> Self:
        """The thumbnail of a picture."""
        scale = _LONG_SIDE / max(image.size)
        width, height = (max(2, round(side * scale)) for side in image.size)
        small = image.convert("L").resize((width, height), Image.Resampling.BOX)
        return cls(width, height, small.tobytes())

    @classmethod
    def of_frame(cls, frame: VideoFrame) -> Self:
        """The thumbnail of a clip's frame, as a player shows it."""
        scale = 4 * _LONG_SIDE / max(frame.width, frame.height)
        width, height = (max(2, round(side * scale)) for side in (frame.width, frame.height))
        plane = frame.reformat(width, height, "gray", interpolation="AREA", threads=1).planes[0]
        image = Image.frombuffer("L", (width, height), bytes(plane), "raw", "L", plane.line_size, 1)
        return cls.of(image.rotate(turn(frame), expand=True))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Parse the format of the property `text`; None for any other text."""
        try:
            size, _, grey = text.partition(":")
            width, height = map(int, size.split("x"))
            found = cls(width, height, b64decode(grey, validate=True))
        except ValueError:
            return None
        return found if width > 1 and height > 1 and len(found.grey) == width * height else None

    @property
    def text(self) -> str:
        """The thumbnail as one word of text."""
        return f"{self.width}x{self.height}:{b64encode(self.grey).decode()}"

    def likeness(self, shown: "Thumb") -> Likeness:
        """How similar `shown` is to this picture, which may have been stretched or cropped to another aspect ratio."""
        return max(_likeness(mine, theirs) for mine, theirs in _fitted(self.image(), shown.image()))

    def image(self) -> Image.Image:
        """The thumbnail as a Pillow image."""
        return Image.frombytes("L", (self.width, self.height), self.grey)


@lru_cache(maxsize=256)
def thumb_of_file(path: Path, sha256: str) -> str:  # noqa: ARG001 - identifies the content in the cache
    """The thumbnail of a picture file, as text. Raises MediaError or OSError if the file cannot be read."""
    with opened_picture(path) as image:
        image.draft("RGB", (_LONG_SIDE * 8, _LONG_SIDE * 8))
        return Thumb.of(ImageOps.exif_transpose(image).convert("RGB")).text


def _fitted(wanted: Image.Image, shown: Image.Image) -> Iterator[tuple[Image.Image, Image.Image]]:
    yield wanted.resize(_COMPARED, Image.Resampling.BOX), shown.resize(_COMPARED, Image.Resampling.BOX)
    if abs(wanted.width * shown.height - shown.width * wanted.height) > max(wanted.height, shown.height):
        cut = ImageOps.fit(wanted, shown.size, Image.Resampling.BOX)
        yield cut.resize(_COMPARED, Image.Resampling.BOX), shown.resize(_COMPARED, Image.Resampling.BOX)
        inside = ImageOps.fit(shown, wanted.size, Image.Resampling.BOX)
        yield wanted.resize(_COMPARED, Image.Resampling.BOX), inside.resize(_COMPARED, Image.Resampling.BOX)


def _likeness(one: Image.Image, other: Image.Image) -> Likeness:
    first, second = one.tobytes(), other.tobytes()
    count = len(first)
    mean, other_mean = sum(first) / count, sum(second) / count
    across = sum((a - mean) * (b - other_mean) for a, b in zip(first, second, strict=True))
    spread = sqrt(sum((a - mean) ** 2 for a in first) * sum((b - other_mean) ** 2 for b in second))
    difference = sum(abs(a - b) for a, b in zip(first, second, strict=True)) / count
    return Likeness(across / spread if spread else 0.0, difference)
