"""The clips that ship with the project can be used as they are."""

from pathlib import Path

import pytest

from prefect_storyboard.media.fitting import describe_fit
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.reference import check
from prefect_storyboard.storyboards import ClipLimits

CLIPS = Path(__file__).parents[2] / "examples" / "clips"
STRICTEST = ClipLimits(
    containers=("mp4",), min_short_side=720, max_aspect=2.67, max_bytes=10_000_000, min_seconds=1, max_seconds=4
)


@pytest.mark.parametrize("name", ["mara", "otto"])
def test_an_example_clip_is_small_and_fits_every_model_as_it_is(name):
    facts = probe(CLIPS / f"{name}.mp4")
    assert (facts.width, facts.height, facts.fps, facts.seconds, facts.has_audio) == (1280, 720, 24, 3.0, True)
    assert facts.bytes < 300_000
    check(facts, STRICTEST, name)
    assert describe_fit(CLIPS / f"{name}.mp4", STRICTEST, name, start=None, end=None).steps == ()
