"""A reference clip is judged in one clear sentence, and made to fit where that is possible."""

from fractions import Fraction

import pytest
from test_media_kit import beeps, clip, flashes, frames, pixel, sound_seconds

from prefect_storyboard.media.probe import MediaError, Probe, probe
from prefect_storyboard.media.reference import check, conform, needs_conform, preflight
from prefect_storyboard.storyboards import ClipLimits

SORA = ClipLimits(
    containers=("mp4",), min_short_side=720, max_aspect=2.67, max_bytes=10_000_000, min_seconds=1, max_seconds=4
)
GOOD = Probe(
    container="mp4", seconds=3, width=1280, height=720, fps=Fraction(24), codec="h264", has_audio=True, bytes=900_000
)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"width": 640, "height": 480},
            "Mara is 640x480: the shorter side needs at least 720 pixels; use a larger recording.",
        ),
        (
            {"width": 2016, "height": 720},
            "Mara is 2016x720, that is 2.80:1: at most 2.67:1 is accepted; crop it, for example to 16:9.",
        ),
        (
            {"width": 720, "height": 2016},
            "Mara is 720x2016, that is 2.80:1: at most 2.67:1 is accepted; crop it, for example to 16:9.",
        ),
        ({"container": "webm"}, "Mara is a WebM file: only MP4 is accepted; convert it."),
        ({"seconds": 0.5}, "Mara is 0.50 s long: at least 1 s are needed; choose a longer clip or range."),
        ({"seconds": 6.25}, "Mara is 6.25 s long: at most 4 s are accepted; give a start and an end."),
        (
            {"bytes": 12_340_000},
            "Mara has 12.3 MB: at most 10.0 MB are accepted; shorten it or compress it more.",
        ),
    ],
)
def test_a_clip_outside_a_limit_is_told_the_fact_and_the_remedy(change, sentence):
    with pytest.raises(MediaError) as caught:
        check(GOOD.model_copy(update=change), SORA, "Mara")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "change", [{}, {"width": 720, "height": 1280}, {"width": 1920, "height": 720}, {"seconds": 4.01}, {"seconds": 1}]
)
def test_a_clip_at_the_limits_passes(change):
    check(GOOD.model_copy(update=change), SORA, "Mara")


def test_without_limits_everything_passes():
    check(GOOD.model_copy(update={"width": 16, "bytes": 10**12}), ClipLimits(), "Mara")


@pytest.mark.parametrize(
    ("change", "start", "end", "needed"),
    [
        ({}, None, None, False),
        ({}, 0, 3, False),
        ({}, 0.5, None, True),
        ({}, None, 2, True),
        ({"container": "webm"}, None, None, True),
        ({"seconds": 8}, None, None, True),
        ({"bytes": 12_000_000}, None, None, True),
        ({"rotation": 90}, None, None, True),
    ],
)
def test_only_a_clip_that_does_not_fit_is_conformed(change, start, end, needed):
    assert needs_conform(GOOD.model_copy(update=change), SORA, start, end) is needed


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp4", {}),
        ("a.mp4", {"fps": 30}),
        ("a.webm", {"codec": "libvpx-vp9", "sound": "libopus"}),
        ("a.mp4", {"times": [n / 10 for n in range(30)]}),
    ],
)
def test_a_range_is_cut_at_its_frames_with_its_sound(name, kind, tmp_path):
    path = clip(tmp_path / name, seconds=3, cue=2.0, **kind)
    facts = conform(path, tmp_path / "out.mp4", start=1.5, end=2.75)
    assert (facts.container, facts.codec) == ("mp4", "h264")
    assert facts.seconds == pytest.approx(1.25, abs=1 / 24)
    assert sound_seconds(tmp_path / "out.mp4") == pytest.approx(facts.seconds, abs=1024 / 48_000)
    assert flashes(tmp_path / "out.mp4") == pytest.approx([0.5], abs=1 / 24)
    assert beeps(tmp_path / "out.mp4") == pytest.approx([0.5], abs=0.005)


def test_a_clip_in_the_wrong_container_is_transcoded_whole(tmp_path):
    path = clip(tmp_path / "a.webm", codec="libvpx-vp9", sound="libopus")
    facts = conform(path, tmp_path / "out.mp4", limits=SORA.model_copy(update={"min_short_side": None}))
    assert len(frames(tmp_path / "out.mp4")) == 24
    assert (facts.container, facts.width, facts.height) == ("mp4", 160, 90)


def test_rotation_is_applied(tmp_path):
    facts = conform(clip(tmp_path / "a.mov", rotation=90), tmp_path / "out.mp4")
    assert (facts.width, facts.height, facts.rotation) == (90, 160, 0)
    assert pixel(tmp_path / "out.mp4", (0.1, 0.9))[0] > 180


def test_pixels_become_square_and_sides_even(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(90, 160), pixel_shape=Fraction(256, 81), seconds=0.2)
    facts = conform(path, tmp_path / "out.mp4")
    assert (facts.width, facts.height) == (284, 160)
    odd = clip(tmp_path / "odd.mp4", codec="mpeg4", size=(161, 91), seconds=0.2)
    facts = conform(odd, tmp_path / "out.mp4")
    assert (facts.width, facts.height) == (160, 90)


def test_colours_stay(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(1280, 720), seconds=0.2, colour=(200, 120, 40), cue=None)
    conform(path, tmp_path / "out.mp4")
    assert pixel(tmp_path / "out.mp4", (0.7, 0.7)) == pytest.approx(pixel(path, (0.7, 0.7)), abs=3)


def test_a_clip_without_sound_gets_a_silent_track(tmp_path):
    assert conform(clip(tmp_path / "a.mp4", sound=None), tmp_path / "out.mp4").has_audio
    assert beeps(tmp_path / "out.mp4") == []


def test_a_clip_too_long_gives_its_beginning_inside_the_limit(tmp_path):
    limits = ClipLimits(max_seconds=2)
    facts = conform(clip(tmp_path / "a.mp4", seconds=3), tmp_path / "out.mp4", start=0.25, limits=limits)
    assert 1.9 <= facts.seconds <= 1.97
    assert flashes(tmp_path / "out.mp4") == pytest.approx([0.25], abs=1 / 24)


def test_a_file_too_large_is_made_smaller(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(320, 180), noise=True)
    limits = ClipLimits(max_bytes=conform(path, tmp_path / "out.mp4").bytes // 3)
    facts = conform(path, tmp_path / "out.mp4", limits=limits)
    assert limits.max_bytes * 0.7 < facts.bytes <= limits.max_bytes


def test_a_file_that_cannot_be_made_small_enough_is_refused(tmp_path):
    with pytest.raises(MediaError, match=r"^a\.mp4 cannot be made as small as 2\.0 kB; choose a shorter range\.$"):
        conform(clip(tmp_path / "a.mp4"), tmp_path / "out.mp4", limits=ClipLimits(max_bytes=2000))
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (1.0, 1.0, "ends before it begins"),
        (1.5, 0.5, "ends before it begins"),
        (0.0, 2.5, "only 2.00 s long"),
        (2.0, None, "only 2.00 s long"),
        (3.0, 4.0, "only 2.00 s long"),
        (-1.0, 1.0, "only 2.00 s long"),
        (0.0, 1.9, "longer than 1.5 s"),
        (0.0, 0.4, "shorter than 1 s"),
    ],
)
def test_a_wrong_range_is_refused(start, end, why, tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=2)
    limits = ClipLimits(min_seconds=1, max_seconds=1.5)
    with pytest.raises(MediaError, match=rf"^a\.mp4, .*{why}"):
        conform(path, tmp_path / "out.mp4", start=start, end=end, limits=limits)
    assert not (tmp_path / "out.mp4").exists()


def test_the_same_input_gives_the_same_bytes(tmp_path):
    path = clip(tmp_path / "a.mp4")
    for name in ("one.mp4", "two.mp4"):
        conform(path, tmp_path / name, start=0.25, end=0.75)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_the_result_passes_the_check_that_the_source_failed(tmp_path):
    path = clip(tmp_path / "a.webm", codec="libvpx-vp9", sound="libopus", size=(1280, 720), fps=12, seconds=5)
    with pytest.raises(MediaError, match="WebM"):
        check(probe(path), SORA, "Mara")
    check(conform(path, tmp_path / "out.mp4", limits=SORA), SORA, "Mara")


def test_a_clip_of_another_container_passes_the_preflight_because_it_will_be_conformed(tmp_path):
    path = clip(tmp_path / "a.webm", size=(1280, 720), codec="libvpx-vp9", sound="libopus")
    preflight(path, SORA, "Mara", start=None, end=None)


@pytest.mark.parametrize(("size", "why"), [((640, 360), "at least 720 pixels"), ((2000, 720), "at most 2.67:1")])
def test_what_no_conforming_mends_is_refused_at_once(size, why, tmp_path):
    with pytest.raises(MediaError, match=f"^Mara is .*{why}"):
        preflight(clip(tmp_path / "a.mp4", size=size), SORA, "Mara", start=None, end=None)


def test_a_range_outside_the_clip_is_refused_at_once(tmp_path):
    with pytest.raises(MediaError, match="choose a range inside it"):
        preflight(clip(tmp_path / "a.mp4", size=(1280, 720), seconds=1), SORA, "Mara", start=0.5, end=9)
