"""A character from a scene, at every gateway: its scene is rendered first and once, and the character follows its take."""

import pytest

from prefect_storyboard.flows import generate_scene
from prefect_storyboard.flows.plan import planned
from tests.flows.gateways import media, opened

PLACES = (
    ("fal", "sora-2"),
    ("kie", "sora-2"),
    ("toapis", "sora-2"),
    ("wavespeed", "sora-2"),
    ("fal", "seedance-2"),
    ("kie", "seedance-2"),
)


def board(branch, **portrait):
    """Mara of a scene that comes last; a scene with her, and one that continues it."""
    made = branch.board("Mara rows a boat.", "She lands.", "Mara, a keeper in a yellow coat, speaks.")
    made["cast"] = [{"name": "Mara", "from_scene": "s03"}]
    made["scenes"][1] |= {"continues": "s01", "characters": []}
    made["scenes"][2] |= portrait
    return made


async def rendered(branch, **portrait):
    return await branch.counted(board(branch, **portrait))


@pytest.fixture(params=PLACES, ids=["-".join(place) for place in PLACES])
def branch(request, engine, tmp_path):
    with opened(*request.param, tmp_path, scale=1.0) as found:
        yield found


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path, scale=1.0) as found:
        yield found


async def test_her_scene_is_rendered_first_and_once_and_a_second_run_buys_nothing(branch):
    made = await planned(board(branch), branch.credentials(), branch.library)
    assert "s03" in "; ".join(made.scenes[0].references)
    reel, bought = await rendered(branch)
    if made.high_usd is not None:
        assert sum(bill["usd"] for bill in branch.meter()["billed"]) == pytest.approx(made.high_usd)
    if branch.gateway == "kie" and branch.model == "sora-2":  # made of the finished video by its id
        (creation,) = [body for body in branch.submitted() if "characters" in body["model"]]
        assert (creation["model"], media(creation["input"])) == ("sora-2-characters-pro", [])
    assert (reel.failed, [clip.scene for clip in reel.clips]) == ((), ["s01", "s02", "s03"])
    assert (bought, len(made.characters)) == ((4, 1) if branch.model == "sora-2" else (3, 0))
    first, *_ = [str(body) for body in branch.submitted()]
    assert "a keeper in a yellow coat" in first
    (mara,) = reel.clips[0].characters
    assert (mara.made_of.job_key, mara.made_of.identity) == (reel.clips[2].job_key, reel.clips[2].identity)
    again, more = await rendered(branch)
    assert (more, again.clips, again.cost_usd) == (0, reel.clips, reel.cost_usd)
    after = await planned(board(branch), branch.credentials(), branch.library)
    assert {job.state for job in after.jobs} == {"cached"}


async def test_another_take_of_her_scene_makes_those_that_show_her_stale_and_cascade_follows_it(fal):
    reel, _ = await rendered(fal)
    kept, bought = await rendered(fal, take=2)
    assert (bought, [clip.take for clip in kept.clips]) == (1, [1, 1, 2]), "nobody is created for takes that stand"
    assert any(line.startswith("s01 shows Mara made from another take of s03; it is kept") for line in kept.warnings)
    creations = fal.bought()[0]
    new, _ = await fal.counted(board(fal, take=2), cascade=True)
    assert [clip.take for clip in new.clips] == [2, 2, 2]
    assert new.clips[0].characters[0].made_of.job_key == new.clips[2].job_key
    assert fal.bought() == (2 * creations, 6)
    assert (await fal.counted(board(fal, take=2), cascade=True))[1] == 0
    assert reel.clips[2].url != new.clips[2].url


async def test_what_a_run_leaves_behind_on_its_way_the_next_one_takes(fal):
    portrait = await generate_scene.fn(board(fal), "s03", fal.credentials(), fal.library, allow_retired=True)
    assert fal.bought() == (0, 1)
    fal.fault("locked", match={"endpoint": "characters"}, times=1)
    reel, _ = await rendered(fal)
    assert [(each.scene, each.charged) for each in reel.failed] == [("s01", False), ("s02", False)]
    assert [clip.job_key for clip in reel.clips] == [portrait.job_key]
    reel, _ = await rendered(fal)
    assert (reel.failed, fal.bought()) == ((), (1, 3))


async def test_a_scene_that_fails_stops_only_those_that_show_its_character(fal):
    fal.fault("policy_refusal", match={"prompt": "yellow coat"})
    made = board(fal)
    made["scenes"].append({"id": "s04", "prompt": "A dog.", "seconds": 4})
    reel, bought = await fal.counted(made)
    assert (bought, [clip.scene for clip in reel.clips]) == (2, ["s04"]), "what is refused was accepted first"
    assert [each.error for each in reel.failed][:2] == [
        "it needs s03, which has no clip",
        "it needs s01, which has no clip",
    ]


async def test_a_living_model_is_shown_the_clip_of_her_scene(engine, tmp_path):
    with opened("kie", "seedance-2", tmp_path, scale=1.0) as kie:
        made = board(kie)
        made["cast"][0] |= {"reference": "clip", "start": 0.5, "end": 3}
        plan = await planned(made, kie.credentials(), kie.library)
        reel, bought = await kie.counted(made)
        assert (bought, reel.failed) == (3, ())
        (body,) = [body["input"] for body in kie.submitted() if "rows" in body["input"]["prompt"]]
        assert len(body["reference_video_urls"]) == 1
        bills = sorted(round(bill["usd"], 6) for bill in kie.meter()["billed"])
        assert bills == sorted(round(scene.usd or 0, 6) for scene in plan.scenes)
