"""How much memory a reel takes, measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

from test_media_kit import clip


def peak(folder: Path, count: int) -> int:
    """Render so many clips in a process of its own; give its peak memory in MiB."""
    code = (
        "import resource, sys; from pathlib import Path; from prefect_storyboard.media.reel import Part, assemble;"
        "a, b = Path(sys.argv[1], 'a.mp4'), Path(sys.argv[1], 'b.mp4');"
        "assemble([Part(p, 'x') for p in [a, b] * int(sys.argv[2])], Path(sys.argv[1], 'reel.mp4'));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    command = [sys.executable, "-c", code, str(folder), str(count)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_memory_does_not_grow_with_the_number_of_clips(tmp_path):
    clip(tmp_path / "a.mp4", size=(320, 180))
    clip(tmp_path / "b.mp4", size=(320, 180), fps=30)
    few, many = peak(tmp_path, 2), peak(tmp_path, 10)
    assert many - few < 12  # MiB; the 16 more clips have 36 MiB of pictures
