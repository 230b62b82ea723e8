"""Measure a clip's loudness (EBU R 128, by libavfilter), and compute the gain that makes all clips equally loud."""

import math
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from prefect_storyboard.media.filters import chain, through
from prefect_storyboard.media.sound import LAYOUT, RATE, sound

TARGET = -16.0  # LUFS, the usual level of podcasts and the web
PEAK = -2.0  # dB true peak before encoding; the limit is -1, and AAC may overshoot by a decibel
MAX_GAIN = 12.0  # dB, up or down
_SILENT = -60.0  # LUFS; softer sound is only noise
_MIN_GAIN = 0.3  # dB; a smaller gain is not worth encoding the sound again


class Loudness(NamedTuple):
    """Integrated loudness in LUFS and true peak in dB; -inf for silence, and for sound shorter than 0.4 s."""

    lufs: float
    peak: float


def measure(path: Path, origin: Fraction, samples: int) -> Loudness:
    """Measure `samples` samples of a file's sound, beginning at `origin` (seconds on the file's clock)."""
    meter = chain(("ebur128", "peak=true:metadata=1"), ("abuffersink", None), rate=RATE, layout=LAYOUT)
    # Every full frame of 0.1 s has the values up to its end; an incomplete last frame has none.
    stated = (frame.metadata for frame in through(meter, sound(path, origin, samples)))
    last = deque((facts for facts in stated if facts), maxlen=1)
    facts = last[0] if last else {}
    lufs, peak = float(facts.get("lavfi.r128.I", "-inf")), float(facts.get("lavfi.r128.true_peak", "0"))
    return Loudness(lufs if lufs > _SILENT else -math.inf, 20 * math.log10(peak) if peak > 0 else -math.inf)


def gain(measured: Loudness, target: float = TARGET) -> float:
    """The gain in dB that brings a sound to the target: at most 12 up or down, with a true peak of at most -2 dB.

    0 for silence, and if the difference is below 0.3 dB. One gain for the whole clip avoids pumping; a clip with high
    peaks stays softer than the target.
    """
    if math.isinf(measured.lufs):
        return 0.0
    wanted = max(-MAX_GAIN, min(MAX_GAIN, target - measured.lufs, PEAK - measured.peak))
    return round(wanted, 2) if abs(wanted) >= _MIN_GAIN else 0.0
