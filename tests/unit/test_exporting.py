"""What is exported of a library: paths that the file finds, copies beside it for a bucket, and captions that cost nothing."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import fsspec
import pytest
from cuts import stored
from test_media_kit import clip

from prefect_storyboard.cli.extras import missing
from prefect_storyboard.export import Chosen, ExportError, timeline
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.media.timing import Transition
from prefect_storyboard.series import exporting
from prefect_storyboard.series.exporting import _begins, _Places, _standing, _take, _write
from prefect_storyboard.series.takes import TakeLine
from prefect_storyboard.storyboards import Scene, Storyboard

from .test_currency import Shelf

PLACE = ("reels", "by-the-sea", "scenes", "s01", "take-001.mp4")


def line_of(path: Path) -> TakeLine:
    kept = stored(path, "s01").clip
    facts = {"url": "/".join(["anywhere", *PLACE]), "sha256": exporting._sha256(path)}
    return TakeLine(scene="s01", take=1, shown=True, clip=kept.model_copy(update=facts))


@pytest.fixture
def bucket(tmp_path):
    storage = Storage(fs=fsspec.filesystem("memory"), root=f"/{tmp_path.name}", url=f"memory://{tmp_path.name}")
    storage.publish(clip(tmp_path / "clip.mp4"), *PLACE)
    yield storage
    with suppress(FileNotFoundError):
        storage.fs.rm(storage.path(), recursive=True)


def test_a_file_names_the_clips_of_a_library_on_disk_relative_to_itself(tmp_path):
    storage = Storage(fs=fsspec.filesystem("file"), root=str(tmp_path / "library"), url=str(tmp_path / "library"))
    source = clip(tmp_path / "clip.mp4")
    storage.publish(source, *PLACE)
    take = _take(line_of(source), _Places(storage, "by-the-sea", "otio", tmp_path / "cuts" / "sea.otio", tmp_path))
    assert take is not None
    assert take.name_as == "../library/reels/by-the-sea/scenes/s01/take-001.mp4"


def test_the_clips_of_a_bucket_are_copied_beside_the_file_once(bucket, tmp_path):
    places = _Places(bucket, "by-the-sea", "otio", tmp_path / "sea.otio", tmp_path / "scratch")
    take = _take(line_of(tmp_path / "clip.mp4"), places)
    assert take is not None
    assert take.name_as == "sea-clips/s01/take-001.mp4"
    copy = tmp_path / take.name_as
    before = copy.stat().st_mtime_ns
    assert copy.read_bytes() == (tmp_path / "clip.mp4").read_bytes()
    _take(line_of(tmp_path / "clip.mp4"), places)
    assert copy.stat().st_mtime_ns == before
    copy.write_bytes(b"torn")
    _take(line_of(tmp_path / "clip.mp4"), places)
    assert copy.read_bytes() == (tmp_path / "clip.mp4").read_bytes(), "a copy that is another file is fetched again"


def test_a_table_names_the_objects_of_a_bucket_and_leaves_no_copy(bucket, tmp_path):
    places = _Places(bucket, "by-the-sea", "csv", tmp_path / "sea.csv", tmp_path / "scratch")
    take = _take(line_of(tmp_path / "clip.mp4"), places)
    assert take is not None
    assert take.name_as == bucket.link(*PLACE)
    assert not (tmp_path / "sea-clips").exists()


def test_a_clip_of_the_reel_that_is_gone_stops_the_export(bucket, tmp_path):
    bucket.remove(*PLACE)
    places = _Places(bucket, "by-the-sea", "edl", tmp_path / "sea.edl", tmp_path)
    with pytest.raises(ExportError, match="the file of s01 take 1 is gone from the library"):
        _standing(line_of(tmp_path / "clip.mp4"), places)


def test_a_file_that_cannot_be_written_is_said_in_one_sentence(tmp_path):
    with pytest.raises(ExportError, match=r"cannot be written: No such file or directory; nothing was bought"):
        _write(tmp_path / "none" / "sea.edl", "x")


def test_a_caption_is_in_no_key_and_in_no_plan_hash():
    scene = {"id": "s01", "prompt": "The sea."}
    bare, said = (
        Shelf().plan({"title": "T", "model": "seedance-2", "scenes": [scene | facts]})
        for facts in ({}, {"caption": "Hm."})
    )
    assert said.storyboard.scenes[0].caption == "Hm."
    assert [each.key for each in said.scenes] == [each.key for each in bare.scenes]
    assert said.hash == bare.hash


def test_burned_captions_and_cards_are_in_no_key():
    scene = {"id": "s01", "prompt": "The sea.", "caption": "Hm."}
    board = {"title": "T", "model": "seedance-2", "scenes": [scene]}
    soft, burned = (Shelf().plan(board | facts) for facts in ({}, {"burn": True, "cards": {"title": "Sea"}}))
    assert [each.key for each in burned.scenes] == [each.key for each in soft.scenes]


def test_the_export_names_what_to_install():
    lines = ["opentimelineio>=0.18; extra == 'export'", "otio-cmx3600-adapter>=1.0; extra == 'export'"]

    def version(name: str) -> str:
        return {"opentimelineio": "0.17", "otio-cmx3600-adapter": "1.0.0"}[name]

    assert missing("export", lines, version) == ["opentimelineio>=0.18"]


def test_where_scenes_dissolve_captions_follow_the_shorter_reel_and_hard_cuts_are_refused(tmp_path):
    takes = [stored(clip(tmp_path / f"{number}.mp4", seconds=2), f"s0{number}") for number in (1, 2)]
    scenes = [
        Chosen(scene=Scene(id=f"s0{number}", prompt="The sea.", caption="Ahoy."), shown=take)
        for number, take in enumerate(takes, 1)
    ]
    board = Storyboard(title="By the sea", transition="dissolve", scenes=tuple(each.scene for each in scenes))
    line = timeline("By the sea", scenes, into=_begins(board, scenes, "srt"))
    assert [(cut.start, cut.stop) for cut in line.cuts] == [(0, 36), (36, 84)]
    with pytest.raises(ExportError, match=r"s02 begin with a dissolve.*nothing was written"):
        _begins(board, scenes, "edl")
    fading = board.model_copy(update={"transition": "fade"})
    assert _begins(fading, scenes, "edl") == [Transition("fade", Fraction(1, 2))] * 2
