"""What a model does not sell is refused by name, or fitted where the user says so; what is billed is said."""

import pytest

from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.gateways import opened

REMARKS = {
    "s01: 4 s was asked for, 10 s is rendered and billed",
    "s01: 1:1 was asked for, 9:16 is rendered and billed",
    "s01: 1080p was asked for, 720p is rendered and billed",
}


@pytest.fixture
def kie(engine, tmp_path):
    """Where Sora 2 is sold as 10 or 15 s of 720p, upright or wide, and nothing else."""
    with opened("kie", "sora-2", tmp_path) as studio:
        yield studio


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, r"seconds: sora-2 at kie sells 10, 15 seconds, not 4; write seconds: 10, or fit: nearest"),
        ({"seconds": 12}, r"seconds: .* not 12; write seconds: 10, or fit: nearest"),
        ({"seconds": 13}, r"seconds: .* not 13; write seconds: 15, or fit: nearest"),
        ({"aspect": "1:1"}, r'aspect: sora-2 at kie offers 16:9, 9:16, not 1:1; write aspect: "16:9", or fit: nearest'),
        ({"resolution": "1080p"}, r'resolution: .* offers 720p, not 1080p; write resolution: "720p", or fit: nearest'),
    ],
)
async def test_what_is_not_sold_is_refused_by_name_before_anything_is_sent(kie, asked, says):
    board = {**kie.board("Mara wakes.", fit="exact"), **asked}
    with pytest.raises(StoryboardError, match=says):
        await kie.counted(board)
    assert kie.requests() == []


async def test_everything_that_is_not_sold_is_told_at_once_each_where_it_was_written(kie):
    board = kie.board("Mara wakes.", "The sea.", fit="exact", seconds=10, resolution="1080p")
    board["scenes"][1] |= {"seconds": 4, "aspect": "1:1"}
    with pytest.raises(StoryboardError) as wrong:
        await kie.counted(board)
    fields = [problem.field for problem in wrong.value.problems]
    assert sorted(fields) == ["resolution", "scenes[1].aspect", "scenes[1].seconds"]


async def test_the_nearest_is_rendered_and_billed_and_said(kie):
    board = kie.board("The sea.", seconds=4, aspect="1:1", resolution="1080p")
    reel, bought = await kie.counted(board)
    (clip,), (bill,) = reel.clips, kie.meter()["billed"]
    assert (bought, bill["seconds"], bill["usd"], clip.cost_usd) == (1, 10, 0.15, 0.15)
    assert (clip.seconds == pytest.approx(10, abs=0.1), clip.width < clip.height) == (True, True)
    assert set(reel.warnings) >= REMARKS
    (order,) = kie.submitted()
    assert (order["input"]["n_frames"], order["input"]["aspect_ratio"]) == ("10", "portrait")


async def test_who_then_writes_what_was_rendered_buys_nothing_and_reads_no_more_of_it(kie):
    await kie.counted(kie.board("The sea.", seconds=4, aspect="1:1", resolution="1080p"))
    reel, bought = await kie.counted(kie.board("The sea.", seconds=10, aspect="9:16", fit="exact"))
    assert (bought, len(reel.clips)) == (0, 1)
    assert [warning for warning in reel.warnings if "was asked for" in warning] == []


async def test_a_budget_holds_for_what_is_billed_and_not_for_what_was_asked(kie):
    with pytest.raises(OverBudget, match=r"\$0\.15"):
        await kie.counted(kie.board("The sea.", seconds=4), max_cost_usd=0.1)
    assert kie.submitted() == []


async def test_only_the_scenes_that_are_not_sold_as_asked_are_fitted(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as studio:
        board = studio.board("The sea.", "The shore.", seconds=5)
        board["scenes"][1] |= {"seconds": 3, "resolution": "1440p"}
        reel, _ = await studio.counted(board)
        orders = {order["prompt"]: (order["duration"], order["resolution"]) for order in studio.submitted()}
        assert orders == {"The sea.": ("5", "720p"), "The shore.": ("4", "1080p")}
    assert {warning for warning in reel.warnings if "was asked for" in warning} == {
        "s02: 3 s was asked for, 4 s is rendered and billed",
        "s02: 1440p was asked for, 1080p is rendered and billed",
    }
