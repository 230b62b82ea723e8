"""Analyse a clip without a model: black frames, frozen pictures, bars, sound, and its first and last pictures.

The file is decoded once. About six frames per second are reduced to a grid of 64 x 64 grey fields, so that a clip of
eight seconds in 1080p takes about half a second of one core.
"""

from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import NamedTuple

import av
from av import AudioResampler
from av.video import VideoFrame
from PIL import Image, ImageChops, ImageStat

from prefect_storyboard.media.probe import display_size, opened, picture_track, sound_track
from prefect_storyboard.media.thresholds import Anew, Still, Thresholds, thresholds
from prefect_storyboard.media.thumbs import Thumb

_GRID = (64, 64)
_SOUND_RATE = 16_000

Span = tuple[float, float]  # from and to, in seconds from the first picture
Bars = tuple[float, float]  # of black bars: share of the height, share of the width


class Looks(NamedTuple):
    """The result. `peak_db` is None without a sound track; `doubled` is the share of repeated frames.

    `opening` has the pictures of the first half second, `ending` is the last one.
    """

    seconds: float
    width: int
    height: int
    black: tuple[Span, ...]
    still: tuple[Span, ...]
    doubled: float
    bars: Bars
    peak_db: float | None
    opening: tuple[Thumb, ...]
    ending: Thumb | None


class _Sample(NamedTuple):
    at: float
    grid: Image.Image
    black: bool


def analyse_clip(path: Path, given: Thresholds | None = None) -> Looks:
    """Analyse a clip. Raises MediaError if it cannot be read."""
    limits = given or thresholds()
    analysis = _Analysis(limits)
    with opened(path) as source:
        stream = picture_track(source, path)
        stream.thread_count = 1
        stream.codec_context.options = {**stream.codec_context.options, "skip_loop_filter": "all"}
        length = float((stream.duration or 0) * (stream.time_base or 0)) or (source.duration or 0) / av.time_base
        analysis.middle = min(length, limits.sampling.most_seconds) / 2
        size = (0, 0)
        for frame in source.decode(stream):
            size = size if any(size) else display_size(frame, stream.sample_aspect_ratio)
            if not analysis.add(frame):
                break
    return analysis.looks(size, _peak_db(path, limits.sampling.most_seconds))


class _Analysis:
    """Collects the frames that the analysis needs, while the clip is decoded."""

    def __init__(self, limits: Thresholds) -> None:
        self.limits = limits
        self.middle = 0.0
        self._first: float | None = None
        self._end = 0.0
        self._pixels = 0
        self._due = 0.0
        self._samples: list[_Sample] = []
        self._burst: list[Image.Image] = []
        self._opening: list[Thumb] = []
        self._last: VideoFrame | None = None

    def add(self, frame: VideoFrame) -> bool:
        """Add the next frame; return whether more frames are needed."""
        moment = float((frame.pts or 0) * (frame.time_base or 0))
        self._first = moment if self._first is None else self._first
        at, sampling = moment - self._first, self.limits.sampling
        self._end = at + float((frame.duration or 0) * (frame.time_base or 0))
        self._last = frame
        in_burst = abs(at - self.middle) <= sampling.burst_seconds / 2
        if in_burst or at >= self._due - 0.001:
            grid = _grid(frame)
            if in_burst:
                self._burst.append(grid)
            if at >= self._due - 0.001:
                self._due += 1 / sampling.a_second
                self._keep(frame, grid, at)
        self._pixels += frame.width * frame.height
        return at < sampling.most_seconds and self._pixels < sampling.most_pixels

    def _keep(self, frame: VideoFrame, grid: Image.Image, at: float) -> None:
        stat, black = ImageStat.Stat(grid), self.limits.black
        dark = stat.mean[0] <= black.mean and stat.extrema[0][1] <= black.most
        begins = at <= self.limits.start.seconds or all(each.black for each in self._samples)
        self._samples.append(_Sample(at, grid, dark))
        if begins:
            self._opening.append(Thumb.of_frame(frame))

    def looks(self, size: tuple[int, int], peak_db: float | None) -> Looks:
        """The result for all frames."""
        lit = [each for each in self._samples if not each.black]
        black = tuple(_spans(((each.at, each.black) for each in self._samples), self._end))
        still = tuple(_joined(self._still(), self.limits))
        return Looks(
            seconds=self._end,
            width=size[0],
            height=size[1],
            black=black,
            still=still,
            doubled=0.0 if any(self._is_middle(span) for span in (*black, *still)) else self._doubled(),
            bars=_bars([each.grid for each in lit], self.limits),
            peak_db=peak_db,
            opening=tuple(self._opening),
            ending=Thumb.of_frame(self._last) if self._last else None,
        )

    def _still(self) -> Iterator[tuple[Span, Image.Image]]:
        """Yield the spans in which the picture is frozen, each with its picture.

        Every picture is compared with the first one of its span, so that slow drift counts as movement. Black pictures
        belong to no span.
        """
        begun: _Sample | None = None
        until = 0.0
        for sample in (*self._samples, None):
            same = begun and sample and not sample.black and _same(begun.grid, sample.grid, self.limits.still)
            if begun and not same and until > begun.at:
                yield (begun.at, sample.at if sample else self._end), begun.grid
            if same and sample:
                until = sample.at
            else:
                begun = sample if sample and not sample.black else None
                until = sample.at if sample else 0.0

    def _is_middle(self, span: Span) -> bool:
        """Whether this span explains the repeated frames in the middle of the clip."""
        begun, until = span
        return until - begun >= self.limits.still.warn_seconds / 2 and begun <= self.middle <= until

    def _doubled(self) -> float:
        """The share of frames in the burst that repeat the previous one."""
        pairs = list(pairwise(self._burst))
        again = sum(_most(ImageChops.difference(*pair)) <= self.limits.doubled.most for pair in pairs)
        return again / len(pairs) if pairs else 0.0


def _grid(frame: VideoFrame) -> Image.Image:
    plane = frame.reformat(*_GRID, "gray", interpolation="AREA", threads=1).planes[0]
    return Image.frombuffer("L", _GRID, bytes(plane), "raw", "L", plane.line_size, 1)


def _most(difference: Image.Image) -> float:
    return float(difference.getextrema()[1])  # type: ignore[arg-type] # one band has two numbers


def _same(one: Image.Image, other: Image.Image, limits: Still | Anew) -> bool:
    difference = ImageChops.difference(one, other)
    return _most(difference) <= limits.most and ImageStat.Stat(difference).mean[0] <= limits.mean


def _spans(marks: Iterator[tuple[float, bool]], end: float) -> Iterator[Span]:
    begun: float | None = None
    for at, marked in (*marks, (end, False)):
        if marked and begun is None:
            begun = at
        elif not marked and begun is not None:
            yield begun, at
            begun = None


def _joined(spans: Iterable[tuple[Span, Image.Image]], limits: Thresholds) -> Iterator[Span]:
    """Join spans of nearly the same picture: a key frame, and the frames after it, encode it a little differently."""
    whole: Span | None = None
    picture: Image.Image | None = None
    for span, shown in spans:
        near = whole is not None and span[0] - whole[1] <= limits.anew.seconds
        if whole and picture and near and _same(picture, shown, limits.anew):
            whole = whole[0], span[1]
            continue
        if whole:
            yield whole
        whole, picture = span, shown
    if whole:
        yield whole


def _bars(grids: list[Image.Image], limits: Thresholds) -> Bars:
    """The shares of height and width that are bars, each on the side with the narrower bar."""
    if not grids:
        return 0.0, 0.0
    brightest = grids[0]
    for grid in grids[1:]:
        brightest = ImageChops.lighter(brightest, grid)
    cells = list(brightest.tobytes())
    across, down = _GRID
    rows = [cells[row * across : (row + 1) * across] for row in range(down)]
    columns = [cells[column::across] for column in range(across)]
    return _bar(rows, limits), _bar(columns, limits)


def _bar(lines: list[list[int]], limits: Thresholds) -> float:
    first, last = _dark(lines, limits), _dark(lines[::-1], limits)
    uneven = abs(first - last) / len(lines)
    return min(first, last) / len(lines) if uneven <= limits.bars.uneven else 0.0


def _dark(lines: list[list[int]], limits: Thresholds) -> int:
    """The number of dark lines on this side, if the picture begins directly behind them in its whole width, else 0."""
    count = next((place for place, line in enumerate(lines) if max(line) > limits.bars.dark), 0)
    level = max((max(line) for line in lines[: max(0, count - 1)]), default=0)
    behind = lines[min(count + 1, len(lines) - 1)]  # the line between may contain both
    filled = sum(cell >= level + limits.bars.brighter for cell in behind) / len(behind)
    return count if filled >= limits.bars.filled else 0


def _peak_db(path: Path, most_seconds: float) -> float | None:
    """The peak of the sound that a player plays, in dB relative to full scale; None without a sound track."""
    peak = 0
    with opened(path) as source:
        track = sound_track(source)
        if track is None:
            return None
        resampler = AudioResampler("s16", "mono", _SOUND_RATE)
        for frame in source.decode(track):
            for part in resampler.resample(frame):
                wave = array("h", bytes(part.planes[0])[: part.samples * 2])
                peak = max(peak, max(wave, default=0), -min(wave, default=0))
            if float(frame.time or 0.0) > most_seconds:
                break
    return 20 * log10(peak / 32768) if peak else -120.0
