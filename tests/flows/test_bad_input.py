"""What is wrong with the input is one clear error with its remedy, before anything is sent."""

import json
from pathlib import Path

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.flows import SeriesFailed
from prefect_storyboard.ledger import LibraryError
from prefect_storyboard.media.sources import SourceError
from prefect_storyboard.storyboards import StoryboardError


def scene(**facts):
    return {"scenes": [{"id": "s01", "prompt": "Mara wakes.", **facts}]}


def mara(**facts):
    return {"cast": [{"name": "Mara", **facts}], **scene()}


MISTAKES = {
    "a clip that is not there": (mara(clip="{clips}/gone.mp4"), r"cast\[0\]\.clip: .*gone\.mp4.*no such file"),
    "a clip that is no video": (mara(clip="{clips}/notes.mp4"), r"cast\[0\]\.clip: .*notes\.mp4.*give an MP4"),
    "a clip below 720p": (mara(clip="{clips}/small.mp4"), r"640x480.*at least 720 pixels; use a larger"),
    "a range after the end": (mara(clip="{clips}/mara.mp4", start=9, end=10), r"only 2\.00 s long.*inside"),
    "a name of 81 characters": (
        {"cast": [{"name": "M" * 81, "clip": "{clips}/mara.mp4"}], **scene()},
        r"cast\[0\]\.name.*80",
    ),
    "a name of two lines": (
        {"cast": [{"name": "Mara\nOtto", "clip": "{clips}/mara.mp4"}], **scene()},
        r"cast\[0\]\.name",
    ),
    "a character without a reference": (mara(), r"Mara needs a clip or images; add clip:"),
    "a first frame that is no picture": (
        scene(image="{clips}/notes.mp4", prompt="Sea."),
        r"scenes\[0\]\.image.*picture",
    ),
    "a model that nobody knows": (scene(model="sora-3"), r"scenes\[0\]\.model: sora-3.*did you mean sora-2"),
    "a length that is not sold": (scene(seconds=5), r"scenes\[0\]\.seconds.*4, 8, 12.*not 5; write seconds: 4"),
    "an aspect that is not sold": (scene(aspect="1:1"), r"scenes\[0\]\.aspect.*write aspect: \"16:9\""),
    "somebody who is not in the cast": (scene(characters=["Zoe"]), r"Zoe is not in the cast"),
    "a parent that does not exist": (scene(continues="s99"), r"continues: no scene.* s99.*s01"),
    "a scene that continues itself": (scene(continues="s01"), r"circular"),
    "a scene without a prompt": ({"scenes": [{"id": "s01"}]}, r"scenes\[0\]\.prompt: is missing"),
    "a misspelt key": (scene(promt="Mara"), r"promt: is not a known key; did you mean prompt"),
    "no scenes": ({"scenes": []}, r"scenes: is empty"),
}


@pytest.mark.parametrize(("facts", "says"), MISTAKES.values(), ids=MISTAKES.keys())
async def test_a_mistake_in_the_storyboard_names_its_place_and_what_to_write(studio, facts, says):
    text = json.dumps(studio.board("Mara wakes.") | facts).replace("{clips}", str(studio.clips))
    with pytest.raises(StoryboardError, match=f"(?s){says}"):
        await studio.check(json.loads(text))
    assert studio.requests() == []


async def test_all_mistakes_are_told_at_once_with_their_lines(studio, tmp_path):
    board = tmp_path / "night.yaml"
    board.write_text(
        "title: Night\nmodel: seedance-2\ncast:\n  - name: Mara\n    clip: gone.mp4\n  - name: Otto\n    clip: lost.mp4\n"
        "scenes:\n  - id: s01\n    prompt: Mara and Otto\n    image: nowhere.png\n"
    )
    with pytest.raises(StoryboardError) as wrong:
        await studio.check(str(board))
    lines = str(wrong.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["night.yaml:5", "night.yaml:7", "night.yaml:11"]


@pytest.mark.parametrize("text", ["title: [", "title: a\n\ttabs: b", "- a\n- b", "", "just words", "\x00"])
async def test_a_file_that_is_no_storyboard_says_so(studio, tmp_path, text):
    (tmp_path / "night.yaml").write_text(text)
    with pytest.raises(StoryboardError, match=r"night\.yaml"):
        await studio.check(str(tmp_path / "night.yaml"))


async def test_a_storyboard_that_is_not_there_says_so(studio, tmp_path):
    with pytest.raises(SourceError, match=r"gone\.yaml cannot be read: there is no such file"):
        await studio.check(str(tmp_path / "gone.yaml"))


async def test_bytes_that_are_no_text_are_an_error_of_the_file(studio, tmp_path):
    (tmp_path / "night.yaml").write_bytes(b"title: \xff\xfe\x00\n")
    with pytest.raises((SourceError, StoryboardError), match=r"night\.yaml"):
        await studio.check(str(tmp_path / "night.yaml"))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1/films", "http://127.0.0.1:1/films", "nothing://films"])
async def test_a_storage_that_cannot_create_exclusively_is_refused(studio, url):
    with pytest.raises(LibraryError, match="use a local folder, s3://") as refused:
        await studio.check(studio.board("Mara wakes."), url)
    assert url in str(refused.value)
    assert studio.requests() == []


@pytest.mark.parametrize("below", ["", "/films"])
async def test_a_library_that_cannot_be_written_is_refused(studio, tmp_path, below):
    (tmp_path / "taken").write_text("a file in the way")
    with pytest.raises(LibraryError, match=r"taken") as refused:
        await studio.check(studio.board("Mara wakes."), f"{tmp_path}/taken{below}")
    assert "cannot be" in str(refused.value)
    assert studio.requests() == []


async def test_a_bucket_that_does_not_exist_is_refused(studio, moto):
    options = {"key": "studio", "secret": "secret", "endpoint_url": moto}
    with pytest.raises(LibraryError, match=r"s3://no-such-bucket.*does not exist"):
        await studio.check(
            studio.board("Mara wakes."), Library(url="s3://no-such-bucket/films", storage_options=options)
        )
    assert studio.requests() == []


@pytest.mark.parametrize("reference", ["fal-credentials/nobody", "kie", "production", ""])
async def test_a_provider_that_is_not_known_says_what_to_write(studio, reference):
    from prefect_storyboard.flows import storyboard_series

    with pytest.raises(ValueError, match="fal-credentials"):
        await storyboard_series(studio.board("Mara wakes."), reference, studio.library)


async def test_a_torn_record_fails_its_scene_instead_of_buying_again(studio):
    board = studio.board("The sea.")
    clip = (await studio.render(board)).clips[0]
    job = Path(studio.library) / "ledger" / clip.job_key[:2] / clip.job_key / "001" / "job.json"
    job.write_text(job.read_text()[:20])
    with pytest.raises(SeriesFailed, match=r"job.json"):
        await studio.render(board)
    assert studio.bought() == (0, 1)
