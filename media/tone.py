"""Convert high dynamic range and wide gamut to BT.709: a look-up table for libavfilter's lut3d, from ITU formulas.

BT.2100 defines HLG and PQ in candela, BT.2390 (section 5.4) the roll-off of highlights, and BT.2408 the standard
range's white at 203 candela. Values below about 90 candela keep their brightness.
"""

import atexit
import os
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product
from math import exp
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Literal

from av import VideoFrame

Range = Literal["HLG", "PQ", "BT.2020"]
Colour = tuple[float, float, float]

_TRANSFERS: dict[int, Range] = {16: "PQ", 18: "HLG"}  # ITU-T H.273
_BT2020 = 9
_SIZE = 33  # points per axis, computed in 0.3 s; twice as many take eight times as long, and change values by 2 of 255
_WHITE, _PEAK = 203.0, 1000.0  # candela per square metre: white of the standard range, and the peak of phones and HLG
_GAMMA = 2.4  # BT.1886
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_LUMA = (0.2627, 0.6780, 0.0593)
_TO_BT709 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))


def wide_range(frame: VideoFrame) -> Range | None:
    """The range of a frame that exceeds BT.709; None for an ordinary frame."""
    return _TRANSFERS.get(frame.color_trc) or ("BT.2020" if frame.color_primaries == _BT2020 else None)


def label(kind: Range) -> str:
    """The usual name of the range."""
    return kind if kind == "BT.2020" else f"HDR ({kind})"


def table(kind: Range) -> Path:
    """Return a .cube file that converts RGB signals of this kind to BT.709; made once per process, in about 0.3 s."""
    return _table(kind, os.getpid())


@cache
def _table(kind: Range, pid: int) -> Path:
    folder = mkdtemp(prefix=f"storyboard-tones-{pid}-")
    atexit.register(partial(rmtree, folder, ignore_errors=True))
    path = Path(folder, f"{kind}.cube")
    path.write_text("\n".join([f"LUT_3D_SIZE {_SIZE}", *_lines(_DECODERS[kind])]) + "\n", encoding="ascii")
    return path


def _lines(decode: Callable[[Colour], Colour]) -> Iterator[str]:
    steps = [n / (_SIZE - 1) for n in range(_SIZE)]
    for blue, green, red in product(steps, steps, steps):  # red changes fastest in a .cube file
        signal = (max(0.0, light) ** (1 / _GAMMA) for light in _bt709(decode((red, green, blue))))
        yield " ".join(f"{value:.5f}" for value in signal)


def _bt709(light: Colour) -> Colour:
    """Convert the primaries; colours outside BT.709 lose saturation but keep hue and brightness."""
    changed = [sum(part * value for part, value in zip(row, light, strict=True)) for row in _TO_BT709]
    grey = min(1.0, sum(part * value for part, value in zip(_LUMA, light, strict=True)))
    share = 1.0
    for value in changed:
        if value < 0:
            share = min(share, grey / (grey - value))
        elif value > 1:
            share = min(share, (1 - grey) / (value - grey))
    red, green, blue = (grey + share * (value - grey) for value in changed)
    return red, green, blue


def _rolled_off(candela: Colour) -> Colour:
    """Map light of up to 1000 candela to the standard range, with white at 1; the hue is kept."""
    brightest = max(candela)
    if brightest <= 0:
        return 0.0, 0.0, 0.0
    factor = _candela(_knee(_pq(min(brightest, _PEAK)))) / brightest / _WHITE
    red, green, blue = (value * factor for value in candela)
    return red, green, blue


def _knee(signal: float) -> float:
    """BT.2390's curve: linear up to the knee, then a Hermite spline to the white of the standard range."""
    peak = _pq(_PEAK)
    most = _pq(_WHITE) / peak
    start = 1.5 * most - 0.5
    share = signal / peak
    if share <= start:
        return signal
    t = (share - start) / (1 - start)
    spline = (2 * t**3 - 3 * t**2 + 1) * start + (t**3 - 2 * t**2 + t) * (1 - start) + (-2 * t**3 + 3 * t**2) * most
    return spline * peak


def _pq(candela: float) -> float:
    power = (candela / 10_000) ** _M1
    return float(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _candela(signal: float) -> float:
    power = signal ** (1 / _M2)
    return float(10_000 * (max(0.0, power - _C1) / (_C2 - _C3 * power)) ** (1 / _M1))


def _from_pq(signal: Colour) -> Colour:
    red, green, blue = map(_candela, signal)
    return _rolled_off((red, green, blue))


def _from_hlg(signal: Colour) -> Colour:
    scene = [_scene(value) for value in signal]
    gain = _PEAK * sum(part * value for part, value in zip(_LUMA, scene, strict=True)) ** 0.2
    red, green, blue = (gain * value for value in scene)
    return _rolled_off((red, green, blue))


def _scene(signal: float) -> float:
    """Invert HLG's curve: 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return signal**2 / 3 if signal <= 0.5 else (exp((signal - c) / a) + b) / 12


def _from_bt2020(signal: Colour) -> Colour:
    red, green, blue = (value**_GAMMA for value in signal)
    return red, green, blue


_DECODERS: dict[Range, Callable[[Colour], Colour]] = {"HLG": _from_hlg, "PQ": _from_pq, "BT.2020": _from_bt2020}
