"""The optional fields of a scene: sound, seed, negative prompt, and last frame.

A model takes each of them in some modes or in none. One that it does not take is a fault at its own field: it is
refused, or with `fit: nearest` left out with a remark.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prefect_storyboard.storyboards.base import Frozen
from prefect_storyboard.storyboards.model import Mode, Model
from prefect_storyboard.storyboards.nouns import Scene, Storyboard

FIELDS = ("audio", "seed", "negative", "ends")
_WHERE: Mapping[Mode, str] = {
    "text": "of a prompt alone",
    "image": "that starts from a picture",
    "frames": "that starts and ends with pictures",
    "references": "that shows its characters",
}


class Says(Frozen):
    """The optional fields that are set and that the model takes.

    `silent` is set only for a model that would make sound.
    """

    silent: bool = False
    seed: int | None = None
    negative: str = ""
    ends: str | None = None


class Fault(NamedTuple):
    """A field that the model does not take: the field, the fact, and the remedy."""

    field: str
    fact: str
    remedy: str


def said(board: Storyboard, scene: Scene, field: str) -> object:
    """The scene's value, else the storyboard's; a remix does not take the storyboard's."""
    own = getattr(scene, field)
    return own if own is not None or scene.remixes or field == "ends" else getattr(board, field)


def sound_of(board: Storyboard, scene: Scene, model: Model) -> bool | None:
    """Whether sound or silence is asked of the model; None where nobody has asked, or the model does not take it."""
    audio = said(board, scene, "audio")
    if scene.remixes or audio is None or model.sound == ("never" if audio else "always"):
        return None
    return bool(audio)


def taken(board: Storyboard, scene: Scene, model: Model, *, shown: bool, frame: bool) -> tuple[Says, tuple[Fault, ...]]:
    """The fields that the model takes, and the faults of the others.

    `shown`: characters are sent as reference media; `frame`: the scene starts from a picture.
    """
    mode = model.mode(shown=shown, frame=frame, last_frame=bool(scene.ends))
    faults = tuple(_faults(board, scene, model, mode, frame=frame))
    left = {fault.field for fault in faults}
    audio, seed, negative, ends = (None if field in left else said(board, scene, field) for field in FIELDS)
    silent = audio is False and model.sound == "switch"
    says = Says.model_validate({"silent": silent, "seed": seed, "negative": negative or "", "ends": ends})
    return says, faults


def _faults(board: Storyboard, scene: Scene, model: Model, mode: Mode, *, frame: bool) -> Iterator[Fault]:
    name = f"{model.name} at {model.provider}"
    if scene.remixes:
        for field in FIELDS:
            if said(board, scene, field) not in (None, ""):
                yield Fault(field, f"a remix takes no {field}", f"leave {field} out")
        return
    audio = said(board, scene, "audio")
    if audio is not None and model.sound == ("never" if audio else "always"):
        yield Fault("audio", f"{name} {'has no' if audio else 'always has'} sound", "leave audio out")
    modes = {"seed": model.takes_seed, "negative": model.takes_negative, "ends": model.takes_last_frame}
    for field, takes in modes.items():
        if said(board, scene, field) not in (None, "") and mode not in takes:
            where = f" in a scene {_WHERE[mode]}" if takes else ""
            yield Fault(field, f"{name} takes no {field}{where}", f"leave {field} out")
        elif field == "ends" and scene.ends and not (frame or model.last_frame_alone):
            yield Fault(field, "a scene with a last frame also needs a first one", "give it an image, or continues")
