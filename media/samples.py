"""Sample about eight small pictures per second of a clip, and measure their sharpness, brightness and differences."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import NamedTuple

from av import Packet
from av.video import VideoFrame, VideoStream
from PIL import Image, ImageChops, ImageStat

from prefect_storyboard.media.probe import opened, picture_track, seek
from prefect_storyboard.media.tracks import Clip

STEP = 0.125
_LONG_SIDE = 480
_GRID = (32, 32)
_BURST = 0.14  # seconds decoded of a short group of pictures, enough for two samples
_SHORT_GROUP = 1.5
_SHORT_RANGE = 2.0  # seconds up to which every picture is decoded
_AT_ONCE = 30.0  # seconds up to which the whole range is sampled; of longer ranges, parts
_STRETCHES = 6


class Sample(NamedTuple):
    """One picture: `at` is in seconds from the clip's first frame, `sharp` the mean square of its gradients."""

    at: float
    grid: Image.Image
    sharp: float
    black: bool


class Change(NamedTuple):
    """The difference of two pictures, 0 to 255: the mean, and the largest in one field."""

    mean: float
    most: float


def sampled(clip: Clip, begin: float, end: float) -> list[Sample]:
    """Sample the pictures from `begin` to `end` (seconds from the clip's first frame), at least one.

    In ranges of more than two seconds, pictures to which no other refers are skipped, and groups of pictures shorter
    than 1.5 s, as phones record them, are decoded only at their beginning: 10 s of 1080p take 0.2 to 0.9 s on 2 cores.
    """
    found: list[Sample] = []
    short, due = end - begin <= _SHORT_RANGE, begin
    step = min(STEP, (end - begin) / 16)
    with opened(clip.path) as source:
        stream = picture_track(source, clip.path)
        stream.thread_type = "AUTO"
        if not short:
            stream.codec_context.skip_frame = "NONREF"
        span = clip.first + Fraction(begin), clip.first + Fraction(end)
        seek(source, span[0])
        for frame in _frames(stream, source.demux(stream), span, set() if short else _short_groups(clip.path, *span)):
            at = float((frame.pts or 0) * (frame.time_base or Fraction(0)) - clip.first)
            if begin - 0.001 <= at < end - 0.001 and (not found or at >= due - 0.01):
                found.append(_sample(frame, at))
                due = max(due + step, at + step / 2)
    return found


def stretches(begin: float, end: float, seconds: float) -> list[tuple[float, float]]:
    """The parts to sample: everything up to 30 s, else six evenly spread stretches, each longer than `seconds`."""
    if end - begin <= max(_AT_ONCE, _STRETCHES * (seconds + 2)):
        return [(begin, end)]
    length = seconds + 2
    gap = (end - begin - length) / (_STRETCHES - 1)
    return [(begin + n * gap, begin + n * gap + length) for n in range(_STRETCHES)]


def change(one: Sample, other: Sample) -> Change:
    """Compare two pictures of one clip by the brightness of 32 x 32 fields."""
    difference = ImageChops.difference(one.grid, other.grid)
    # The grid has one band, whose extrema are two numbers; Pillow types those of pictures with more as well.
    return Change(ImageStat.Stat(difference).mean[0], float(difference.getextrema()[1]))  # type: ignore[arg-type]


def _frames(
    stream: VideoStream,
    packets: Iterator["Packet[VideoStream]"],
    span: tuple[Fraction, Fraction],
    short: set[Fraction],
) -> Iterator[VideoFrame]:
    group = None
    for packet in packets:
        moment = _moment(packet)
        if packet.size and moment is not None:
            if packet.is_keyframe:
                group = moment
            if moment > span[1] + 1:
                break
            # Pictures before their key frame depend on the previous group, which may be incomplete.
            if group is not None and (moment < group or (group in short and moment - group > _BURST)):
                continue
        yield from packet.decode()
        if not packet.size:
            return
    yield from stream.codec_context.decode(None)


def _short_groups(path: Path, begin: Fraction, end: Fraction) -> set[Fraction]:
    """The times of the key frames that begin a short group of pictures."""
    keys: list[Fraction] = []
    with opened(path) as source:
        stream = picture_track(source, path)
        seek(source, begin)
        for packet in source.demux(stream):
            moment = _moment(packet)
            if packet.size and packet.is_keyframe and moment is not None:
                keys.append(moment)
                if moment > end + 1:
                    break
    return {one for one, following in pairwise(keys) if following - one <= _SHORT_GROUP}


def _moment(packet: "Packet[VideoStream]") -> Fraction | None:
    ticks = packet.dts if packet.pts is None else packet.pts  # AVI has no pts
    return None if ticks is None else ticks * packet.time_base


def _sample(frame: VideoFrame, at: float) -> Sample:
    factor = min(1.0, _LONG_SIDE / max(frame.width, frame.height))
    size = (max(2, ceil(frame.width * factor)), max(2, ceil(frame.height * factor)))
    plane = frame.reformat(*size, "gray", interpolation="AREA", threads=1).planes[0]
    image = Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)
    stat = ImageStat.Stat(image)
    return Sample(
        at=at,
        grid=image.resize(_GRID, Image.Resampling.BOX),
        sharp=sum(_mean_square(image, step) for step in ((1, 0), (0, 1))),
        black=stat.mean[0] < 28 and stat.stddev[0] < 8,
    )


def _mean_square(image: Image.Image, step: tuple[int, int]) -> float:
    """Mean square of the differences between neighbouring pixels in one direction."""
    width, height = image.width - step[0], image.height - step[1]
    here, there = image.crop((0, 0, width, height)), image.crop((*step, image.width, image.height))
    counts = ImageChops.difference(here, there).histogram()
    return sum(value * value * count for value, count in enumerate(counts)) / (width * height)
