"""Captions as SRT and WebVTT, and all takes of a reel as a CSV table."""

import csv
from fractions import Fraction
from html import escape
from io import StringIO

from prefect_storyboard.export.cut import Cut, Footage, Timeline
from prefect_storyboard.export.errors import ExportError

_COLUMNS = (
    "scene", "take", "in reel", "start frame", "stop frame", "start", "stop", "frames", "fps", "width", "height",
    "cost_usd", "verdict", "provider", "model", "file", "prompt", "caption",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes a cell that begins so


def to_srt(line: Timeline) -> str:
    """The captions as SubRip. Raises ExportError where no scene has one."""
    parts = [
        f"{number}\n{_clock(cut.start / line.fps, ',')} --> {_clock(cut.stop / line.fps, ',')}\n{_lines(cut.caption)}\n"
        for number, cut in enumerate(_captioned(line), 1)
    ]
    return "\n".join(parts)


def to_vtt(line: Timeline) -> str:
    """The captions as WebVTT, each named after its scene. Raises ExportError where no scene has one."""
    parts = [
        f"{cut.scene}\n{_clock(cut.start / line.fps, '.')} --> {_clock(cut.stop / line.fps, '.')}\n"
        f"{escape(_lines(cut.caption), quote=False)}\n"
        for cut in _captioned(line)
    ]
    return "\n".join(["WEBVTT\n", *parts])


def to_csv(line: Timeline) -> str:
    """Every take of every scene, one a row; only the takes in the reel have a place in it."""
    out = StringIO()
    table = csv.DictWriter(out, _COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for cut in line.cuts:
        for take in cut.takes:
            place = _place(cut, line) if take is cut.shown else {"in reel": "no"}
            table.writerow({name: _cell(value) for name, value in (_facts(cut, take) | place).items()})
    return out.getvalue()


def _captioned(line: Timeline) -> list[Cut]:
    captioned = [cut for cut in line.cuts if cut.caption]
    if not captioned:
        raise ExportError(
            "no scene of the reel has a caption, so there are no subtitles; give scenes a `caption:` in the "
            "storyboard, which buys nothing; nothing was written"
        )
    return captioned


def _lines(caption: str) -> str:
    """The caption's lines; an empty one would end it, and an arrow would be a time."""
    return "\n".join(each for line in caption.splitlines() if (each := line.strip())).replace("-->", "→")


def _clock(seconds: Fraction, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"


def _place(cut: Cut, line: Timeline) -> dict[str, object]:
    return {
        "in reel": "yes",
        "start frame": cut.start,
        "stop frame": cut.stop,
        "start": _clock(cut.start / line.fps, "."),
        "stop": _clock(cut.stop / line.fps, "."),
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
    """Text that a spreadsheet would compute is quoted as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
