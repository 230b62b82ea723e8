"""What nobody asks for and somebody does."""

from pathlib import Path

import pytest
import yaml

from prefect_storyboard.blocks import Library
from prefect_storyboard.flows import storyboard_series
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.probe import probe
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import assemble, create_character, generate, poll, store

ODD = [
    "Der Turm – 灯台 ñ ✨",
    "✨✨",
    "{title} {0} {",
    "../../etc",
    "a/b\\c",
    "CON",
    "x" * 120,
    "𠀀" * 100,
    ".hidden",
    "-",
]
NAMES = ["Zoë {x}", "李", 'O\'Neill "Red"', "[/bold]", "../Mara", "𠀀" * 80, "<b>Mara</b>"]
PROMPTS = ['She says "no"', "one\ntwo", "{braces} {0} {{", "100 % %s", "<script>alert(1)</script>", "\\", "灯台"]


@pytest.mark.slow
async def test_any_title_has_a_folder_inside_the_library(studio):
    for title in ODD:
        reel = await studio.check(studio.board("The sea.", title=title))
        folder = Path(reel.url).parent
        assert folder.resolve().parent == Path(studio.library) / "reels"
        assert yaml.safe_load((folder / "storyboard.yaml").read_text())["title"] == reel.title == title
    assert studio.bought() == (0, 1)


async def test_any_name_can_be_a_characters(studio):
    board = studio.board(*(f"Here comes {name}!" for name in NAMES))
    board["cast"] = [{"name": name, "clip": board["cast"][0]["clip"]} for name in NAMES]
    reel = await studio.render(board)
    assert [[casting.character for casting in clip.characters] for clip in reel.clips] == [[name] for name in NAMES]
    assert {body["name"] for body in studio.submitted() if "name" in body} == {*NAMES}


async def test_any_prompt_is_sent_in_the_users_words(studio):
    reel = await studio.render(studio.board(*PROMPTS))
    assert [clip.prompt for clip in reel.clips] == PROMPTS
    assert sorted(body["prompt"] for body in studio.submitted()) == sorted(PROMPTS)
    assert "<script>alert" not in Path(reel.page).read_text()


@pytest.mark.slow
async def test_thirty_scenes_stay_in_the_order_of_the_storyboard(studio):
    prompts = [f"Wave {number}." for number in range(30)]
    reel = await studio.render(studio.board(*prompts, seconds=4), provider=studio.credentials(in_flight=7))
    assert [clip.prompt for clip in reel.clips] == prompts
    assert studio.bought() == (0, 30)
    assert probe(Path(reel.url)).seconds == pytest.approx(120, abs=1)


async def test_a_storyboard_needs_no_cast(studio):
    reel = await studio.render({"title": "Sea", "model": "sora-2", "scenes": [{"id": "s01", "prompt": "The sea."}]})
    assert (reel.bought, reel.unpriced) == (1, 0)


async def test_who_is_in_no_scene_is_not_created_and_their_clip_is_not_even_read(studio):
    board = studio.board("The sea.")
    board["cast"][0]["clip"] = "gone.mp4"
    assert (await studio.render(board)).bought == 1


async def test_an_empty_list_of_characters_means_nobody(studio):
    board = studio.board("Mara's house.")
    board["scenes"][0]["characters"] = []
    await studio.render(board)
    assert "character_ids" not in studio.submitted()[0]


async def test_who_is_named_only_in_the_list_is_named_to_the_model(studio):
    board = studio.board("She opens the door.")
    board["scenes"][0]["characters"] = ["Mara"]
    await studio.render(board)
    assert studio.submitted()[1]["prompt"] == "With Mara. She opens the door."


async def test_an_upright_series_is_upright(studio):
    reel = await studio.render(studio.board("Mara wakes.", "The sea.", aspect="9:16"))
    seen = probe(Path(reel.url))
    assert seen.width < seen.height
    assert {body["aspect_ratio"] for body in studio.submitted() if "prompt" in body} == {"9:16"}


async def test_scenes_of_two_models_share_their_characters_and_one_reel(studio):
    board = studio.board("Mara wakes.", "Mara sleeps.")
    board["scenes"][1]["model"] = "sora-2-pro"
    reel = await studio.render(board)
    assert studio.bought() == (1, 2)
    assert [clip.model for clip in reel.clips] == ["sora-2", "sora-2-pro"]
    assert {clip.width for clip in reel.clips} == {320, 448}
    assert probe(Path(reel.url)).seconds == pytest.approx(8, abs=0.2)


async def test_a_flow_may_be_called_without_prefects_engine(studio):
    reel = await storyboard_series.fn(studio.board("Mara wakes."), studio.credentials(), studio.library)
    assert reel.bought == 2


async def test_tasks_may_be_called_one_by_one(studio):
    on = {"credentials": studio.credentials(), "library": Library(url=studio.library)}
    mara = await create_character.fn("Mara", studio.clips / "mara.mp4", model="sora-2", **on)
    scene = {"model": "sora-2", "characters": [mara], "reel": "one", "scene": "s01", **on}
    bought = await generate.fn("Mara wakes.", **scene)
    clip = await store.fn(bought, await poll.fn(bought, **on), **on)
    assert isinstance(clip, Clip)
    assert Path(clip.url).exists()
    assert (await generate.fn("Mara wakes.", **scene)).state == "Cached"
    reel = await assemble.fn([clip], title="One", library=on["library"])
    assert Path(reel.url).exists()
    assert studio.bought() == (1, 1)


async def test_a_clip_that_was_spoilt_in_the_library_is_fetched_again_or_named(studio):
    board = studio.board("The sea.")
    clip = (await studio.render(board)).clips[0]
    Path(clip.url).write_bytes(b"spoilt")
    board["scenes"].append({"id": "s02", "prompt": "The shore."})
    try:
        reel = await studio.render(board)
    except MediaError as error:
        assert "s01/take-001.mp4" in str(error)
    else:
        assert probe(Path(reel.clips[0].url)).seconds == pytest.approx(4, abs=0.1)
    assert studio.bought() == (0, 2)
