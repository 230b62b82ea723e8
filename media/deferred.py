"""The functions that need PyAV and Pillow, for use in other folders; the codecs are loaded on first use.

Prefect imports flows and tasks to show a form, to deploy and to schedule, and opens no media file for that. Write
`deferred.fit(...)`: `from ... import fit` would load the codecs at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_storyboard.media.cards import with_cards
    from prefect_storyboard.media.catalogue import MARK, Listed, Portrayed, write_catalogue
    from prefect_storyboard.media.drawn import Drawn
    from prefect_storyboard.media.figures import Difference
    from prefect_storyboard.media.fitting import Fitting, describe_fit, fit
    from prefect_storyboard.media.frames import contact_sheets, last_frame, poster, posters, shrunk
    from prefect_storyboard.media.jpeg import shape
    from prefect_storyboard.media.kept_sound import keep_sound
    from prefect_storyboard.media.lettering import find_font
    from prefect_storyboard.media.mix import length
    from prefect_storyboard.media.page import Card, write_page
    from prefect_storyboard.media.portrait import portrait
    from prefect_storyboard.media.probe import probe, probe_image
    from prefect_storyboard.media.reel import Finish, Part, assemble
    from prefect_storyboard.media.stills import fit_image, stills
    from prefect_storyboard.media.thumbs import thumb_of_file
    from prefect_storyboard.media.timing import Transition, transition
    from prefect_storyboard.media.tone import label
    from prefect_storyboard.media.verdict import CheckedClip, Ordered, check_clip

__all__ = [
    "MARK",
    "Card",
    "CheckedClip",
    "Difference",
    "Drawn",
    "Finish",
    "Fitting",
    "Listed",
    "Ordered",
    "Part",
    "Portrayed",
    "Transition",
    "assemble",
    "check_clip",
    "contact_sheets",
    "describe_fit",
    "find_font",
    "fit",
    "fit_image",
    "keep_sound",
    "label",
    "last_frame",
    "length",
    "portrait",
    "poster",
    "posters",
    "probe",
    "probe_image",
    "shape",
    "shrunk",
    "stills",
    "thumb_of_file",
    "transition",
    "with_cards",
    "write_catalogue",
    "write_page",
]
_MODULES = {
    "cards": {"with_cards"},
    "catalogue": {"MARK", "Listed", "Portrayed", "write_catalogue"},
    "figures": {"Difference"},
    "drawn": {"Drawn"},
    "fitting": {"Fitting", "fit", "describe_fit"},
    "frames": {"contact_sheets", "last_frame", "poster", "posters", "shrunk"},
    "jpeg": {"shape"},
    "kept_sound": {"keep_sound"},
    "lettering": {"find_font"},
    "page": {"Card", "write_page"},
    "portrait": {"portrait"},
    "probe": {"probe", "probe_image"},
    "mix": {"length"},
    "reel": {"Finish", "Part", "assemble"},
    "stills": {"fit_image", "stills"},
    "thumbs": {"thumb_of_file"},
    "timing": {"Transition", "transition"},
    "tone": {"label"},
    "verdict": {"CheckedClip", "Ordered", "check_clip"},
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"prefect_storyboard.media.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
