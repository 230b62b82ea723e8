"""A reference clip outside a model's area, rate or shape is made to fit, and the plan says how."""

import pytest
from test_media_fitting_kit import film, walk

from prefect_storyboard.media.fitting import describe_fit, fit
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.reference import check
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.providers.table import models

SEEDANCE = [
    sold.reference
    for family in models().values()
    for name, sold in family.items()
    if name.startswith("seedance-2") and not name.startswith("seedance-2.5")
]


def sent(path, limits, folder):
    """The facts of the file that is sent, and what was announced."""
    fitting = describe_fit(path, limits, "Mara", start=None, end=None)
    made = probe(fit(local_file(path), limits, "Mara", start=None, end=None, folder=folder / "made").path)
    assert (made.width, made.height) == (fitting.width, fitting.height)
    return made, fitting.steps


@pytest.mark.parametrize("limits", SEEDANCE)
def test_seedance_2_is_limited_in_area_rate_and_shape(limits):
    assert (limits.min_area, limits.max_area) == (409_600, 927_408)
    assert (limits.min_fps, limits.max_fps, limits.max_aspect) == (24, 60, 2.5)


@pytest.mark.parametrize(
    ("size", "step", "shape"),
    [
        ((640, 480), "scaled to 740x556", (740, 556)),
        ((480, 480), "scaled to 640x640", (640, 640)),
        ((1680, 720), "scaled to 1470x630", (1470, 630)),
        ((720, 1680), "scaled to 630x1470", (630, 1470)),
        ((1440, 480), "scaled to 1280x720", (1280, 720)),
    ],
)
def test_a_picture_with_too_few_or_too_many_pixels_is_scaled(size, step, shape, tmp_path):
    made, steps = sent(film(tmp_path / "a.mp4", walk(size), 2, fps=24), SEEDANCE[0], tmp_path)
    assert steps[-1] == step
    assert (made.width, made.height) == shape
    check(made, SEEDANCE[0], "Mara")


@pytest.mark.parametrize(
    ("fps", "becomes", "step"),
    [
        (12, 24, "resampled from 12 to 24 frames a second"),
        (15, 30, "resampled from 15 to 30 frames a second"),
        (10, 30, "resampled from 10 to 30 frames a second"),
        (23, 24, "resampled from 23 to 24 frames a second"),
        (100, 50, "resampled from 100 to 50 frames a second"),
        (120, 60, "resampled from 120 to 60 frames a second"),
    ],
)
def test_a_rate_outside_the_limits_is_resampled_evenly_where_that_can_be(fps, becomes, step, tmp_path):
    made, steps = sent(film(tmp_path / "a.mp4", walk((960, 540)), 2, fps=fps), SEEDANCE[0], tmp_path)
    assert steps == (step,)
    assert (made.fps, made.seconds) == (becomes, 2)
