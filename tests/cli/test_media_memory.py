"""How much memory a reel and its sheets take, measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from test_media_kit import clip, sound_seconds

from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.tracks import read_clip

ASSEMBLE = """
from prefect_storyboard.media.reel import Part, assemble
a, b = folder / "a.mp4", folder / "b.mp4"
assemble([Part(path, "x") for path in [a, b] * count], folder / "reel.mp4")
"""
SHEETS = """
from prefect_storyboard.media.frames import contact_sheets
contact_sheets([(folder / "a.jpg", "s")] * count, folder, cell_width=80)
"""
HEAD = "import re, sys; from pathlib import Path; folder, count = Path(sys.argv[1]), int(sys.argv[2])\n"
# Not ru_maxrss: a child begins with the peak of the process that started it.
TAIL = "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"


def peak(code: str, folder: Path, count: int) -> int:
    """Run the code for so many clips or scenes in a process of its own; return its peak memory in MiB."""
    command = [sys.executable, "-c", HEAD + code + TAIL, str(folder), str(count)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_memory_does_not_grow_with_the_number_of_clips(tmp_path):
    clip(tmp_path / "a.mp4", size=(320, 180))
    clip(tmp_path / "b.mp4", size=(320, 180), fps=30)
    few, many = peak(ASSEMBLE, tmp_path, 2), peak(ASSEMBLE, tmp_path, 10)
    assert many - few < 12  # MiB; the 16 more clips have 36 MiB of pictures


def test_a_hundred_mixed_clips_end_together_and_stay_below_150_mib(tmp_path):
    clip(tmp_path / "a.mp4", size=(320, 180), seconds=0.41)
    clip(tmp_path / "b.mp4", size=(180, 320), fps=30, seconds=0.37, rate=44_100, layout="mono")
    assert peak(ASSEMBLE, tmp_path, 50) < 150
    picture = probe(tmp_path / "reel.mp4")
    assert sound_seconds(tmp_path / "reel.mp4") == pytest.approx(picture.seconds, abs=0.5 / picture.fps)
    lengths = [float(read_clip(tmp_path / name).seconds) for name in ("a.mp4", "b.mp4")]
    assert picture.seconds == pytest.approx(50 * sum(lengths), abs=0.5 / picture.fps)


def test_memory_does_not_grow_with_the_number_of_scenes_on_the_sheets(tmp_path):
    Image.effect_noise((640, 360), 80).convert("RGB").save(tmp_path / "a.jpg")
    few, many = peak(SHEETS, tmp_path, 400), peak(SHEETS, tmp_path, 800)
    assert many - few < 12  # MiB; the 400 more posters have 275 MiB
