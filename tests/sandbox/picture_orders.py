"""Pictures ordered from the sandbox: what lies behind their references, and what came back."""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from prefect_storyboard.sandbox.documents import Picture
from prefect_storyboard.sandbox.pictures import described, draw
from tests.sandbox.in_process import Box
from tests.sandbox.living_bodies import picture, published

SHEET = "Character sheet of MARA in a yellow oilskin, plain light grey ground, no text"
TWO = "Image 1 is MARA. Keep her face and clothes. Image 2 is OTTO. They wait on the quay at night."


@cache
def sheet(words: str = SHEET) -> bytes:
    """A sheet as an image model of the sandbox draws it."""
    with TemporaryDirectory() as folder:
        drawn = Picture(width=640, height=360, prompt=words, label="a model", stamp="1")
        return draw(drawn, Path(folder), Path(folder)).read_bytes()


def urls(box: Box, count: int) -> list[str]:
    """The addresses of so many references, no two alike."""
    return [published(box, "png", picture((400 + 10 * each, 300))) for each in range(count)]


@dataclass(frozen=True)
class Seen:
    """A picture that was downloaded: its form and size, and what it says about itself."""

    form: str
    size: tuple[int, int]
    shows: list[str]
    prompt: str
    data: bytes

    def at(self, x: float, y: float) -> tuple[int, int, int]:
        """The colour at a share of width and height."""
        with Image.open(io.BytesIO(self.data)) as opened:
            spot = round(opened.width * x), round(opened.height * y)
            red, green, blue = opened.convert("RGB").getpixel(spot)  # type: ignore[misc]
        return int(red), int(green), int(blue)


async def seen(box: Box, url: str) -> Seen:
    """Download a picture and look at it."""
    reply = await box.http.get(url)
    assert reply.status_code == 200, url
    return look(reply.content, reply.headers["content-type"])


def look(data: bytes, content_type: str) -> Seen:
    said: dict[str, Any] = described(data)
    with Image.open(io.BytesIO(data)) as opened:
        assert content_type == f"image/{str(opened.format).lower()}"
        return Seen(str(opened.format), opened.size, said["shows"], said["prompt"], data)


async def bill(box: Box, job_id: str) -> Any:
    """What the meter billed for a job; None if nothing."""
    return next(each for each in await box.control("jobs") if each["id"] == job_id)["billed"]
