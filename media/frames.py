"""Stills of a clip as files: its last frame, a poster, a contact sheet of many."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video import VideoFrame, VideoStream
from PIL import Image, ImageOps, UnidentifiedImageError

from prefect_storyboard.media.picture import upright
from prefect_storyboard.media.probe import MediaError, opened, picture_track, probe, seek, unreadable
from prefect_storyboard.media.sheet import Cell, draw

_POSTER_AT = 0.35
_TAIL = 2 * av.time_base


def last_frame(path: Path, out_png: Path) -> None:
    """Write the very last picture that a player shows of the clip as a PNG, turned upright, pixels square.

    Raises `MediaError` when the clip cannot be read.
    """
    path = Path(path)
    with opened(path) as source:
        stream = picture_track(source, path)
        stream.thread_type = "AUTO"
        if source.duration and source.duration > _TAIL:
            source.seek((source.start_time or 0) + source.duration - _TAIL)
        frame = _last(source, stream)
        if frame is None:  # the picture ends long before the sound, or the file has no index
            source.seek(0)
            frame = _last(source, stream)
        if frame is None:
            raise unreadable(path, "it holds no picture")
        upright(frame, stream.sample_aspect_ratio).save(out_png, "PNG")


def poster(path: Path, out_jpg: Path, *, at: float = _POSTER_AT, max_width: int = 640) -> None:
    """Write the picture at the fraction `at` (0 to 1) of the clip's length as a JPEG, at most `max_width` pixels wide.

    Raises `MediaError` when the clip cannot be read.
    """
    image = _still(Path(path), at)
    if image.width > max_width:
        size = (max_width, max(1, round(image.height * max_width / image.width)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    image.save(out_jpg, "JPEG", quality=88, optimize=True)


def contact_sheet(cells: Sequence[tuple[Path, str]], out_jpg: Path, *, columns: int = 3, cell_width: int = 440) -> None:
    """Draw pictures (or clips: their posters) with their labels on one dark sheet, row by row, as a JPEG.

    The first line of a label is its heading; what follows is wrapped to two lines. `cell_width` is in pixels.
    Raises `MediaError` for no cells, or for a file that is neither picture nor video.
    """
    if not cells:
        raise MediaError("There is no picture for the contact sheet; render at least one scene first.")
    drawn = [Cell(_picture(Path(path)), label) for path, label in cells]
    draw(drawn, columns=columns, cell_width=cell_width).save(out_jpg, "JPEG", quality=90, optimize=True)


def _last(source: InputContainer, stream: VideoStream) -> VideoFrame | None:
    frame = None
    for frame in source.decode(stream):  # noqa: B007  # the last one is wanted
        pass
    return frame


def _picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError:
        return _still(path, _POSTER_AT)
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist; check the path.") from None
    except OSError as reason:
        raise MediaError(f"{path.name} is not a picture that can be read: {reason}.") from reason


def _still(path: Path, at: float) -> Image.Image:
    """Give the picture that is shown at the fraction `at` of the clip."""
    wanted = Fraction(probe(path).seconds * min(max(at, 0.0), 1.0))
    with opened(path) as source:
        stream = picture_track(source, path)
        start = Fraction(source.start_time or 0, av.time_base)
        seek(source, start + wanted)
        shown = None
        for frame in source.decode(stream):
            if shown and (frame.pts or 0) * (frame.time_base or 0) > start + wanted:
                break
            shown = frame
        if shown is None:
            raise unreadable(path, "it holds no picture")
        return upright(shown, stream.sample_aspect_ratio)
