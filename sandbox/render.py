"""Cards to MP4: H.264 and AAC at 24 frames per second, exactly as long as was asked, and the same bytes every time."""

import array
import hashlib
import math
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import av.audio
import av.video
from PIL import Image, ImageChops, ImageDraw

from prefect_storyboard.sandbox import looks
from prefect_storyboard.sandbox.card import Card, first_frame, paint
from prefect_storyboard.sandbox.documents import Clip
from prefect_storyboard.sandbox.figures import Colour, seed
from prefect_storyboard.sandbox.scenery import Sprite

FPS = 24
RATE = 48_000
_VERSION = "3"
_DISSOLVE = 0.5  # seconds in which a first frame gives way to the card
_CHORDS = [(110, 164, 220, 276), (98, 146, 196, 246), (130, 196, 260, 328), (88, 132, 176, 220), (116, 174, 232, 292)]
_PLAIN_AAC = {"aac_coder": "fast", "aac_tns": "0", "aac_pns": "0", "aac_is": "0", "aac_ms": "0"}  # five times as fast
Planes = tuple[Image.Image, Image.Image, Image.Image]


def render(clip: Clip, folder: Path, inputs: Path) -> Path:
    """The clip's file in `folder`, rendered unless it is there; `inputs` holds first frames and portraits by hash."""
    key = f"{_VERSION} {av.__version__} {clip.model_dump_json()}"
    target = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.mp4"
    if not target.exists():
        partial = target.with_suffix(f".{threading.get_ident()}.tmp")
        _encode(clip, paint(clip, inputs), first_frame(clip, inputs), partial)
        partial.replace(target)
    return target


def _encode(clip: Clip, card: Card, start: Image.Image | None, path: Path) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", container_options=options) as container:
        picture = container.add_stream("libx264", rate=FPS)
        size = looks.size(clip.look, clip.width, clip.height)
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        context: Any = picture.codec_context
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709
        context.color_range = 1
        picture.options = {"preset": "ultrafast", "crf": "28", "bf": "0", "g": "48", "x264-params": "qpmin=22"}
        has_sound = not clip.silent and clip.look != "no_sound"
        if has_sound:
            sound = container.add_stream("aac", rate=RATE, layout="stereo", bit_rate=64_000, options=_PLAIN_AAC)
        for frame in _frames(clip, card, start):
            container.mux(picture.encode(frame if (frame.width, frame.height) == size else _resized(frame, size)))
        container.mux(picture.encode(None))
        if has_sound:
            for samples in _samples(clip):
                container.mux(sound.encode(samples))
            container.mux(sound.encode(None))


def _resized(frame: av.VideoFrame, size: tuple[int, int]) -> av.VideoFrame:
    other = frame.reformat(*size)
    other.pts, other.time_base = frame.pts, frame.time_base
    return other


def _frames(clip: Clip, card: Card, start: Image.Image | None) -> Iterator[av.VideoFrame]:
    """One frame, painted over and over: the encoder has copied it before it asks for the next."""
    base = _planes(card.still)
    sprites = [(sprite, _planes(sprite.picture), _half(sprite.mask)) for sprite in card.sprites]
    accent = _yuv(card.accent)
    opening = _planes(start) if start and clip.look != "other_start" else None
    count, written = clip.seconds * FPS, round(looks.seconds(clip.look, clip.seconds) * FPS)
    frame = av.VideoFrame(clip.width, clip.height, "yuv420p")
    planes = _canvas(frame)
    for written_number in range(written):
        number = looks.shown(clip.look, written_number, count, FPS)
        for plane, still in zip(planes, base, strict=True):
            plane.paste(still)
        for sprite, colours, half in sprites:
            _put(planes, sprite, colours, half, sprite.at(number / count))
        _draw_time(planes, card, accent, number, count)
        if opening and number < _DISSOLVE * FPS:
            for plane, first in zip(planes, opening, strict=True):
                plane.paste(Image.blend(first, plane.copy(), number / (_DISSOLVE * FPS)))
        now = looks.Moment(written_number, written, FPS, (clip.width, clip.height))
        looks.change(clip.look, planes, now)
        frame.pts, frame.time_base = written_number, Fraction(1, FPS)
        yield frame


def _canvas(frame: av.VideoFrame) -> Planes:
    """The frame's own memory as images, so that nothing is copied between Pillow and the encoder."""
    planes = []
    for plane in frame.planes:
        memory: Any = plane
        image = Image.frombuffer("L", (plane.line_size, plane.height), memory, "raw", "L", 0, 1)
        image.readonly = 0
        planes.append(image)
    return planes[0], planes[1], planes[2]


def _planes(picture: Image.Image) -> Planes:
    """Luma and chroma as greyscale images, as wide as the encoder's lines (which may be padded)."""
    make: Any = av.VideoFrame.from_image
    frame = make(_even(picture)).reformat(format="yuv420p", dst_colorspace="ITU709")
    first, second, third = (
        Image.frombytes("L", (plane.line_size, plane.height), bytes(plane)) for plane in frame.planes
    )
    return first, second, third


def _even(picture: Image.Image) -> Image.Image:
    width, height = picture.width + picture.width % 2, picture.height + picture.height % 2
    return picture if (width, height) == picture.size else picture.crop((0, 0, width, height))


def _half(mask: Image.Image) -> Image.Image:
    return _even(mask).reduce(2)


def _yuv(colour: Colour) -> tuple[int, int, int]:
    first, second, third = (plane.getpixel((0, 0)) for plane in _planes(Image.new("RGB", (16, 16), colour)))
    return int(first), int(second), int(third)  # type: ignore[arg-type]


def _put(planes: Planes, sprite: Sprite, colours: Planes, half: Image.Image, corner: tuple[int, int]) -> None:
    """Blend a sprite in; chroma has half the resolution."""
    x, y = corner
    mask = sprite.mask
    if sprite.behind is not None:
        # crop() pads with black beyond the edge, which hides the sprite there.
        visible = sprite.behind.crop((x, y, x + mask.width, y + mask.height))
        mask = ImageChops.multiply(mask, visible)
        half = _half(mask)
    planes[0].paste(colours[0].crop((0, 0, *mask.size)), (x, y), mask)
    for plane, colour in zip(planes[1:], colours[1:], strict=True):
        plane.paste(colour.crop((0, 0, *half.size)), (x // 2, y // 2), half)


def _draw_time(planes: Planes, card: Card, accent: tuple[int, int, int], number: int, count: int) -> None:
    left, top, right, bottom = card.bar
    end = left + round((right - left) * (number + 1) / count) // 2 * 2
    if end > left:
        planes[0].paste(accent[0], (left, top, end, bottom))
        for plane, value in zip(planes[1:], accent[1:], strict=True):
            plane.paste(value, (left // 2, top // 2, end // 2, bottom // 2))
    text = f"{number // FPS // 60:02}:{number // FPS % 60:02}.{number % FPS:02}"
    ImageDraw.Draw(planes[0]).text(card.clock, text, 235, card.clock_font, anchor="mm")


@lru_cache(maxsize=8)
def _chord(place: int) -> bytes:
    """Half a second of a soft chord; its even frequencies make it loop without a seam."""
    notes = _CHORDS[place]
    wave = array.array("h")
    for step in range(RATE // 2):
        turn = 2 * math.pi * step / RATE
        value = round(sum(math.sin(turn * note) / (2 + rank) for rank, note in enumerate(notes)) * 2600)
        wave.extend((value, value))
    return wave.tobytes()


def _samples(clip: Clip) -> Iterator[av.AudioFrame]:
    loop = _chord(seed(f"{clip.prompt}{clip.stamp}")[1] % len(_CHORDS))
    count = round(looks.seconds(clip.look, clip.seconds) * 2)
    for number in range(count):
        frame = av.AudioFrame("s16", "stereo", RATE // 2)
        wave = _faded(loop, rising=number == 0) if number in {0, count - 1} else loop
        frame.planes[0].update(looks.samples(clip.look, wave))
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = number * RATE // 2
        yield frame


@lru_cache(maxsize=16)
def _faded(loop: bytes, *, rising: bool) -> bytes:
    """The loop with a ramp of 0.1 s at its start or end, so that clips join without a click."""
    wave = array.array("h", loop)
    ramp = RATE // 10
    for step in range(ramp):
        place = 2 * step if rising else len(wave) - 2 - 2 * step
        wave[place] = wave[place + 1] = wave[place] * step // ramp
    return wave.tobytes()
