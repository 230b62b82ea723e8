"""What fal's reference models share: an order is a prompt and files, of which those that it cites are the cast."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from prefect_storyboard.sandbox.fal.schema import Input, Where, refusal

_CITATION = re.compile(r"@(Image|Video|Audio|Element)(\d+)")
SHORT_SIDE = {"480p": 480, "720p": 720, "1080p": 1080, "4k": 2160}
Kind = Literal["image", "video", "audio"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a model asks of one file: format in the words of Pillow or FFmpeg, bytes, pixels, width to height."""

    kind: Kind
    formats: tuple[str, ...] = ()
    most_bytes: int = 512 * 1024 * 1024
    least_side: int = 0
    pixels: tuple[int, int] | None = None
    aspect: tuple[float, float] | None = None


@dataclass(frozen=True)
class Total:
    """What all files of one kind may come to: seconds from and to, and bytes."""

    seconds: tuple[float, float]
    most_bytes: float = float("inf")


@dataclass(frozen=True)
class Wanted:
    """A file that an input points to, and the name of whom or what it shows (`Image 1`), if it stands for someone."""

    where: Where
    url: str
    rules: Rules
    name: str | None = None


@dataclass(frozen=True)
class Measured:
    """A file that was fetched: its bytes, and its size and length as far as it has any."""

    wanted: Wanted
    data: bytes
    size: tuple[int, int] | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Sold:
    """What an order buys: its length, its resolution, and the row of the price list."""

    seconds: int
    resolution: str
    tariff: str


class Reference(Input, ABC):
    """What the reference models share."""

    aspect_ratio: str = "16:9"
    generate_audio: bool = True
    totals: ClassVar[Mapping[Kind, Total]] = {}
    extra_outputs: ClassVar[tuple[str, ...]] = ()  # what its output has beside the video

    @abstractmethod
    def prompts(self) -> dict[Where, str]:
        """The prompt of each shot, by its place in the input."""

    @abstractmethod
    def files(self) -> list[Wanted]:
        """The files that the cast comes from."""

    @abstractmethod
    def sold(self) -> Sold:
        """What this input orders."""

    def shown(self) -> set[str]:
        """The names of the files that the prompts cite."""
        return cited(self.prompts(), {file.name for file in self.files()})

    def billed_seconds(self, video_seconds: float) -> float:  # noqa: ARG002 - Seedance bills them
        """How many seconds are billed, given those of the videos that came along."""
        return self.sold().seconds

    def check(self) -> None:
        """Refuse what a schema cannot express."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        self.check()
        self.shown()
        return self


def cited(prompts: Mapping[Where, str], given: Collection[str | None]) -> set[str]:
    """The names that the prompts cite; refused if one of them was not given.

    fal does not document whether it refuses this; the message is the sandbox's own.
    """
    names = set()
    for where, prompt in prompts.items():
        for kind, number in _CITATION.findall(prompt):
            name = f"{kind} {int(number)}"
            if name not in given:
                raise refusal("value_error", where, f"@{kind}{number} is cited, but was not given.")
            names.add(name)
    return names


def frame(resolution: str, aspect: str, scale: float) -> tuple[int, int]:
    """Width and height, both even: as many pixels as 16:9 has, in the aspect asked for. fal publishes no sizes."""
    wide, high = (int(each) for each in aspect.split(":"))
    unit = SHORT_SIDE[resolution] * scale * (16 / 9 / wide / high) ** 0.5
    return max(2, round(wide * unit / 2) * 2), max(2, round(high * unit / 2) * 2)


def numbered(field: str, urls: list[str] | None, rules: Rules) -> list[Wanted]:
    """A list of files that are cited by kind and number, from 1."""
    kind = rules.kind.capitalize()
    return [Wanted((field, place), url, rules, f"{kind} {place + 1}") for place, url in enumerate(urls or [])]
