"""Cards of a reel: one text on black before the first clip, and one after the last."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from av import Packet, VideoFrame, VideoStream
from PIL import Image

from prefect_storyboard.media.encode import video_stream
from prefect_storyboard.media.lettering import draw_text, find_font
from prefect_storyboard.media.mp4 import interleave, mp4
from prefect_storyboard.media.picture import Canvas
from prefect_storyboard.media.reel import Part, canvas, read_part
from prefect_storyboard.storyboards.cards import Cards

_FINE = 8  # CRF; nearly lossless, because the card is encoded once more with the clips
_WIDE, _HIGH = 0.84, 0.86  # largest share of the picture's width and height
_TITLE, _CREDITS = 0.11, 0.062  # letter size, as a share of the picture's shorter side


def with_cards(parts: Sequence[Part], cards: Cards, folder: Path) -> list[Part]:
    """Add the cards before and after the parts of a reel, as files in `folder` in the clips' size and rate.

    Raises MediaError if a clip cannot be read, or if no font of this machine has all letters of a text.
    """
    if not parts or not cards.seconds_around:
        return list(parts)
    made = canvas([read_part(part) for part in parts])
    around: list[Part | None] = [None, None]
    for at, (name, text, letter) in enumerate((("Title", cards.title, _TITLE), ("Credits", cards.credits, _CREDITS))):
        if text:
            around[at] = Part(_card(text, letter, made, cards.seconds, folder / f"{name.lower()}.mp4"), name)
    return [part for part in (around[0], *parts, around[1]) if part]


def card_frames(seconds: float, fps: Fraction) -> int:
    """The number of frames of a card of this length."""
    return max(1, round(Fraction(str(seconds)) * fps)) if seconds else 0


def _card(text: str, letter: float, made: Canvas, seconds: float, out: Path) -> Path:
    """Write a card as a clip without sound."""
    picture = _drawn(text, round(letter * min(made.width, made.height)), made)
    count = card_frames(seconds, made.fps)
    with mp4(out) as target:
        stream = video_stream(target, made, _FINE)

        def packets() -> Iterator["Packet[VideoStream]"]:
            for number in range(count):
                picture.pts, picture.time_base = number, 1 / made.fps
                yield from stream.encode(picture)
            yield from stream.encode()

        interleave(target, packets())
    return out


def _drawn(text: str, size: int, made: Canvas) -> VideoFrame:
    """Draw the text in the middle of a black picture; the letters are made smaller until it fits."""
    font, width = find_font(text), round(_WIDE * made.width)
    words = draw_text(text, width, max(8, size), font)
    while words.height > _HIGH * made.height and size > 8:
        size = round(size * 0.9)
        words = draw_text(text, width, max(8, size), font)
    image = Image.new("RGB", (made.width, made.height))
    image.paste(words, ((made.width - words.width) // 2, (made.height - words.height) // 2), words)
    frame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # av does not annotate it
    drawn: VideoFrame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
    return drawn
