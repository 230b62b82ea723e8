"""The thresholds of what counts as wrong with a clip: `looks.toml`, beside this file."""

import tomllib
from functools import cache
from importlib.resources import files

from prefect_storyboard.storyboards import Frozen


class Sampling(Frozen):
    """How much of a clip is looked at."""

    a_second: float
    burst_seconds: float
    most_seconds: float
    most_pixels: float


class Length(Frozen):
    """How far the length may be off."""

    warn_off: float
    warn_off_seconds: float
    bad_short: float


class Size(Frozen):
    """How far shape and size may be off."""

    warn_aspect: float
    bad_aspect: float
    warn_short_side: float


class Black(Frozen):
    """What is black, and how much of it is too much."""

    mean: float
    most: float
    warn_share: float
    warn_seconds: float
    bad_share: float


class Still(Frozen):
    """What stands still, and for how long."""

    most: float
    mean: float
    warn_share: float
    warn_seconds: float
    bad_share: float


class Anew(Frozen):
    """What an encoder may change of a picture that stands still, at a key frame and shortly after it."""

    most: float
    mean: float
    seconds: float


class Doubled(Frozen):
    """Which pictures are the same again."""

    most: float
    warn_share: float


class Bars(Frozen):
    """What is a bar."""

    dark: float
    brighter: float
    filled: float
    warn_share: float
    bad_share: float
    uneven: float


class Sound(Frozen):
    """What is heard."""

    silent_db: float
    heard_db: float


class Start(Frozen):
    """How alike the first picture has to be to the one that the clip starts from."""

    alike: float
    unlike: float
    near: float
    seconds: float


class AskedFor(Frozen):
    """Words of a prompt that ask for what would be wrong otherwise."""

    black: tuple[str, ...]
    still: tuple[str, ...]
    doubled: tuple[str, ...]
    bars: tuple[str, ...]
    silence: tuple[str, ...]


class Thresholds(Frozen):
    """All of them, as in the file."""

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
