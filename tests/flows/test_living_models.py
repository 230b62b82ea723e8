"""Models that are not switched off: the characters go along as pictures or clips, and nothing is created first."""

import io
from pathlib import Path

import pytest
from PIL import Image

from prefect_storyboard.media.frames import last_frame
from prefect_storyboard.media.probe import probe
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.gateways import GATEWAYS, fetched, media, opened, rendered_once

FAL = ("seedance-2", "seedance-2-fast", "kling-o3", "veo-3.1")
show = rendered_once(*(("fal", name) for name in FAL), *((gateway, "seedance-2") for gateway in GATEWAYS[1:]))

SEEDANCE = (
    """{0}1 and {0}4 wind the clockwork.
{0}2 and {0}3 show the same character as {0}1.
{0}5 shows the same character as {0}4.""",
    """With {0}1. She opens the door.
{0}2 and {0}3 show the same character as {0}1.
The video begins with {0}4 as its first frame.""",
    "Far out a boat turns.",
)
KLING = (
    "@Element1 and @Element2 wind the clockwork.",
    "With @Element1. She opens the door.",
    "Far out a boat turns.",
)
VEO = (
    "Mara and Otto wind the clockwork.\nReference image 1 shows Mara.\nReference image 2 shows Otto.",
    "She opens the door.\nReference image 1 shows Mara.\nThe video begins with reference image 2 as its first frame.",
    "Far out a boat turns.",
)
# Where the first scene has its pictures, and where a scene has its reference clip.
PICTURES = {
    "fal": "image_urls",
    "kie": "reference_image_urls",
    "toapis": "image_with_roles",
    "wavespeed": "reference_images",
}
CLIPS = {
    "fal": "video_urls",
    "kie": "reference_video_urls",
    "toapis": "video_with_roles",
    "wavespeed": "reference_videos",
}


def prompts(branch):
    if branch.model in {"kling-o3", "veo-3.1"}:
        return KLING if branch.model == "kling-o3" else VEO
    return tuple(text.format("image " if branch.gateway == "toapis" else "@Image") for text in SEEDANCE)


async def test_the_same_storyboard_is_a_reel_with_every_living_model(show):
    assert [clip.scene for clip in show.reel.clips] == ["s01", "s02", "s03"]
    seconds = 8 + 8 + 4 if show.model == "veo-3.1" else 3 * 4  # with characters, Veo makes 8 s
    assert probe(Path(show.reel.url)).seconds == pytest.approx(seconds, abs=0.5)


async def test_no_character_is_created_and_every_scene_is_bought_once(show):
    assert (show.jobs, show.meter()["duplicates"]) == ((0, 3), [])
    assert [[each.id for each in clip.characters] for clip in show.reel.clips] == [[None, None], [None], []]


async def test_the_prompt_cites_the_cast_as_the_model_wants_it(show):
    orders = [show.order(words) for words in ("clockwork", "door", "boat")]
    assert tuple(order["prompt"] for order in orders) == prompts(show)


async def test_the_pictures_are_where_the_model_looks_for_them(show):
    order = show.order("clockwork")
    if show.model == "kling-o3":
        mara, otto = order["elements"]
        assert [len(mara["reference_image_urls"]), len(otto["reference_image_urls"])] == [3, 1]
    else:
        assert len(order[PICTURES[show.gateway]]) == (2 if show.model == "veo-3.1" else 5)
        assert media(order) == media(order[PICTURES[show.gateway]])


async def test_pictures_of_the_user_are_sent_as_they_are_and_the_others_are_taken_from_the_clip(show):
    urls = media(show.order("clockwork"))
    given = [Path(show.picture(name)).read_bytes() for name in ("front.png", "side.png")]
    given = given[:1] if show.model == "veo-3.1" else given
    assert [fetched(url) for url in urls[-len(given) :]] == given
    drawn = [fetched(url) for url in urls[: -len(given)]]
    assert len(set(drawn)) == len(drawn) == {"kling-o3": 4, "veo-3.1": 1}.get(show.model, 3)
    assert {Image.open(io.BytesIO(each)).size for each in drawn} == {(1280, 720)}


async def test_the_scene_that_continues_another_is_shown_its_last_frame(show, tmp_path):
    order = show.order("door")
    smallest = model(show.gateway, show.model).frame.min_side
    last_frame(Path(show.reel.clips[0].url), tmp_path / "last.png", min_side=smallest)
    assert fetched(media(order)[-1]) == (tmp_path / "last.png").read_bytes()
    assert ("start_image_url" in order) == (show.model == "kling-o3")
    cited = any("takes the first frame as a reference" in warning for warning in show.reel.warnings)
    assert cited == (show.model != "kling-o3"), "who cannot start exactly there has to say so"


async def test_a_second_run_buys_nothing_with_any_living_model(show):
    reel, bought = await show.counted(show.series())
    assert (bought, reel.clips, reel.cost_usd) == (0, show.reel.clips, show.reel.cost_usd)


async def test_a_new_title_buys_nothing_and_a_changed_scene_one_clip(show):
    board = show.series() | {"title": "The Storm"}
    board["scenes"][2]["prompt"] = "Far out two boats turn."
    reel, bought = await show.counted(board)
    assert (bought, reel.bought, show.meter()["duplicates"]) == (1, 1, [])


async def test_no_key_is_left_in_reel_ledger_or_sidecars(show):
    assert (show.leaks(), show.meter()["leaks"]) == ([], 0)


async def test_a_first_frame_without_a_cast_is_the_first_frame_itself_where_the_model_has_one(engine, tmp_path):
    with opened("kie", "seedance-2", tmp_path) as studio:
        board = studio.board("The sun rises.")
        board["scenes"][0]["image"] = studio.picture("dawn.png")
        for gateway, field in (("kie", "first_frame_url"), ("toapis", "image_with_roles")):
            studio.gateway = gateway
            reel, _ = await studio.counted(board)
            order = studio.submitted()[-1]
            place = order.get("input", order)[field]
            assert fetched(*media([place])) == Path(studio.picture("dawn.png")).read_bytes()
            assert "begins with" not in str(order), "it begins there; nothing has to be explained"
            assert not any("much like it" in warning for warning in reel.warnings)
        assert place[0]["role"] == "first_frame"


async def test_a_model_that_needs_a_picture_refuses_a_scene_without_one_before_anything_is_sent(engine, tmp_path):
    with opened("fal", "happyhorse", tmp_path) as studio:
        with pytest.raises(StoryboardError, match=r"scenes\[0\]\.characters: happyhorse at fal needs a picture"):
            await studio.counted(studio.board("Far out a boat turns."))
        assert studio.requests() == []


@pytest.mark.parametrize(
    ("gateway", "family", "field"),
    [
        ("fal", "seedance-2.5", "image_url"),
        ("kie", "minimax-h3", "first_frame_url"),
        ("wavespeed", "kling-4", "image"),
    ],
)
async def test_the_frame_is_exact_and_shows_the_cast_where_it_is_preferred(engine, tmp_path, gateway, family, field):
    with opened(gateway, family, tmp_path) as studio:
        board = studio.series() | {"prefer": "frame", "fit": "nearest"}
        board["scenes"] = [{"id": "s01", "prompt": "Mara opens the door.", "image": studio.picture("dawn.png")}]
        reel, bought = await studio.counted(board)
        order = studio.submitted()[-1]
        order = order.get("input", order)
        assert (bought, len(media(order)), order["prompt"]) == (1, 1, "Mara opens the door.")
        assert fetched(order[field]) == Path(studio.picture("dawn.png")).read_bytes()
        assert any("by prefer: frame, " in warning for warning in reel.warnings)
        assert (await studio.counted(board))[1] == 0


async def test_a_named_element_is_described_as_the_storyboard_describes_its_character(engine, tmp_path):
    with opened("kie", "kling-v3", tmp_path) as studio:
        board = studio.series()
        board["cast"][0]["description"] = "a keeper in a yellow coat"
        board["scenes"] = [{"id": "s01", "prompt": "Mara opens the door.", "image": studio.picture("dawn.png")}]
        await studio.counted(board)
        (order,) = studio.submitted()
        (element,) = order["input"]["kling_elements"]
        assert (element["name"], element["description"]) == ("mara", "a keeper in a yellow coat")
        assert (order["input"]["prompt"], len(order["input"]["image_urls"])) == ("@mara opens the door.", 1)


async def test_what_the_table_is_not_sure_of_is_bought_where_fals_live_list_agrees(engine, tmp_path):
    with opened("fal", "kling-4", tmp_path) as studio:
        board = studio.series() | {"fit": "nearest"}
        _, bought = await studio.counted(board)
        assert bought == 3
        studio.fault("deprecated", match={"gateway": "fal"})
        board["scenes"][2]["prompt"] = "Far out two boats turn."
        with pytest.raises(InvalidRequest, match=r"kling-4 at fal was not submitted: .* can be called"):
            await studio.counted(board)
        assert len(studio.meter()["billed"]) == 3


@pytest.fixture(scope="module")
def long_film(film, tmp_path_factory):
    """Larger and longer than any model takes."""
    return str(film(tmp_path_factory.mktemp("film") / "otto.mp4", size=(1920, 1080), seconds=6))


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_clip_as_reference_is_cut_and_scaled_to_what_the_table_allows(engine, tmp_path, gateway, long_film):
    with opened(gateway, "seedance-2", tmp_path) as studio:
        board = studio.board("Otto rolls past.")
        board["cast"] = [{"name": "Otto", "clip": long_film, "reference": "clip"}]
        reel, bought = await studio.counted(board)
        assert (bought, len(reel.clips)) == (1, 1)
        (order,) = studio.submitted()
        order = order.get("input", order)
        assert order["prompt"] == ("video 1 rolls past." if gateway == "toapis" else "@Video1 rolls past.")
        (url,) = media(order[CLIPS[gateway]])
        assert media(order) == [url]
        (tmp_path / "sent.mp4").write_bytes(fetched(url))
    sent, limits = probe(tmp_path / "sent.mp4"), model(gateway, "seedance-2").reference
    assert sent.container in limits.containers
    assert (sent.width, sent.height) == (1280, limits.max_short_side)
    assert limits.max_seconds - 0.3 <= sent.seconds <= limits.max_seconds
