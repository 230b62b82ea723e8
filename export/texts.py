"""Captions as SRT and WebVTT, and all takes of a reel as a CSV table."""

import csv
from io import StringIO

from prefect_storyboard.export.cut import Cut, Footage, Timeline
from prefect_storyboard.export.errors import ExportError
from prefect_storyboard.media.captions import Cue, clock, srt, vtt

_COLUMNS = (
    "scene", "take", "in reel", "start frame", "stop frame", "start", "stop", "frames", "fps", "width", "height",
    "cost_usd", "verdict", "provider", "model", "file", "prompt", "caption",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet evaluates a cell that begins like this


def to_srt(line: Timeline) -> str:
    """The captions as SubRip. Raises ExportError if no scene has one."""
    return srt(_cues(line))


def to_vtt(line: Timeline) -> str:
    """The captions as WebVTT, each named after its scene. Raises ExportError if no scene has one."""
    return vtt(_cues(line))


def to_csv(line: Timeline) -> str:
    """Every take of every scene, one in each row; only takes in the reel have a position in it."""
    out = StringIO()
    table = csv.DictWriter(out, _COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for cut in line.cuts:
        for take in cut.takes:
            place = _place(cut, line) if take is cut.shown else {"in reel": "no"}
            table.writerow({name: _cell(value) for name, value in (_facts(cut, take) | place).items()})
    return out.getvalue()


def _cues(line: Timeline) -> list[Cue]:
    cues = [Cue(cut.start / line.fps, cut.stop / line.fps, cut.caption, cut.scene) for cut in line.cuts if cut.caption]
    if not cues:
        raise ExportError(
            "no scene of the reel has a caption, so there are no subtitles; give scenes a `caption:` in the "
            "storyboard, which buys nothing; nothing was written"
        )
    return cues


def _place(cut: Cut, line: Timeline) -> dict[str, object]:
    return {
        "in reel": "yes",
        "start frame": cut.start,
        "stop frame": cut.stop,
        "start": clock(cut.start / line.fps),
        "stop": clock(cut.stop / line.fps),
        "caption": cut.caption,
    }


def _facts(cut: Cut, take: Footage) -> dict[str, object]:
    clip = take.clip
    return {
        "scene": cut.scene,
        "take": clip.take,
        "frames": take.frames,
        "fps": round(float(take.fps), 3),
        "width": clip.width,
        "height": clip.height,
        "cost_usd": "" if clip.cost_usd is None else clip.cost_usd,
        "verdict": take.verdict,
        "provider": clip.provider,
        "model": clip.model,
        "file": take.name_as,
        "prompt": clip.prompt,
    }


def _cell(value: object) -> object:
    """Quote text that a spreadsheet would evaluate as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
