"""What a scene may say beside its prompt: sound, seed, what must not be seen, and the picture that it ends with.

A model takes each of them in some modes or in none. What it does not take is a fault at its own field: refused, or with
`fit: nearest` left out and told.
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
    """What is said and taken. `silent` is a scene that the model would otherwise give a sound."""

    silent: bool = False
    seed: int | None = None
    negative: str = ""
    ends: str | None = None


class Fault(NamedTuple):
    """What the model does not take: the field, what is so, and what to do."""

    field: str
    fact: str
    remedy: str


def said(board: Storyboard, scene: Scene, field: str) -> object:
    """What the scene says, else what the storyboard does for all; a remix takes nothing of the storyboard's."""
    own = getattr(scene, field)
    return own if own is not None or scene.remixes or field == "ends" else getattr(board, field)


def taken(board: Storyboard, scene: Scene, model: Model, *, shown: bool, frame: bool) -> tuple[Says, tuple[Fault, ...]]:
    """What the model takes of it, and the faults of the rest.

    `shown` says that characters go along as media, `frame` that the scene starts from a picture.
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
            yield Fault(field, "a scene that ends with a picture begins with one", "give it an image, or continues")
