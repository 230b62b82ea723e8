"""A record that cannot be read stops the scene that it is about, by name: the others complete, and nothing is bought."""

import json
import shutil
from pathlib import Path

import pytest

from prefect_storyboard.flows.plan import planned
from prefect_storyboard.jobs.repair import repair
from prefect_storyboard.ledger import Ledger, open_storage
from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path) as branch:
        yield branch


def film(branch, *more):
    """A scene of Mara's, one of nobody, one that continues the first; and further ones of nobody."""
    board = branch.board("Mara waves.", "The sea.", "It goes on.", *more)
    board["scenes"][2]["continues"] = "s01"
    for scene in board["scenes"][1:]:
        scene["characters"] = []
    return board


def folder(branch, name):
    """Where the records of a scene's job lie, or of a character's."""
    for intent in Path(branch.library).glob("ledger/??/*/001/intent.json"):
        about = json.loads(intent.read_bytes())
        if name in {about["character"], (about["draft"] or {}).get("scene")}:
            return intent.parent
    raise LookupError(name)


def tear(record):
    record.write_bytes(record.read_bytes()[:-9])


def lose_the_job(branch, name):
    shutil.rmtree(folder(branch, name).parent)


DAMAGES = {
    "a torn intent": lambda branch, name: tear(folder(branch, name) / "intent.json"),
    "a torn outcome": lambda branch, name: tear(folder(branch, name) / "outcome.json"),
    "a lost intent": lambda branch, name: (folder(branch, name) / "intent.json").unlink(),
    "a lost job": lambda branch, name: (folder(branch, name) / "job.json").unlink(),
    "all records lost": lose_the_job,
}
PLACES = [*(("s01", damage) for damage in DAMAGES), ("s03", "a torn intent"), ("s03", "all records lost")]


@pytest.mark.parametrize(("name", "damage"), PLACES)
async def test_the_scene_fails_by_name_and_the_others_complete(fal, name, damage):
    await fal.counted(film(fal))
    DAMAGES[damage](fal, name)
    reel, bought = await fal.counted(film(fal, "A boat turns."))
    assert [failed.scene for failed in reel.failed] == [name]
    assert {clip.scene for clip in reel.clips} == {"s01", "s02", "s03", "s04"} - {name}
    assert bought == 1, "the new scene alone"
    (failed,) = reel.failed
    assert "storyboard repair" in failed.remedy
    assert failed.remedy not in failed.error
    assert failed.charged is False


async def test_a_torn_take_number_stops_no_scene_whose_job_says_which_take_it_is(fal):
    whole, _ = await fal.counted(film(fal))
    tear(next(Path(fal.library).glob("ledger/takes/*/s01/001.json")))
    reel, bought = await fal.counted(film(fal))
    assert (bought, reel.failed, reel.clips) == (0, (), whole.clips)


@pytest.mark.parametrize("damage", ["a torn intent", "a lost job", "all records lost"])
async def test_the_plan_names_the_scene_and_asks_no_money_for_it(fal, damage):
    await fal.counted(film(fal))
    DAMAGES[damage](fal, "s03")
    made = await planned(film(fal, "A boat turns."), fal.credentials(), fal.library)
    states = [scene.state for scene in made.scenes]
    assert states == ["cached", "cached", "unreadable", "new"]
    assert made.low_usd == made.high_usd == made.scenes[3].usd
    assert any(line.startswith("s03: ") and "storyboard repair" in line for line in made.warnings)


@pytest.mark.parametrize("damage", ["a lost intent", "all records lost"])
async def test_what_is_repaired_is_found_again(fal, damage):
    whole, _ = await fal.counted(film(fal))
    DAMAGES[damage](fal, "s01")
    assert repair(Ledger(open_storage(fal.library))).takes
    reel, bought = await fal.counted(film(fal))
    assert (bought, reel.failed, reel.clips) == (0, (), whole.clips)


@pytest.mark.parametrize("damage", ["a torn intent", "all records lost"])
async def test_a_characters_record_stops_the_scenes_that_have_to_be_rendered_with_it(fal, damage):
    await fal.counted(film(fal))
    DAMAGES[damage](fal, "Mara")
    board = film(fal, "Mara sleeps.", "A boat turns.")
    board["scenes"][3]["characters"] = ["Mara"]
    reel, bought = await fal.counted(board)
    assert [failed.scene for failed in reel.failed] == ["s04"]
    assert reel.failed[0].error.startswith("Mara could not be created: ")
    assert "storyboard repair" in reel.failed[0].remedy
    assert bought == 1, "s05 alone"


async def test_a_paid_scene_is_kept_where_its_parent_has_no_clip(fal):
    await fal.counted(film(fal))
    tear(folder(fal, "s01") / "job.json")
    reel, _ = await fal.counted(film(fal))
    assert [clip.scene for clip in reel.clips] == ["s02", "s03"]


async def test_a_new_scene_that_needs_the_unreadable_one_is_not_bought(fal):
    board = film(fal)
    await fal.counted({**board, "scenes": board["scenes"][:2]})
    tear(folder(fal, "s01") / "job.json")
    reel, bought = await fal.counted(board)
    assert (bought, [failed.scene for failed in reel.failed]) == (0, ["s01", "s03"])
    assert reel.failed[1].error == "it needs s01, which has no clip"


async def test_a_torn_sidecar_stops_the_scene_that_has_lost_its_records(fal):
    await fal.counted(film(fal))
    lose_the_job(fal, "s02")
    tear(next(Path(fal.library).glob("reels/*/scenes/s02/take-001.json")))
    reel, bought = await fal.counted(film(fal))
    assert (bought, [failed.scene for failed in reel.failed]) == (0, ["s02"])
    assert "take-001.json is no sidecar of a take" in reel.failed[0].error


async def test_a_character_that_no_scene_needs_any_more_is_named_by_the_reel(fal):
    await fal.counted(film(fal))
    lose_the_job(fal, "s02")
    tear(folder(fal, "Mara") / "intent.json")
    reel, bought = await fal.counted(film(fal))
    assert (bought, [failed.scene for failed in reel.failed]) == (0, ["s02"])
    assert any(line.startswith("Mara could not be created: ") for line in reel.warnings)


async def test_a_scene_that_fails_of_its_character_does_not_hide_that_its_own_records_are_lost(fal):
    await fal.counted(film(fal))
    lose_the_job(fal, "s01")
    tear(folder(fal, "Mara") / "intent.json")
    reel, bought = await fal.counted(film(fal))
    assert (bought, [failed.scene for failed in reel.failed]) == (0, ["s01"])
    assert any("of which the ledger has no record" in line for line in [reel.failed[0].error, *reel.warnings])
