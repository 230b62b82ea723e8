"""The cut of a reel for other programs: OpenTimelineIO, FCPXML, EDL, SRT, VTT and CSV. No Prefect."""

from prefect_storyboard.export.cut import Chosen, Take, Timeline, timeline
from prefect_storyboard.export.errors import ExportError
from prefect_storyboard.export.formats import NEED_THE_EXTRA, ONLY_SHOWN, REFER_TO_FILES, Format, text_of

__all__ = [
    "NEED_THE_EXTRA",
    "ONLY_SHOWN",
    "REFER_TO_FILES",
    "Chosen",
    "ExportError",
    "Format",
    "Take",
    "Timeline",
    "text_of",
    "timeline",
]
