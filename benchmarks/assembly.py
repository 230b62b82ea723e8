"""Assemble a hundred mixed clips into one film, and compare our CPU time with ffmpeg's for the same film.

ffmpeg is the machine's own (Debian: `apt-get install ffmpeg`), with the same size, rate, encoder and quality. Both run
as separate processes, one after the other, and their user and system times are compared. Only the ratio is meaningful,
because machines differ. The target is 1.2 at most.

    python -m benchmarks.assembly [clips] [rounds]
"""

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.table import Row, show

OURS = (
    "import sys; from pathlib import Path; from prefect_storyboard.media.reel import Part, assemble; "
    "out, *clips = map(Path, sys.argv[1:]); assemble([Part(clip, clip.stem) for clip in clips], out)"
)
SIZE, RATE = (640, 360), 24  # of most clips


class Kind(NamedTuple):
    """A kind of clip: size, frame rate, and sound."""

    size: tuple[int, int]
    rate: int
    sound: tuple[int, int] | None  # samples a second, channels


KINDS = (
    Kind(SIZE, RATE, (48_000, 2)),
    Kind(SIZE, RATE, (44_100, 1)),
    Kind((360, 640), 30, (48_000, 2)),
    Kind((480, 480), 25, None),
    Kind((1280, 720), RATE, (48_000, 2)),
)


def make(folder: Path, count: int) -> list[Path]:
    """Make one clip of each kind with a moving picture; return `count` paths, each clip repeatedly."""
    made = []
    for number, kind in enumerate(KINDS):
        width, height = kind.size
        path = folder / f"{number}.mp4"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r={kind.rate}:d=2"]
        if kind.sound:
            rate, channels = kind.sound
            command += ["-f", "lavfi", "-i", f"sine=440:r={rate}:d=2", "-ac", str(channels), "-c:a", "aac"]
        subprocess.run([*command, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-y", str(path)], check=True)
        made.append(path)
    return [made[n % len(made)] for n in range(count)]


def ffmpeg(clips: Sequence[Path], out: Path) -> list[str]:
    """The command for the same film: padded with bars, one rate, stereo sound throughout, a key frame at each clip."""
    (width, height), command, graph, joined = SIZE, ["ffmpeg", "-v", "error", "-y"], [], ""
    for number, clip in enumerate(clips):
        command += ["-i", str(clip)]
        graph.append(
            f"[{number}:v]scale={width}:{height}:flags=bicubic:force_original_aspect_ratio=decrease:"
            f"force_divisible_by=2,pad={width}:{height}:-1:-1,setsar=1,fps={RATE},format=yuv420p[v{number}]"
        )
        silent = KINDS[number % len(KINDS)].sound is None
        heard = "anullsrc=r=48000:cl=stereo,atrim=end=2" if silent else f"[{number}:a]aresample=48000"
        graph.append(f"{heard},aformat=sample_fmts=fltp:channel_layouts=stereo[a{number}]")
        joined += f"[v{number}][a{number}]"
    graph.append(f"{joined}concat=n={len(clips)}:v=1:a=1[v][a]")
    command += ["-filter_complex", ";".join(graph), "-map", "[v]", "-map", "[a]"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-threads", "4"]
    command += ["-force_key_frames", "expr:gte(t,n_forced*2)", "-c:a", "aac", "-b:a", "160k"]
    return [*command, "-movflags", "+faststart", str(out)]


def cpu(command: Sequence[str]) -> float:
    """Seconds of CPU, user and system, that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds(film: Path) -> float:
    """The length of a film."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(film)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(count: int = 100, rounds: int = 3) -> None:
    """Print the median of the rounds."""
    if not shutil.which("ffmpeg"):
        sys.exit("ffmpeg is missing; apt-get install ffmpeg")
    show(rows(count, rounds))


def rows(count: int, rounds: int) -> Iterator[Row]:
    """One row: the median of the rounds, in which ours and ffmpeg take turns."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        clips, ratios = make(folder, count), []
        for _ in range(rounds):
            ours = cpu([sys.executable, "-c", OURS, str(folder / "ours.mp4"), *map(str, clips)])
            ratios.append(ours / cpu(ffmpeg(clips, folder / "theirs.mp4")))
        sizes = [(folder / f"{name}.mp4").stat().st_size for name in ("ours", "theirs")]
        lengths = [seconds(folder / f"{name}.mp4") for name in ("ours", "theirs")]
    note = f"{lengths[0]:.2f} s of film, ffmpeg {lengths[1]:.2f} s; {sizes[0] / sizes[1]:.2f} of its bytes"
    rest = f"; rounds {', '.join(f'{ratio:.2f}' for ratio in sorted(ratios))}"
    yield Row(f"assembly of {count} mixed clips", "ours", "ffmpeg", cpu=median(ratios), note=note + rest)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
