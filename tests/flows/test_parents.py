"""A scene that continues another starts from its real last frame; one that remixes another sends its id."""

import io
import urllib.request

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from prefect_storyboard.media.probe import probe


def picture_at(url):
    with urllib.request.urlopen(url, timeout=120) as reply:
        return Image.open(io.BytesIO(reply.read())).convert("RGB")


def frames_back(picture, path):
    """How many frames before the end of the film the picture was taken, by the likest of the last twelve."""
    with av.open(path) as film:
        frames = list(film.decode(video=0))[:-13:-1]
    likeness = [difference(picture, frame.reformat(format="rgb24").to_image()) for frame in frames]
    assert min(likeness) < 2.5, "the picture is not from this film"  # decoders differ in how they blow up colour
    return likeness.index(min(likeness))


def difference(one, other):
    """0 to 255: how far the pixels are apart on average."""
    return ImageStat.Stat(ImageChops.difference(one, other).convert("L")).mean[0]


async def test_the_child_starts_from_the_parents_last_frame_and_after_it(studio):
    board = studio.board("Mara wakes.", "She goes on.", "And on.")
    board["scenes"][1]["continues"], board["scenes"][2]["continues"] = "s01", "s02"
    reel = await studio.render(board)
    bodies = {body["prompt"]: body for body in studio.submitted() if "prompt" in body}
    assert "image_url" not in bodies["Mara wakes."]
    for child, parent in (("She goes on.", reel.clips[0]), ("And on.", reel.clips[1])):
        sent = picture_at(bodies[child]["image_url"])
        assert sent.size == (parent.width, parent.height)
        assert frames_back(sent, parent.url) == 0
    order = [request["body"]["prompt"] for request in studio.requests("submit") if "prompt" in request["body"]]
    assert order == ["Mara wakes.", "She goes on.", "And on."]
    log = studio.requests()
    taken = next(r["seq"] for r in log if r["route"] == "download")
    assert taken < next(r["seq"] for r in log if (r["body"] or {}).get("prompt") == "She goes on.")


async def test_a_child_may_stand_before_its_parent_in_the_reel(studio):
    board = studio.board("She looks back.", "Mara wakes.")
    board["scenes"][0]["continues"] = "s02"
    reel = await studio.render(board)
    assert [clip.scene for clip in reel.clips] == ["s01", "s02"]
    assert reel.clips[0].parent_key == reel.clips[1].job_key


async def test_a_child_of_a_stored_parent_starts_from_that(studio):
    board = studio.board("Mara wakes.")
    parent = (await studio.render(board)).clips[0]
    board["scenes"].append({"id": "s02", "prompt": "She goes on.", "continues": "s01"})
    await studio.render(board)
    sent = picture_at(studio.submitted()[-1]["image_url"])
    assert frames_back(sent, parent.url) == 0
    assert studio.bought() == (1, 2)


async def test_a_failed_parent_fails_its_children_with_the_reason_and_nobody_else(studio):
    studio.fault("policy_refusal", match={"prompt": "knife"})
    board = studio.board("Mara finds a knife.", "She goes on.", "And on.", "Otto waits.")
    board["scenes"][1]["continues"], board["scenes"][2]["continues"] = "s01", "s02"
    reel = await studio.fails(board)
    assert [clip.scene for clip in reel.clips] == ["s04"]
    refused, child, grandchild = reel.failed
    assert (refused.scene, child.scene, grandchild.scene) == ("s01", "s02", "s03")
    assert (child.error, child.charged, child.remedy) == ("it needs s01, which has no clip", False, "Fix s01 first.")
    assert grandchild.error == "it needs s02, which has no clip"
    assert studio.bought() == (2, 2)


async def test_a_remix_sends_the_id_of_its_parents_video(studio):
    board = studio.board("Mara wakes.", "The same at night.")
    board["scenes"][1]["remixes"] = "s01"
    reel = await studio.render(board)
    remix = studio.submitted()[-1]
    assert remix == {"prompt": "The same at night.", "video_id": reel.clips[0].handle, "delete_video": True}
    assert studio.submitted()[-2]["delete_video"] is False, "or there would be nothing to remix"
    assert (reel.clips[1].cost_usd, reel.unpriced) == (None, 2), "nobody publishes the price of a remix"


async def test_a_first_frame_may_be_a_picture(studio):
    board = studio.board("The sun rises.")
    board["scenes"][0]["image"] = str(studio.clips / "dawn.png")
    await studio.render(board)
    sent = picture_at(studio.submitted()[0]["image_url"])
    assert difference(sent, Image.open(studio.clips / "dawn.png").convert("RGB")) == 0


@pytest.mark.parametrize("clip", ["mara.webm", "mara.mp4"])
async def test_a_clip_that_the_model_does_not_take_as_it_is_is_made_to_fit(studio, tmp_path, clip):
    board = studio.board("Mara wakes.")
    board["cast"][0] |= {"clip": str(studio.clips / clip), "start": 0.5, "end": 1.5}
    await studio.render(board)
    with urllib.request.urlopen(studio.submitted()[0]["video_url"], timeout=120) as reply:
        (tmp_path / "sent.mp4").write_bytes(reply.read())
    sent = probe(tmp_path / "sent.mp4")
    assert (sent.container, sent.width, sent.height) == ("mp4", 1280, 720)
    assert sent.seconds == pytest.approx(1, abs=0.1)
