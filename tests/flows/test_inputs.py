"""A storyboard, a provider and a library may be given in every form that a person has them in."""

import asyncio
import shutil
from pathlib import Path
from uuid import uuid4

import boto3
import fsspec
import pytest
import yaml

from prefect_storyboard.blocks import Library
from prefect_storyboard.flows import create_characters, storyboard_series
from prefect_storyboard.media.probe import probe
from prefect_storyboard.storyboards import Storyboard

OWNER = {"key": "studio", "secret": "s3-s3cr3t"}


@pytest.fixture
def bucket(moto, studio):
    """A bucket that holds `boards/night.yaml` with its clips beside it; name and S3 client."""
    name = f"studio-{uuid4().hex[:8]}"
    s3 = boto3.client(
        "s3",
        endpoint_url=moto,
        region_name="us-east-1",
        aws_access_key_id=OWNER["key"],
        aws_secret_access_key=OWNER["secret"],
    )
    s3.create_bucket(Bucket=name)
    board = studio.board("Mara counts the stars.", title="Night")
    board["cast"] = [{"name": "Mara", "clip": "./clips/mara.mp4"}]
    s3.put_object(Bucket=name, Key="boards/night.yaml", Body=yaml.safe_dump(board).encode())
    s3.put_object(Bucket=name, Key="boards/clips/mara.mp4", Body=(studio.clips / "mara.mp4").read_bytes())
    yield name, s3
    s3.close()


async def test_a_storyboard_a_mapping_and_a_file_with_paths_relative_to_it_are_the_same_to_the_ledger(studio, tmp_path):
    board = studio.board("Mara lights the lamp.")
    first = await studio.render(board)
    second = await studio.render(Storyboard.model_validate(board))
    folder = tmp_path / "boards"
    shutil.copytree(studio.clips, folder / "clips")
    for character in board["cast"]:
        character["clip"] = f"clips/{character['name'].lower()}.mp4"
    (folder / "lighthouse.yaml").write_text(yaml.safe_dump(board))
    third = await studio.render(str(folder / "lighthouse.yaml"))
    assert (first.bought, second.bought, third.bought) == (2, 0, 0)
    assert first.clips == second.clips == third.clips
    assert studio.bought() == (1, 1)


async def test_a_storyboard_in_a_bucket_is_rendered_into_that_bucket_once(studio, bucket, moto):
    name, s3 = bucket
    library = Library(url=f"s3://{name}/library", storage_options={**OWNER, "endpoint_url": moto})
    reel = await studio.render(f"s3://{name}/boards/night.yaml", library)
    assert reel.url == f"s3://{name}/library/reels/night/reel.mp4"
    stored = {entry["Key"] for entry in s3.list_objects_v2(Bucket=name, Prefix="library/reels")["Contents"]}
    place = "library/reels/night"
    assert {f"{place}/reel.mp4", f"{place}/index.html", f"{place}/contact-sheet.jpg", f"{place}/plan.json"} < stored
    assert {f"{place}/scenes/s01/take-001.mp4", f"{place}/scenes/s01/take-001.json"} < stored
    calls = len(studio.requests())
    again = await studio.render(f"s3://{name}/boards/night.yaml", library)
    assert again.clips == reel.clips
    assert len(studio.requests()) == calls, "the second run asked the provider something"


async def test_a_library_may_be_the_bucket_itself(studio, bucket, moto):
    name, s3 = bucket
    library = Library(url=f"s3://{name}", storage_options={**OWNER, "endpoint_url": moto})
    reel = await studio.render(studio.board("The sea."), library)
    assert reel.url == f"s3://{name}/reels/the-lighthouse/reel.mp4"
    assert s3.head_object(Bucket=name, Key="reels/the-lighthouse/reel.mp4")["ContentLength"] > 1000


async def test_provider_and_library_may_be_saved_blocks(studio):
    await studio.credentials().save("inputs", overwrite=True)
    await Library(url=studio.library).save("inputs", overwrite=True)
    reel = await storyboard_series(studio.board("Otto whirrs."), "fal-credentials/inputs", "storyboard-library/inputs")
    assert reel.url == f"{studio.library}/reels/the-lighthouse/reel.mp4"
    assert probe(Path(reel.url)).seconds == pytest.approx(4, abs=0.1)
    assert studio.bought() == (1, 1)


async def test_a_library_in_memory_keeps_what_was_bought_as_long_as_the_process_lives(studio):
    library = f"memory://{uuid4().hex}"
    reel = await studio.render(studio.board("The sea."), library)
    again = await studio.render(studio.board("The sea."), library)
    assert again.clips == reel.clips
    assert studio.bought() == (0, 1)
    assert fsspec.filesystem("memory").exists(reel.url.removeprefix("memory:/"))


async def test_every_way_to_write_a_folder_is_the_same_library(studio, monkeypatch, tmp_path):
    await studio.render(studio.board("The sea."))
    monkeypatch.chdir(tmp_path)
    calls = len(studio.requests())
    for written in ("library", "./library", "library/", f"file://{tmp_path}/library"):
        reel = await studio.check(studio.board("The sea."), written)
        assert Path(reel.url.removeprefix("file://")) == Path(studio.library) / "reels/the-lighthouse/reel.mp4"
    assert len(studio.requests()) == calls, "a library under another name lost its clips"


async def test_paths_may_be_path_objects(studio, tmp_path):
    (tmp_path / "sea.yaml").write_text("title: Sea\nmodel: sora-2\nscenes:\n  - id: s01\n    prompt: The sea.\n")
    reel = await storyboard_series(tmp_path / "sea.yaml", studio.credentials(), tmp_path / "library")
    assert reel.url == f"{studio.library}/reels/sea/reel.mp4"


async def test_a_library_that_was_moved_still_knows_its_clips(studio, tmp_path):
    board = studio.board("The sea.", "Mara waits.")
    await studio.render(board)
    shutil.move(studio.library, tmp_path / "archive")
    studio.fault("output_missing")  # by then the provider has forgotten
    studio.fault("expired")
    reel = await studio.render(board, str(tmp_path / "archive"))
    assert [clip.url.startswith(str(tmp_path / "archive")) for clip in reel.clips] == [True, True]
    assert studio.bought() == (1, 2)


async def test_a_provider_of_its_own_account_buys_for_itself(studio):
    await studio.render(studio.board("The sea."))
    await studio.render(studio.board("The sea."), provider=studio.credentials(account="agency"))
    assert studio.bought() == (0, 2)


async def test_a_flow_runs_in_a_plain_script_without_an_event_loop(studio):
    def script():
        return asyncio.run(storyboard_series(studio.board("The sea."), studio.credentials(), studio.library))

    reel = await asyncio.to_thread(script)
    assert reel.bought == 1


async def test_characters_can_be_created_before_there_is_a_series(studio):
    board = studio.board("Mara and Otto wait.")
    castings = await create_characters(board, studio.credentials(), studio.library)
    assert [casting.character for casting in castings] == ["Mara", "Otto"]
    reel = await studio.render(board)
    assert reel.clips[0].characters == tuple(casting.bare for casting in castings)
    assert studio.bought() == (2, 1)
