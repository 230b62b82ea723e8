"""A reference clip is judged by the limits of a model in one clear sentence."""

from fractions import Fraction

import pytest

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.probe import Probe
from prefect_storyboard.media.reference import check
from prefect_storyboard.storyboards import ClipLimits

SORA = ClipLimits(
    containers=("mp4",),
    min_short_side=720,
    max_short_side=1080,
    max_aspect=2.67,
    max_bytes=10_000_000,
    min_seconds=1,
    max_seconds=4,
    sound=True,
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
            {"width": 2560, "height": 1440},
            "Mara is 2560x1440: the shorter side may have at most 1080 pixels; scale it down.",
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
        ({"container": "mkv"}, "Mara is a MKV file: only MP4 is accepted; convert it."),
        ({"seconds": 0.5}, "Mara is 0.50 s long: at least 1 s are needed; choose a longer clip or range."),
        ({"seconds": 6.25}, "Mara is 6.25 s long: at most 4 s are accepted; give a start and an end."),
        (
            {"bytes": 12_340_000},
            "Mara has 12.3 MB: at most 10.0 MB are accepted; shorten it or compress it more.",
        ),
        ({"has_audio": False}, "Mara has no sound: a sound track is needed; add one, even if it is silent."),
    ],
)
def test_a_clip_outside_a_limit_is_reported_the_fact_and_the_remedy(change, sentence):
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
