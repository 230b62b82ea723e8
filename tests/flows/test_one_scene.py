"""One scene is rendered with what it needs, and nothing else; what it starts from is in the form that the model takes."""

import io
from pathlib import Path

import pytest
from PIL import Image

from prefect_storyboard.flows import SeriesFailed, generate_scene
from prefect_storyboard.flows.plan import planned
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.storyboards import Clip, StoryboardError
from prefect_storyboard.tasks import generate
from tests.flows.gateways import fetched, inner, media, opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path) as branch:
        yield branch


async def one(branch, board, scene, **options):
    """Render one scene without Prefect's engine around it: the clip, or the reel of what failed."""
    ended = await generate_scene.fn(
        board, scene, branch.credentials(), branch.library, **{"allow_retired": True, **options}
    )
    if isinstance(ended, Clip):
        return ended
    failed = await ended.aresult(raise_on_failure=False)
    assert isinstance(failed, SeriesFailed)
    return failed.reel


def prompts(branch):
    return [body["prompt"] for body in branch.submitted() if "prompt" in body]


async def test_a_scene_is_rendered_with_its_ancestors_and_their_characters_and_no_reel_is_made(fal):
    board = fal.board("Mara wakes.", "She goes on.", "Otto waits.", "And on.")
    board["scenes"][1] |= {"continues": "s01", "characters": []}
    board["scenes"][3]["continues"] = "s02"
    clip = await one(fal, board, "s02")
    assert (clip.scene, clip.prompt) == ("s02", "She goes on.")
    assert (prompts(fal), fal.bought()) == (["Mara wakes.", "She goes on."], (1, 2))
    reel = Path(fal.library) / "reels/the-lighthouse"
    assert [path.name for path in reel.iterdir()] == ["scenes"], "neither reel nor page"
    assert await one(fal, board, "s02") == clip, "and it is rendered once"
    assert fal.bought() == (1, 2)
    whole, bought = await fal.counted(board)
    assert (bought, whole.clips[1], len(whole.clips)) == (1 + 2, clip, 4)


async def test_the_budget_is_for_what_the_scene_needs(fal):
    board = fal.board("The sea.", "The shore.")
    with pytest.raises(OverBudget):
        await one(fal, board, "s01", max_cost_usd=0.39)
    assert (await one(fal, board, "s01", max_cost_usd=0.4)).cost_usd == 0.4


async def test_a_scene_that_there_is_not_is_named_and_nothing_is_sent(fal):
    with pytest.raises(ValueError, match="no scene has the id s1; did you mean s01"):
        await one(fal, fal.board("The sea."), "s1")
    assert fal.submitted() == []


async def test_a_scene_that_fails_says_why_and_so_does_one_whose_parent_fails(fal):
    fal.fault("policy_refusal", match={"prompt": "knife"})
    board = fal.board("A knife.", "She goes on.")
    board["scenes"][1]["continues"] = "s01"
    reel = await one(fal, board, "s02")
    assert [failed.scene for failed in reel.failed] == ["s01", "s02"]
    assert "moderation" in reel.failed[0].error
    assert prompts(fal) == ["A knife."]


async def test_as_a_flow_it_ends_failed_and_raises(fal):
    fal.fault("policy_refusal")
    with pytest.raises(SeriesFailed, match="s01: moderation refused"):
        await generate_scene(fal.board("A knife."), "s01", fal.credentials(), fal.library)


# --- remixes


async def test_a_remix_of_what_cannot_be_remixed_is_refused_before_anything_is_sent(fal):
    board = fal.board("The sea.", "The same at night.")
    board["scenes"][0] |= {"model": "seedance-2"}
    board["scenes"][1]["remixes"] = "s01"
    with pytest.raises(StoryboardError, match="which renders s01, makes no videos that can be remixed"):
        await fal.counted(board)
    assert fal.requests() == []


async def test_a_remix_of_a_video_that_the_gateway_has_not_kept_sends_nothing_until_it_is_rendered_again(fal):
    board = fal.board("The sea.", "The same at night.")
    parent = await one(fal, {**board, "scenes": board["scenes"][:1]}, "s01")
    assert (parent.handle, fal.submitted()[0]["delete_video"]) == (None, True)
    board["scenes"][1]["remixes"] = "s01"
    why = "s01 was rendered without a remix in the storyboard, and fal deleted its video; increase the take of s01"
    for refused in (fal.counted(board), one(fal, board, "s02"), planned(board, fal.credentials(), fal.library)):
        with pytest.raises(InvalidRequest, match=why) as error:
            await refused
        assert (error.value.field, error.value.sent, error.value.charged) == ("remixes", False, False)
    assert fal.bought() == (0, 1)
    board["scenes"][0]["take"] = 2
    assert (await one(fal, board, "s02")).scene == "s02"
    assert [body["delete_video"] for body in fal.submitted()] == [True, False, True]
    assert await one(fal, board, "s02"), "and what is remixed is not asked for again"


async def test_a_task_refuses_to_remix_a_clip_that_was_not_kept(fal):
    parent = await one(fal, fal.board("The sea."), "s01")
    with pytest.raises(ValueError, match="remixes: fal has not kept the video of s01"):
        await generate.fn(
            "At night.", model="sora-2", remixes=parent, credentials=fal.credentials(), library=fal.library
        )
    assert fal.bought() == (0, 1)


# --- first frames


async def frame_of(branch, picture):
    """What the gateway saw of the picture that a scene starts from."""
    board = branch.board("The sun rises.")
    board["scenes"][0]["image"] = str(picture)
    clip = await one(branch, board, "s01")
    assert isinstance(clip, Clip), clip
    (url,) = [url for url in media(inner(branch.submitted()[0])) if "callback" not in url]
    body = fetched(url)
    with Image.open(io.BytesIO(body)) as shown:
        return shown.format, shown.size, len(body)


async def test_a_bitmap_is_sent_to_kie_as_a_jpeg_of_no_more_than_10_mb(engine, tmp_path):
    noise = Image.merge("RGB", [Image.effect_noise((2100, 1750), 90) for _ in range(3)])
    noise.save(tmp_path / "dawn.bmp")
    with opened("kie", "sora-2", tmp_path) as kie:
        kind, (width, height), size = await frame_of(kie, tmp_path / "dawn.bmp")
    assert (kind, width / height) == ("JPEG", pytest.approx(1.2, abs=0.01))
    assert 5_000_000 < size <= 10_000_000


@pytest.mark.parametrize(("size", "sent"), [((640, 480), (1280, 720)), ((480, 640), (720, 1280))])
async def test_azures_sora_is_sent_a_first_frame_of_exactly_its_size(engine, tmp_path, size, sent):
    Image.new("RGB", size, (30, 60, 120)).save(tmp_path / "dawn.png")
    with opened("toapis", "sora-2-official", tmp_path) as toapis:
        assert (await frame_of(toapis, tmp_path / "dawn.png"))[:2] == ("JPEG", sent)


async def test_a_scene_that_continues_another_starts_from_a_frame_of_exactly_that_size(engine, tmp_path):
    with opened("toapis", "sora-2-official", tmp_path) as toapis:
        board = toapis.board("The sea.", "She goes on.")
        board["scenes"][1]["continues"] = "s01"
        parent, _ = (await toapis.counted(board))[0].clips
        assert (parent.width, parent.height) != (1280, 720), "the sandbox renders small clips"
        (url,) = [url for url in media(toapis.submitted()[-1]) if "callback" not in url]
        with Image.open(io.BytesIO(fetched(url))) as shown:
            assert shown.size in {(1280, 720), (720, 1280)}
