"""The thresholds for the checks of a clip, from `looks.toml` beside this file."""

import tomllib
from functools import cache
from importlib.resources import files

from prefect_storyboard.storyboards import Frozen


class Sampling(Frozen):
    """How much of a clip is analysed."""

    a_second: float
    burst_seconds: float
    most_seconds: float
    most_pixels: float


class Length(Frozen):
    """How far the length may differ from the order."""

    warn_off: float
    warn_off_seconds: float
    bad_short: float


class Size(Frozen):
    """How far aspect ratio and size may differ from the order."""

    warn_aspect: float
    bad_aspect: float
    warn_short_side: float


class Black(Frozen):
    """When a picture counts as black, and how much black is too much."""

    mean: float
    most: float
    warn_share: float
    warn_seconds: float
    bad_share: float


class Still(Frozen):
    """When two pictures count as the same, and how long a frozen picture may last."""

    most: float
    mean: float
    warn_share: float
    warn_seconds: float
    bad_share: float


class Anew(Frozen):
    """How far an encoder may change a frozen picture, at a key frame and shortly after it."""

    most: float
    mean: float
    seconds: float


class Doubled(Frozen):
    """When a frame counts as repeated, and how many may be."""

    most: float
    warn_share: float


class Bars(Frozen):
    """When a black edge counts as a bar."""

    dark: float
    brighter: float
    filled: float
    warn_share: float
    bad_share: float
    uneven: float


class Sound(Frozen):
    """When a clip counts as silent, and when as audible."""

    silent_db: float
    heard_db: float


class Start(Frozen):
    """How similar the first picture must be to the one that the clip was given."""

    alike: float
    unlike: float
    near: float
    seconds: float


class AskedFor(Frozen):
    """Words of a prompt that ask for what would otherwise be a fault."""

    black: tuple[str, ...]
    still: tuple[str, ...]
    doubled: tuple[str, ...]
    bars: tuple[str, ...]
    silence: tuple[str, ...]


class Thresholds(Frozen):
    """All thresholds, as in the file."""

    sampling: Sampling
    length: Length
    size: Size
    black: Black
    still: Still
    anew: Anew
    doubled: Doubled
    bars: Bars
    sound: Sound
    start: Start
    asked_for: AskedFor


@cache
def thresholds() -> Thresholds:
    """The thresholds of the file."""
    text = files(__package__).joinpath("looks.toml").read_text(encoding="utf-8")
    return Thresholds.model_validate(tomllib.loads(text))
