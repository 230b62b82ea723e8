"""A clip is made to fit, and what will be done to it is said before; what cannot be fixed is refused."""

from fractions import Fraction

import pytest
from test_media_fitting_kit import cuts, film, still, walk
from test_media_kit import beeps, clip, flashes, pixel, sound_seconds

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.fitting import Fitting, describe_fit, fit
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.reference import check
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import ClipLimits

HD = (1280, 720)
VP9 = {"codec": "libvpx-vp9", "sound": "libopus"}
LIMITS = {
    f"{model.provider} {model.name}": model.reference for family in models().values() for model in family.values()
}


def fitted(path, limits, folder, start=None, end=None):
    """The file that is sent, its facts, and what was announced."""
    fitting = describe_fit(path, limits, "Mara", start=start, end=end)
    sent = fit(local_file(path), limits, "Mara", start=start, end=end, folder=folder / "made")
    assert fitting.needed == (sent.path != path)
    return sent.path, probe(sent.path), fitting.steps


def refused(path, limits, start=None, end=None):
    with pytest.raises(MediaError) as judged:
        describe_fit(path, limits, "Mara", start=start, end=end)
    with pytest.raises(MediaError) as again:
        fit(local_file(path), limits, "Mara", start=start, end=end, folder=path.parent / "made")
    assert str(judged.value) == str(again.value)
    assert not (path.parent / "made").exists()
    return str(judged.value)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Clips that break one limit or another of nearly every model."""
    folder = tmp_path_factory.mktemp("films")
    return {
        "good": film(folder / "good.mp4", walk(HD), 3, fps=24),
        "long and silent": film(folder / "long.mp4", walk(HD), 7, sound=None),
        "webm": film(folder / "a.mkv", walk((720, 1280)), 3, sound=None),
        "wide and large": film(folder / "wide.mov", walk((2400, 800)), 3),
    }


@pytest.mark.parametrize("kind", ["good", "long and silent", "webm", "wide and large"])
def test_what_comes_out_keeps_the_limits_of_every_model(kind, films, tmp_path):
    ways: dict[Fitting, list[ClipLimits]] = {}
    for limits in set(LIMITS.values()):
        ways.setdefault(describe_fit(films[kind], limits, "Mara", start=None, end=None), []).append(limits)
    for alike in ways.values():  # what is done alike is done once
        path, facts, steps = fitted(films[kind], alike[0], tmp_path)
        for limits in alike:
            check(facts, limits, kind)
            assert path.suffix in {f".{container}" for container in limits.containers} or not steps


@pytest.mark.parametrize("name", LIMITS)
def test_a_good_clip_is_sent_as_it_is_to_every_model(name, films):
    facts = probe(films["good"])
    assert describe_fit(films["good"], LIMITS[name], "Mara", start=None, end=None) == Fitting(
        steps=(), start=0, seconds=3, width=facts.width, height=facts.height
    )


def test_without_limits_nothing_is_done(tmp_path):
    assert fitted(clip(tmp_path / "a.webm", **VP9), ClipLimits(), tmp_path)[2] == ()


@pytest.mark.parametrize(
    ("limits", "start", "end", "steps", "seconds"),
    [
        ({}, 1.5, 2.75, ("seconds 1.5 to 2.75",), 1.25),
        ({"max_seconds": 2}, 0.5, None, ("seconds 0.5 to 2.45",), 1.95),
        ({"max_seconds": 2}, None, 2.5, ("seconds 0.5 to 2.45",), 1.95),
        ({"used_seconds": 2}, 0.5, None, ("seconds 0.5 to 2.5",), 2),
        ({"used_seconds": 2}, 0.5, 2.9, ("seconds 0.5 to 2.5",), 2),
        ({"used_seconds": 2}, 0, 2.9, (), 3),
        ({"used_seconds": 2, "containers": ("mov",)}, 0, 3, ("seconds 0 to 2", "as MP4"), 2),
        ({"max_seconds": 3}, 0, 3, (), 3),
    ],
)
def test_the_range_that_is_given_is_cut_out(limits, start, end, steps, seconds, tmp_path):
    if "containers" in limits:
        limits = limits | {"containers": ("mp4",)}
        path = clip(tmp_path / "a.webm", seconds=3, cue=2.0, **VP9)
    else:
        path = clip(tmp_path / "a.mp4", seconds=3, cue=2.0)
    out, facts, done = fitted(path, ClipLimits(**limits), tmp_path, start, end)
    assert done == steps
    assert facts.seconds == pytest.approx(seconds, abs=1 / 24)
    assert sound_seconds(out) == pytest.approx(facts.seconds, abs=1024 / 48_000)
    begin = start or (0.5 if limits.get("max_seconds") == 2 else 0)
    if begin and begin + seconds > 2.1:
        assert flashes(out) == pytest.approx([2 - begin], abs=1 / 24)
        assert beeps(out) == pytest.approx([2 - begin], abs=0.005)


@pytest.mark.parametrize("limits", [ClipLimits(max_seconds=2), ClipLimits(used_seconds=2)])
def test_of_a_clip_too_long_the_best_range_is_taken(limits, tmp_path):
    path = film(tmp_path / "a.mp4", cuts((0, still()), (3, walk())), 6)
    fitting = describe_fit(path, limits, "Mara", start=None, end=None)
    assert 3 <= fitting.start <= 4
    assert 1.95 <= fitted(path, limits, tmp_path)[1].seconds <= 2 + 1 / 48


def test_what_the_model_leaves_alone_is_not_cut_off(tmp_path):
    path = film(tmp_path / "a.mp4", walk(), 6)
    fitting = describe_fit(path, ClipLimits(used_seconds=4), "Mara", start=None, end=None)
    assert (fitting.steps, fitting.start, fitting.seconds) == ((), 0, 4)


@pytest.mark.parametrize(("size", "scaled"), [((1920, 1080), (1280, 720)), ((1080, 1920), (720, 1280))])
def test_a_picture_too_large_is_scaled(size, scaled, tmp_path):
    path = film(tmp_path / "a.mp4", walk(size), 0.5)
    _, facts, steps = fitted(path, ClipLimits(min_short_side=480, max_short_side=720), tmp_path)
    fitting = describe_fit(path, ClipLimits(min_short_side=480, max_short_side=720), "Mara", start=None, end=None)
    assert (facts.width, facts.height) == (fitting.width, fitting.height) == scaled
    assert steps == (f"scaled to {scaled[0]}x{scaled[1]}",)


@pytest.mark.parametrize(
    ("size", "shape", "step", "bar"),
    [
        ((600, 200), (600, 338), "padded to 16:9", (0.5, 0.05)),
        ((200, 600), (338, 600), "padded to 9:16", (0.05, 0.5)),
    ],
)
def test_a_picture_too_wide_or_narrow_is_padded(size, shape, step, bar, tmp_path):
    path = clip(tmp_path / "a.mp4", size=size, seconds=0.5, cue=None, colour=(200, 120, 40))
    out, facts, steps = fitted(path, ClipLimits(min_short_side=200, max_aspect=2.67), tmp_path)
    assert (facts.width, facts.height) == shape
    assert steps == (step,)
    assert max(pixel(out, bar)) < 12
    assert pixel(out, (0.5, 0.5)) == pytest.approx((200, 120, 40), abs=8)


def test_padding_comes_before_scaling(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(600, 200), seconds=0.5)
    limits = ClipLimits(max_aspect=2.67, max_short_side=180)
    assert fitted(path, limits, tmp_path)[2] == ("padded to 16:9", "scaled to 320x180")


def test_another_container_is_transcoded_whole(tmp_path):
    path = clip(tmp_path / "a.webm", cue=0.25, **VP9)
    out, facts, steps = fitted(path, ClipLimits(containers=("mp4",)), tmp_path)
    assert (facts.container, facts.codec, facts.has_audio, steps) == ("mp4", "h264", True, ("as MP4",))
    assert flashes(out) == pytest.approx([0.25], abs=1 / 24)


def test_a_sideways_clip_is_turned(tmp_path):
    path = clip(tmp_path / "a.mov", rotation=90)
    out, facts, steps = fitted(path, ClipLimits(containers=("mov", "mp4")), tmp_path)
    assert (facts.width, facts.height, facts.rotation, steps) == (90, 160, 0, ("turned upright", "as MP4"))
    assert pixel(out, (0.1, 0.9))[0] > 180


def test_pixels_become_square_and_sides_even(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(90, 160), pixel_shape=Fraction(256, 81), seconds=0.2)
    _, facts, steps = fitted(path, ClipLimits(), tmp_path)
    assert (facts.width, facts.height, steps) == (284, 160, ("pixels made square",))
    odd = clip(tmp_path / "odd.mp4", codec="mpeg4", size=(161, 91), seconds=0.5)
    _, facts, _ = fitted(odd, ClipLimits(), tmp_path, 0.1, 0.4)
    assert (facts.width, facts.height) == (160, 90)


def test_a_silent_clip_gets_a_silent_track_where_one_is_needed(tmp_path):
    path = clip(tmp_path / "a.mp4", sound=None)
    out, facts, steps = fitted(path, ClipLimits(sound=True), tmp_path)
    assert (facts.has_audio, beeps(out), steps) == (True, [], ("silent track added",))
    assert fitted(path, ClipLimits(), tmp_path)[2] == ()


def test_sound_that_goes_on_after_the_picture_is_cut(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=2, sound_seconds=4)
    out, _, steps = fitted(path, ClipLimits(max_seconds=3), tmp_path)
    assert steps == ("sound cut to the picture",)
    assert sound_seconds(out) == pytest.approx(2, abs=0.05)


def test_colours_stay(tmp_path):
    path = clip(tmp_path / "a.mp4", size=HD, seconds=0.4, colour=(200, 120, 40), cue=None)
    out, _, _ = fitted(path, ClipLimits(), tmp_path, 0.1, 0.4)
    assert pixel(out, (0.7, 0.7)) == pytest.approx(pixel(path, (0.7, 0.7)), abs=3)
