"""Reference clips and the result may be too long together: that is refused before anything is uploaded."""

import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.table import model, models
from prefect_storyboard.series.preflight import judge_all
from prefect_storyboard.storyboards import Source, shots, validate
from prefect_storyboard.tasks._references import CastMember
from prefect_storyboard.tasks._scene import check_together

CAST = [{"name": "Mara", "clip": "mara.mp4", "reference": "clip"}]


@pytest.mark.parametrize("place", [("wavespeed", "wan-3"), ("wavespeed", "wan-3-prime"), ("kie", "wan-3")])
@pytest.mark.parametrize(
    ("seconds", "clips", "taken"), [(30, 0.0, True), (26, 4.0, True), (26, 4.5, False), (16, 14.7, False)]
)
def test_wan_3_takes_thirty_seconds_of_clips_and_result_together(place, seconds, clips, taken):
    why = model(*place).overlong(seconds, clips)
    assert (why == "") == taken
    assert taken or f"{place[1]} at {place[0]} takes 30 seconds for the reference clips and the scene together" in why


def test_no_model_without_reference_clips_has_such_a_limit():
    for families in models().values():
        for entry in families.values():
            assert not (entry.references and entry.references.most_seconds and not entry.references.clips)


def test_a_scene_that_is_too_long_with_its_clips_is_refused_before_an_upload():
    board = validate(
        {
            "title": "T",
            "model": "wan-3",
            "cast": CAST,
            "scenes": [{"id": "s01", "prompt": "Mara waves.", "seconds": 28}],
        }
    )
    (shot,) = shots(board, lambda name: model("wavespeed", name), Source("t"))
    check_together(shot, 2.0)
    with pytest.raises(InvalidRequest, match="not 4.5 and 28: ask for fewer seconds") as refused:
        check_together(shot, 4.5)
    assert (refused.value.field, refused.value.sent) == ("seconds", False)


@pytest.mark.parametrize(("seconds", "problems"), [(25, 0), (28, 1)])
def test_a_series_is_told_of_it_before_anything_is_bought(seconds, problems, tmp_path):
    scenes = [
        {"id": "s01", "prompt": "A boat.", "seconds": 6},
        {"id": "s02", "prompt": "Mara waves.", "seconds": seconds},
    ]
    cast = [{"name": "Mara", "from_scene": "s01", "reference": "clip"}]
    board = validate({"title": "T", "model": "wan-3", "cast": cast, "scenes": scenes})
    made = shots(board, lambda name: model("wavespeed", name), Source("t"))
    who = {"Mara": CastMember(character=board.cast[0], folder=tmp_path)}
    judged = judge_all(board, made, who, {}, tmp_path)
    assert [place for place, _ in judged.problems] == [("scenes", 1, "seconds")] * problems
    assert all("30 seconds for the reference clips" in why for _, why in judged.problems)
