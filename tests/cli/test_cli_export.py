"""`storyboard export`: a reel is handed on to programs that nobody here wrote, and nothing is bought."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import av
import opentimelineio as otio
import pytest
import yaml
from cuts import chosen, reel
from PIL import Image, ImageChops, ImageStat

from prefect_storyboard.export import text_of, timeline
from tests.cli.test_cli import control, storyboard  # noqa: F401 - a fixture

pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>")
ON = ("--provider", "fal", "--library", "library")


def board(folder: Path, **facts) -> str:
    scenes = [
        {"id": "s01", "prompt": "The sea.", "caption": "Where is she?"},
        {"id": "s02", "prompt": "The shore."},
        {"id": "s03", "prompt": "The lamp.", "caption": "There."},
    ]
    path = folder / "board.yaml"
    path.write_text(yaml.safe_dump({"title": "By the Sea", "model": "sora-2", "scenes": scenes, **facts}))
    return str(path)


@pytest.fixture
def sea(storyboard, tmp_path):  # noqa: F811
    """A reel of three scenes; the second one shows its second take."""
    path = board(tmp_path)
    assert storyboard("run", path, *ON)[0] == 0
    assert storyboard("reroll", path, "s02", *ON)[0] == 0
    return path


def test_a_reel_is_exported_in_every_format_and_buys_nothing(storyboard, sandbox, sea, tmp_path):  # noqa: F811
    jobs, made = control(sandbox, "meter")["jobs_accepted"], {}
    for to in ("otio", "fcpxml", "edl", "srt", "vtt", "csv"):
        code, out, err = storyboard("export", sea, "--to", to, "-o", f"cut.{to}", "--json", *ON)
        assert (code, err) == (0, "")
        (made[to],) = json.loads(out)
        assert Path(f"cut.{to}").stat().st_size > 0
    assert control(sandbox, "meter")["jobs_accepted"] == jobs
    shown = pictures("library/reels/by-the-sea/reel.mp4")
    assert {each["frames"] for each in made.values()} == {len(shown)}
    track = otio.adapters.read_from_file("cut.otio").video_tracks()[0]
    assert [(each.name, len(each.media_references())) for each in track] == [("s01", 1), ("s02", 2), ("s03", 1)]
    assert all((tmp_path / each.media_reference.target_url).is_file() for each in track)
    with Path("cut.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["scene"], row["take"], row["in reel"]) for row in rows if row["scene"] == "s02"] == [
        ("s02", "1", "no"),
        ("s02", "2", "yes"),
    ]
    assert Path("cut.srt").read_text(encoding="utf-8").count("-->") == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("melt") is None, reason="Debian's melt is not installed")
def test_melt_plays_what_the_importer_of_kdenlive_has_read_as_our_reel_frame_by_frame(tmp_path):
    scenes = chosen(tmp_path, {}, {"seconds": 49 / 24}, {"seconds": 0.5}, within="")
    line, shown = timeline("By the Sea", scenes), pictures(reel(tmp_path, scenes))
    (tmp_path / "sea.otio").write_text(text_of(line, "otio"), encoding="utf-8")
    cut = otio.adapters.read_from_file(str(tmp_path / "sea.otio"))
    project = otio.adapters.write_to_string(cut, "kdenlive").replace(
        'width="1920" height="1080"', 'width="160" height="90"'
    )
    (tmp_path / "sea.kdenlive").write_text(project, encoding="utf-8")
    # Its black background has no end.
    command = ("melt", "xml:sea.kdenlive", "in=0", f"out={line.frames + 9}", "-consumer", "avformat:played.mkv")
    options = ("vcodec=ffv1", "an=1", "real_time=-1")
    subprocess.run([*command, *options], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    played = pictures(tmp_path / "played.mkv")
    nearest = [min(range(len(shown)), key=lambda n: apart(each, shown[n])) for each in played[: line.frames]]
    assert nearest == [*range(line.frames)]
    assert all(each.getextrema()[1] < 32 for each in played[line.frames :]), "and then it is black"


def pictures(path) -> list[Image.Image]:
    with av.open(path) as source:
        return [frame.to_image().convert("L") for frame in source.decode(video=0)]


def apart(one: Image.Image, other: Image.Image) -> float:
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]
