"""The formats that a reel is exported to, and what each of them needs."""

from collections.abc import Callable, Mapping
from typing import Literal

from prefect_storyboard.export import fcpxml, texts
from prefect_storyboard.export.cut import Timeline

Format = Literal["otio", "fcpxml", "edl", "srt", "vtt", "csv"]

NEED_THE_EXTRA: frozenset[Format] = frozenset({"otio", "edl"})
ONLY_SHOWN: frozenset[Format] = frozenset({"edl", "srt", "vtt"})  # they have no place for a scene's other takes
REFER_TO_FILES: frozenset[Format] = frozenset({"otio", "fcpxml", "edl"})


def text_of(line: Timeline, to: Format) -> str:
    """The reel in this format. Raises ExportError if the format cannot express it."""
    return _writers(to)(line)


def _writers(to: Format) -> Callable[[Timeline], str]:
    if to in NEED_THE_EXTRA:
        from prefect_storyboard.export import edits  # noqa: PLC0415 - an extra

        return edits.to_otio if to == "otio" else edits.to_edl
    texts_of: Mapping[str, Callable[[Timeline], str]] = {
        "fcpxml": fcpxml.to_fcpxml,
        "srt": texts.to_srt,
        "vtt": texts.to_vtt,
        "csv": texts.to_csv,
    }
    return texts_of[to]
