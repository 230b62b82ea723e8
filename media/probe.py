"""Probe a media file: container, length, size as displayed, frame rate, sound."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
from av import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video import VideoFrame, VideoStream
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.tone import Range, wide_range

# A playlist (HLS, ffconcat) with a video's file name would make libav read other files or hosts.
_FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif"


MAX_PIXELS = 40_000_000  # of a clip's frame; 8K has fewer
MAX_PICTURE_PIXELS = 64_000_000  # of a picture; phones have 50 million
_MAX_SECONDS = 4 * 3600
_MAX_STREAMS = 32


class Probe(BaseModel):
    """The facts of one video file.

    `seconds` is the length of the picture track (in WebM and MKV of the longest track, often the sound). `width` and
    `height` are pixels as a player shows them: pixel shape and rotation applied. `rotation` is 0, 90, 180 or 270: how
    far a player turns the stored picture counterclockwise. `fps` is the average rate; `bytes` the size of the file.
    """

    model_config = ConfigDict(frozen=True)

    container: str
    seconds: float
    width: int
    height: int
    fps: Fraction
    codec: str
    has_audio: bool
    bytes: int
    rotation: int = 0
    range: Range | None = None

    @property
    def short_side(self) -> int:
        """Pixels of the shorter side: 720 for both 1280x720 and 720x1280."""
        return min(self.width, self.height)


def probe(path: Path | str) -> Probe:
    """Read the facts of a video file, in about 10 to 30 ms.

    One frame is decoded, because only the frame has the rotation. Raises `MediaError` if the file does not exist, or is
    not a readable video.
    """
    path = Path(path)
    with opened(path) as source:
        return examine(source, picture_track(source, path), path)


def examine(source: InputContainer, stream: VideoStream, path: Path) -> Probe:
    """Do the same as `probe` with an open file, whose position is then after the first frame."""
    frame = next(source.decode(stream), None)
    if frame is None:
        raise unreadable(path, "it contains no picture")
    width, height = display_size(frame, stream.sample_aspect_ratio)
    return Probe(
        container=_container(source, path),
        seconds=length(source, stream),
        width=width,
        height=height,
        fps=stream.average_rate or stream.guessed_rate or Fraction(24),
        codec=stream.codec_context.name,
        has_audio=bool(source.streams.audio),
        bytes=path.stat().st_size,
        rotation=turn(frame),
        range=wide_range(frame),
    )


def probe_image(path: Path | str) -> tuple[int, int, str]:
    """Width and height in pixels as displayed (the camera's rotation applied), and the format: "png", "jpeg", ...

    Raises `MediaError` if the file does not exist, or is not a readable picture.
    """
    path = Path(path)
    try:
        with opened_picture(path) as image:
            image.load()
            sideways = image.getexif().get(0x0112, 1) >= 5  # Exif orientations 5 to 8 swap the sides
            size = image.size[::-1] if sideways else image.size
            return *size, (image.format or "").lower()
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist; check the path.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as reason:
        raise MediaError(f"{path.name} is not a picture that can be read: {_first_line(reason)}.") from reason


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """Open a picture without decoding it. Raises MediaError if it is too large to decode."""
    with Image.open(path) as image:
        if image.width * image.height > MAX_PICTURE_PIXELS:
            size, most = f"{image.width}x{image.height}", f"{MAX_PICTURE_PIXELS / 1e6:g} megapixels"
            raise MediaError(f"{path.name} is {size}: at most {most} are read; scale it down.")
        yield image


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a media file; every error of PyAV, now or while the file is read, is raised as a `MediaError`."""
    try:
        with av.open(path, "r", options={"format_whitelist": _FORMATS}, metadata_errors="replace") as source:
            _check_bounds(source, path)
            yield source
    except av.FileNotFoundError:
        raise MediaError(f"{path} does not exist; check the path.") from None
    except av.FFmpegError as reason:
        raise unreadable(path, _first_line(reason)) from reason


def _check_bounds(source: InputContainer, path: Path) -> None:
    """Refuse files that would be too expensive to decode, from their headers alone."""
    if len(source.streams) > _MAX_STREAMS:
        raise unreadable(path, f"it has more than {_MAX_STREAMS} tracks")
    if (source.duration or 0) / av.time_base > _MAX_SECONDS:
        raise unreadable(path, f"it is longer than {_MAX_SECONDS // 3600} hours")
    for stream in source.streams.video:
        if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
            raise unreadable(path, f"its picture has more than {MAX_PIXELS / 1e6:g} megapixels")
        stream.codec_context.options = {**stream.codec_context.options, "max_pixels": str(MAX_PIXELS)}


def unreadable(path: Path, why: str) -> MediaError:
    """The error for a file that is not a usable video."""
    return MediaError(f"{path.name} is not a video that can be read: {why}; give an MP4, MOV, WebM or AVI file.")


def picture_track(source: InputContainer, path: Path) -> VideoStream:
    """Return the moving picture of a file: not a cover image, not a still picture."""
    moving = [s for s in source.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        raise unreadable(path, "it has no moving picture")
    return moving[0]


def sound_track(source: InputContainer) -> AudioStream | None:
    """Return the sound track that a player plays: the default one, else the first one; None if there is none."""
    tracks = source.streams.audio
    return next((track for track in tracks if track.disposition & Disposition.default), tracks[0] if tracks else None)


def seek(source: InputContainer, moment: Fraction) -> None:
    """Seek to a key frame before `moment` (seconds on the file's clock), if that saves decoding."""
    start = Fraction(source.start_time or 0, av.time_base)
    if moment - start > 1 and "mpeg" not in source.format.name:  # seeking in a stream without an index may end after it
        with suppress(av.FFmpegError):  # without an index, reading continues at the current position
            source.seek(int(moment * av.time_base))


def turn(frame: VideoFrame) -> int:
    """The angle by which a player turns this frame counterclockwise: 0, 90, 180 or 270 degrees."""
    return round(frame.rotation / 90) * 90 % 360


def display_size(frame: VideoFrame, pixel_shape: Fraction | None) -> tuple[int, int]:
    """Width and height in pixels as a player shows this frame: pixels made square, then turned."""
    width, height = round(frame.width * (pixel_shape or 1)), frame.height
    return (height, width) if turn(frame) in {90, 270} else (width, height)


def _container(source: InputContainer, path: Path) -> str:
    """Distinguish the members of libav's container families: mp4 from mov, webm from mkv."""
    name = source.format.name
    if name.startswith("mov,"):
        return "mov" if source.metadata.get("major_brand", "qt").startswith("qt") else "mp4"
    if name.startswith("matroska"):
        with path.open("rb") as file:
            return "webm" if b"webm" in file.read(64) else "mkv"
    return name.split(",")[0]


def length(source: InputContainer, stream: VideoStream) -> float:
    """The length of the picture track in seconds. If the file does not state it, the file is read to its end."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if source.duration:  # WebM states one length for the whole file
        return source.duration / av.time_base
    with suppress(av.FFmpegError):  # some files cannot be rewound; then only the rest is measured
        source.seek(0)
    ends = [(p.pts + (p.duration or 0)) * p.time_base for p in source.demux(stream) if p.pts is not None]
    return float(max(ends, default=Fraction(0)))


def _first_line(reason: Exception) -> str:
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return text.splitlines()[0].rstrip(".")
