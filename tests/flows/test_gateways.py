"""One storyboard, four gateways: each renders it, creates each character once, and is paid once."""

import os
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from prefect_storyboard.media.frames import last_frame
from prefect_storyboard.media.probe import probe
from tests.flows.gateways import GATEWAYS, SECRET, fetched, media, opened, rendered_once

branch = rendered_once(*((gateway, "sora-2") for gateway in GATEWAYS))

SECONDS = {"fal": 4, "kie": 10, "toapis": 10, "wavespeed": 4}
CAST = {"character_ids", "character_id_list", "characters"}
# How the first scene words "Mara and Otto wind ...", and the second, which begins with a picture, "She opens ...".
FORMS = {
    "fal": (
        {"prompt": "Mara and Otto wind the clockwork.", "character_ids": ["{mara.id}", "{otto.id}"]},
        {"prompt": "With Mara. She opens the door.", "character_ids": ["{mara.id}"]},
    ),
    "kie": (
        {
            "prompt": "{mara.mention} and {otto.mention} wind the clockwork.",
            "character_id_list": ["{mara.id}", "{otto.id}"],
        },
        {"prompt": "With {mara.mention}. She opens the door.", "character_id_list": ["{mara.id}"]},
    ),
    "toapis": (
        {"prompt": "{mara.mention} and {otto.mention} wind the clockwork."},
        {"prompt": "With {mara.mention}. She opens the door."},
    ),
    "wavespeed": (
        {"prompt": "Mara and Otto wind the clockwork.", "characters": ["{mara.id}", "{otto.id}"]},
        {"prompt": "With Mara. She opens the door."},
    ),
}


def filled(form, castings):
    """The form with what the gateway has called the two."""
    names = {casting.character.lower(): casting for casting in castings}
    lists = {key: [each.format(**names) for each in value] for key, value in form.items() if isinstance(value, list)}
    return {"prompt": form["prompt"].format(**names), **lists}


async def test_the_same_storyboard_is_a_reel_at_every_gateway(branch):
    assert [clip.scene for clip in branch.reel.clips] == ["s01", "s02", "s03"]
    assert {clip.provider for clip in branch.reel.clips} == {branch.gateway}
    assert probe(Path(branch.reel.url)).seconds == pytest.approx(3 * SECONDS[branch.gateway], abs=0.5)
    assert Path(branch.reel.page).exists()


async def test_every_character_is_created_once_and_every_scene_bought_once(branch):
    assert branch.jobs == (2, 3)
    assert branch.meter()["duplicates"] == []


async def test_the_cast_goes_along_in_the_gateways_own_form(branch):
    castings = branch.reel.clips[0].characters
    assert [casting.character for casting in castings] == ["Mara", "Otto"]
    both, one = (filled(form, castings) for form in FORMS[branch.gateway])
    for words, form in (("clockwork", both), ("door", one), ("boat", {"prompt": "Far out a boat turns."})):
        assert {key: value for key, value in branch.order(words).items() if key in {"prompt", *CAST}} == form


async def test_a_gateways_own_name_for_a_character_is_an_at_sign_and_a_username(branch):
    mentions = [casting.mention for casting in branch.reel.clips[0].characters]
    named = branch.gateway in {"kie", "toapis"}
    assert [bool(mention and mention.startswith("@")) for mention in mentions] == [named, named]


async def test_the_scene_that_continues_another_starts_from_its_last_frame(branch, tmp_path):
    (url,) = media(branch.order("door"))
    last_frame(Path(branch.reel.clips[0].url), tmp_path / "last.png")
    assert fetched(url) == (tmp_path / "last.png").read_bytes()
    assert media(branch.order("boat")) == []


async def test_a_second_run_buys_nothing_at_any_gateway(branch):
    reel, bought = await branch.counted(branch.series())
    assert (bought, reel.clips, reel.cost_usd) == (0, branch.reel.clips, branch.reel.cost_usd)


async def test_a_new_title_buys_nothing_and_a_changed_scene_one_clip(branch):
    board = branch.series() | {"title": "The Storm"}
    board["scenes"][2]["prompt"] = "Far out two boats turn."
    reel, bought = await branch.counted(board)
    assert (bought, reel.bought) == (1, 1)
    assert [clip.sha256 for clip in reel.clips[:2]] == [clip.sha256 for clip in branch.reel.clips[:2]]
    assert branch.meter()["duplicates"] == []


async def test_no_key_is_left_in_reel_ledger_sidecars_or_prefects_database(branch):
    assert SECRET not in repr(branch.reel)
    assert branch.leaks() == []
    assert branch.meter()["leaks"] == 0, "the key went to a host that must not see it"
    async with get_client() as client:  # the database has everything by now: its writer is asked last
        await client.read_flow_runs()
    database = b"".join(path.read_bytes() for path in Path(os.environ["PREFECT_HOME"]).rglob("*.db*"))
    assert (b"storyboard-series" in database, SECRET.encode() in database) == (True, False)


async def test_one_parameter_moves_a_storyboard_within_one_library_and_the_way_back_is_free(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path) as studio:
        board = studio.board("The sea.")
        for gateway in (*GATEWAYS, "fal"):
            studio.gateway = gateway
            reel, _ = await studio.counted(board, model="seedance-2")
            assert [(clip.provider, clip.model) for clip in reel.clips] == [(gateway, "seedance-2")]
        assert studio.bought() == (0, 4)
    takes = sorted(path.name for path in Path(reel.url).parent.glob("scenes/s01/*.mp4"))
    assert takes == [f"take-00{number}.mp4" for number in range(1, 5)]
