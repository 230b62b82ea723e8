"""How loud a clip is (EBU R 128, measured by libavfilter), and the one gain that makes it as loud as the others."""

import math
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from prefect_storyboard.media.filters import chain, through
from prefect_storyboard.media.sound import LAYOUT, RATE, sound

TARGET = -16.0  # LUFS, as podcasts and the web have it
PEAK = -2.0  # dB true peak of what is encoded; AAC may overshoot it by a decibel, and -1 is the limit
MOST = 12.0  # dB, up or down
_SILENT = -60.0  # LUFS; below it there is only noise to make louder
_HEARD = 0.3  # dB; a smaller difference is not worth encoding the sound again


class Loudness(NamedTuple):
    """Integrated loudness in LUFS and true peak in dB; -inf for silence, and for less than 0.4 s."""

    lufs: float
    peak: float


def measure(path: Path, origin: Fraction, samples: int) -> Loudness:
    """Measure `samples` samples of a file's sound from `origin` (seconds on its clock) on."""
    meter = chain(("ebur128", "peak=true:metadata=1"), ("abuffersink", None), rate=RATE, layout=LAYOUT)
    # A frame of 0.1 s states what was heard up to its end; what is left of a tenth of a second states nothing.
    stated = (frame.metadata for frame in through(meter, sound(path, origin, samples)))
    last = deque((facts for facts in stated if facts), maxlen=1)
    facts = last[0] if last else {}
    lufs, peak = float(facts.get("lavfi.r128.I", "-inf")), float(facts.get("lavfi.r128.true_peak", "0"))
    return Loudness(lufs if lufs > _SILENT else -math.inf, 20 * math.log10(peak) if peak > 0 else -math.inf)


def gain(measured: Loudness, target: float = TARGET) -> float:
    """The gain in dB that brings a sound to the target: at most 12 either way, and never above -2 dB true peak.

    0 for silence, and where the sound is loud enough already. It is one number for the whole clip, so nothing pumps; a
    clip whose peaks leave no room stays quieter than the target.
    """
    if math.isinf(measured.lufs):
        return 0.0
    wanted = max(-MOST, min(MOST, target - measured.lufs, PEAK - measured.peak))
    return round(wanted, 2) if abs(wanted) >= _HEARD else 0.0
