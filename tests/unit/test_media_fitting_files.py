"""Files that are made to fit: small enough, made once, the same every time; and the sentences for the rest."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from test_media_fitting import fitted, refused
from test_media_fitting_kit import film, room, still, walk
from test_media_kit import clip

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.fitting import describe_fit, fit
from prefect_storyboard.media.motion import analyse_range
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.samples import STEP
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.media.tracks import read_clip
from prefect_storyboard.storyboards import ClipLimits


def test_a_file_too_large_is_made_smaller(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(320, 180), noise=True)
    limits = ClipLimits(max_bytes=path.stat().st_size // 3)
    _, facts, steps = fitted(path, limits, tmp_path)
    assert limits.max_bytes * 0.5 < facts.bytes <= limits.max_bytes
    assert steps[0].startswith("compressed to at most ")


def test_a_range_that_comes_out_too_large_is_made_smaller(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(320, 180), noise=True)
    _, facts, _ = fitted(path, ClipLimits(max_bytes=path.stat().st_size // 4), tmp_path, 0, 0.75)
    assert facts.bytes <= path.stat().st_size // 4


def test_a_large_picture_loses_pixels_before_it_gets_ugly(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(1280, 720), noise=True, seconds=0.3)
    _, facts, _ = fitted(path, ClipLimits(max_bytes=path.stat().st_size // 10), tmp_path)
    assert (facts.width, facts.height) == (854, 480)
    _, facts, _ = fitted(path, ClipLimits(max_bytes=path.stat().st_size // 4, min_short_side=720), tmp_path)
    assert facts.height == 720


def test_a_file_that_cannot_be_made_small_enough_is_refused(tmp_path):
    path = clip(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match=r"^Mara cannot be made as small as 2\.0 kB; choose a shorter range\.$"):
        fit(local_file(path), ClipLimits(max_bytes=2000), "Mara", start=None, end=None, folder=tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.parametrize(
    ("size", "seconds", "limits", "sentence"),
    [
        (
            (64, 48),
            1,
            {"min_short_side": 720},
            "Mara is 64x48: the shorter side needs at least 720 pixels; use a larger recording.",
        ),
        (
            (600, 200),
            1,
            {"min_short_side": 300, "max_aspect": 2.67},
            "Mara is 600x200: the shorter side needs at least 300 pixels; use a larger recording.",
        ),
        (
            (64, 48),
            0.5,
            {"min_seconds": 1},
            "Mara is 0.50 s long: at least 1 s are needed; use a longer clip.",
        ),
    ],
)
def test_what_no_rendering_mends_is_refused(size, seconds, limits, sentence, tmp_path):
    assert refused(clip(tmp_path / "a.mp4", size=size, seconds=seconds), ClipLimits(**limits)) == sentence


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (1.0, 1.0, "Mara, 1 to 1 s: the range ends before it begins; give an end after the start."),
        (1.5, 0.5, "Mara, 1.5 to 0.5 s: the range ends before it begins; give an end after the start."),
        (0.5, 2.5, "Mara, 0.5 to 2.5 s: the clip is only 2.00 s long; choose a range inside it."),
        (2.0, None, "Mara, 2 to 2 s: the clip is only 2.00 s long; choose a range inside it."),
        (3.0, 4.0, "Mara, 3 to 4 s: the clip is only 2.00 s long; choose a range inside it."),
        (-1.0, 1.0, "Mara, -1 to 1 s: the clip is only 2.00 s long; choose a range inside it."),
        (None, 9.0, "Mara, 7.5 to 9 s: the clip is only 2.00 s long; choose a range inside it."),
        (0, 1.9, "Mara, 0 to 1.9 s: the range is longer than 1.5 s, the most accepted; choose a shorter one."),
        (0, 0.4, "Mara, 0 to 0.4 s: the range is shorter than 1 s, the least accepted; choose a longer one."),
        (1.5, None, "Mara, 1.5 to 2 s: the range is shorter than 1 s, the least accepted; choose a longer one."),
    ],
)
def test_a_wrong_range_is_refused(start, end, sentence, tmp_path):
    limits = ClipLimits(min_seconds=1, max_seconds=1.5)
    assert refused(clip(tmp_path / "a.mp4", seconds=2), limits, start, end) == sentence


@pytest.mark.parametrize(("start", "end"), [(None, None), (0, 2), (None, 1.5)])
@pytest.mark.parametrize("longest", [1.5, 9])
def test_a_still_picture_is_refused_where_something_must_move(start, end, longest, tmp_path):
    path = film(tmp_path / "a.mp4", still(), 2)
    limits = ClipLimits(motion=True, used_seconds=longest)
    sentence = refused(path, limits, start, end)
    assert sentence.startswith("Mara: nothing moves from 0 to ")
    assert sentence.endswith("; use a clip or a range in which the character moves or speaks.")
    describe_fit(path, ClipLimits(), "Mara", start=start, end=end)


def test_a_clip_that_moves_is_taken_where_something_must(tmp_path):
    path = film(tmp_path / "a.mp4", walk(), 2)
    assert not describe_fit(path, ClipLimits(motion=True), "Mara", start=None, end=None).needed


def test_a_file_that_is_no_clip_is_distinguished(tmp_path):
    empty, picture, text, torn = (tmp_path / name for name in ("a.mp4", "b.png", "c.mp4", "d.mp4"))
    empty.touch()
    room().save(picture)
    text.write_text("no video")
    whole = film(tmp_path / "whole.mp4", walk(), 3).read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    assert refused(empty, ClipLimits()) == "Mara: a.mp4 is empty; export or download it again."
    assert refused(picture, ClipLimits()) == "Mara: b.png is a picture, not a clip; list it under images."
    for path in (text, torn):
        assert refused(path, ClipLimits()).startswith(f"Mara: {path.name} is not a video that can be read: ")
    with pytest.raises(MediaError, match=r"^Mara: .*nowhere\.mp4 does not exist"):
        describe_fit(tmp_path / "nowhere.mp4", ClipLimits(), "Mara", start=None, end=None)


def test_the_same_input_gives_the_same_name_and_bytes(tmp_path):
    clips = [clip(tmp_path / name) for name in ("a.mp4", "b.mp4")]
    made = [
        fit(local_file(path), ClipLimits(), "Mara", start=0.25, end=0.75, folder=tmp_path / path.stem) for path in clips
    ]
    assert made[0].path.name == made[1].path.name
    assert made[0].sha256 == made[1].sha256 == local_file(made[1].path).sha256


def test_other_limits_or_ranges_give_other_files(tmp_path):
    file = local_file(clip(tmp_path / "a.mp4"))
    for start, limits in ((0.25, ClipLimits()), (0.5, ClipLimits()), (0.5, ClipLimits(max_short_side=72))):
        fit(file, limits, "Mara", start=start, end=None, folder=tmp_path / "made")
    assert len(list((tmp_path / "made").iterdir())) == 3


def test_a_file_that_was_made_is_used_again(tmp_path):
    file, options = local_file(clip(tmp_path / "a.mp4")), {"start": 0.25, "end": 0.75, "folder": tmp_path / "made"}
    first = fit(file, ClipLimits(), "Mara", **options)
    before = first.path.stat().st_mtime_ns
    assert fit(file, ClipLimits(), "Mara", **options) == first
    assert first.path.stat().st_mtime_ns == before


def test_two_threads_may_make_the_same_file_at_once(tmp_path):
    file = local_file(clip(tmp_path / "a.mp4"))
    with ThreadPoolExecutor(4) as pool:
        made = set(
            pool.map(
                lambda _: fit(file, ClipLimits(), "Mara", start=0.25, end=0.75, folder=tmp_path / "made"), range(8)
            )
        )
    (path,) = {file.path for file in made}  # their bytes may differ: an encoder's threads are not always in step
    assert list((tmp_path / "made").iterdir()) == [path]
    assert probe(path).seconds == pytest.approx(0.5, abs=0.1)


def test_a_clip_is_judged_by_eight_small_pictures_a_second(tmp_path):
    path = film(tmp_path / "a.mp4", walk((1920, 1080)), 3, sound=None)
    samples = analyse_range(read_clip(path), 0.0, 3.0, 2.0).samples
    assert len(samples) <= 3 / STEP + 1
    assert {sample.grid.size for sample in samples} == {(32, 32)}
