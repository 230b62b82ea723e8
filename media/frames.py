"""Pictures of clips as files: last frames, posters, contact sheets."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from functools import partial
from io import BytesIO
from pathlib import Path

import av
from PIL import Image, ImageOps, UnidentifiedImageError

from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.picture import upright
from prefect_storyboard.media.probe import length, opened, opened_picture, picture_track, probe, seek, unreadable
from prefect_storyboard.media.sheet import Cell, pages

_POSTER_AT = 0.35
_TAIL = 2 * av.time_base
_AT_ONCE = 2  # posters in parallel; each one takes 15 MB
_NEAR = 1.1  # how much smaller than its box a picture may become: JPEG decodes at a half, a fourth or an eighth


def last_frame(path: Path, out_png: Path, *, min_side: int | None = None) -> None:
    """Write the last frame that a player shows of the clip as a PNG, upright and with square pixels.

    If its shorter side has fewer than `min_side` pixels, the picture is enlarged, because a rendered clip has no larger
    one. Raises `MediaError` if the clip cannot be read.
    """
    path = Path(path)
    # Decode from the beginning if the picture ends long before the sound, or the file has no index.
    frame = _last(path, near_the_end=True) or _last(path, near_the_end=False)
    if frame is None:
        raise unreadable(path, "it contains no picture")
    if min_side and min(frame.size) < min_side:
        scale = min_side / min(frame.size)
        size = (max(min_side, round(frame.width * scale)), max(min_side, round(frame.height * scale)))
        frame = frame.resize(size, Image.Resampling.LANCZOS)
    frame.save(out_png, "PNG")


def poster(path: Path, out_jpg: Path, *, at: float = _POSTER_AT, max_width: int = 640) -> None:
    """Write the picture at the fraction `at` (0 to 1) of the clip's length as a JPEG, at most `max_width` pixels wide.

    Raises `MediaError` when the clip cannot be read.
    """
    image = _still(Path(path), at, max_width)
    image.save(out_jpg, "JPEG", quality=88, optimize=True)


def pictures(path: Path, count: int, *, max_width: int = 640) -> list[bytes]:
    """Take `count` pictures of a clip, evenly spread over its length, as JPEG.

    Raises `MediaError` if the clip cannot be read.
    """
    made = []
    for number in range(count):
        out = BytesIO()
        _still(Path(path), (number + 0.5) / count, max_width).save(out, "JPEG", quality=85)
        made.append(out.getvalue())
    return made


def posters(clips: Sequence[tuple[Path, str]], folder: Path, warnings: list[str]) -> list[Path | None]:
    """Write a poster of each clip, given with its name. A poster that cannot be made is None, with a warning.

    A few are made concurrently in threads, each with one picture in memory.
    """

    def make(number: int, path: Path, name: str) -> tuple[Path | None, list[str]]:
        target, why = folder / f"{number:04d}.jpg", list[str]()
        with best_effort(f"the poster of {name}", why):
            poster(path, target)
        return (None if why else target), why

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        made = [pool.submit(make, number, *clip) for number, clip in enumerate(clips)]
    warnings += [text for each in made for text in each.result()[1]]
    return [each.result()[0] for each in made]


def shrunk(jpeg: bytes, box: tuple[int, int], quality: int) -> bytes:
    """Scale a JPEG down to fit the box."""
    out = BytesIO()
    with Image.open(BytesIO(jpeg)) as image:
        scale = _NEAR * max(image.width / box[0], image.height / box[1], 1)
        image.draft(None, (int(image.width / scale), int(image.height / scale)))  # at full size a sheet takes 23 MB
        image.thumbnail(box)
        image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def contact_sheets(
    cells: Sequence[tuple[Path | None, str]],
    folder: Path,
    *,
    stem: str = "contact-sheet",
    columns: int = 3,
    cell_width: int = 440,
) -> list[Path]:
    """Draw pictures, or the posters of clips, with their labels in rows on dark sheets; return the files in order.

    JPEG files in `folder`: `contact-sheet.jpg`, then `contact-sheet-2.jpg` and so on, each at most 4,000 pixels high;
    none without cells. The first line of a label is its heading; the rest is wrapped to two lines. `cell_width` is in
    pixels. A missing or unreadable picture leaves its place empty. Pictures are opened one at a time, so that memory
    does not grow with their number.
    """
    drawn = [Cell(_size(path), partial(_thumbnail, path), label) for path, label in cells]
    written: list[Path] = []
    for number, sheet in enumerate(pages(drawn, columns=columns, cell_width=cell_width), 1):
        written.append(folder / (f"{stem}.jpg" if number == 1 else f"{stem}-{number}.jpg"))
        sheet.save(written[-1], "JPEG", quality=90)  # optimize=True would take 60 MB more for its coefficients
        sheet.close()  # before the next page is drawn, because each takes 23 MB
    return written


def _last(path: Path, *, near_the_end: bool) -> Image.Image | None:
    with opened(path) as source:
        stream = picture_track(source, path)
        stream.thread_type = "AUTO"
        length = source.duration or 0
        if near_the_end:
            if length <= _TAIL:
                return None
            with suppress(av.FFmpegError):
                source.seek((source.start_time or 0) + length - _TAIL)
        frame = None
        for frame in source.decode(stream):  # noqa: B007  # the last one is wanted
            pass
        return upright(frame, stream.sample_aspect_ratio) if frame else None


def _size(path: Path | None) -> tuple[int, int] | None:
    """The displayed size of a picture (without decoding it) or of a clip; None if it cannot be read."""
    if path is None:
        return None
    try:
        with Image.open(path) as image:
            sideways = image.getexif().get(0x0112, 1) >= 5  # Exif orientations 5 to 8 swap the sides
            return (image.height, image.width) if sideways else image.size
    except UnidentifiedImageError:
        with suppress(MediaError):
            return probe(path).width, probe(path).height
    except (OSError, Image.DecompressionBombError):
        return None
    return None


def _thumbnail(path: Path | None, box: tuple[int, int]) -> Image.Image | None:
    """The picture, decoded no larger than the box needs; None if it cannot be read."""
    if path is None:
        return None
    try:
        with opened_picture(path) as image:
            image.draft("RGB", (max(box), max(box)))  # JPEG only: decodes an eighth, a quarter, a half
            return ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError:
        with suppress(MediaError):
            return _still(path, _POSTER_AT)
    except (OSError, SyntaxError, MediaError, Image.DecompressionBombError):
        return None
    return None


def _still(path: Path, at: float, max_width: int | None = None) -> Image.Image:
    """Return the picture that is shown at the fraction `at` of the clip."""
    with opened(path) as source:
        stream = picture_track(source, path)
        stated = length(source, stream) if stream.duration or source.duration else probe(path).seconds
        wanted = Fraction(stated * min(max(at, 0.0), 1.0))
        # The picture may begin after the sound, and so after the file.
        begun = Fraction(source.start_time or 0, av.time_base)
        start = begun if stream.start_time is None else stream.start_time * (stream.time_base or Fraction(0))
        seek(source, start + wanted)
        shown = None
        for frame in source.decode(stream):
            if shown and (frame.pts or 0) * (frame.time_base or 0) > start + wanted:
                break
            shown = frame
        if shown is None:
            raise unreadable(path, "it contains no picture")
        return upright(shown, stream.sample_aspect_ratio, max_width)
