"""No key and no signed URL in Prefect's database, in logs, results, artifacts, errors, or the library."""

import logging
import os
import re
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort

from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger import LibraryError
from prefect_storyboard.media.sources import SourceError
from prefect_storyboard.storyboards import StoryboardError

KEY, SECRET = "sandbox:n0b0dy-may-read-me", "n0b0dy-may-read-me"
OWNER = "library-s3cr3t-key"
SIGNED = re.compile(r"/storage/signed/\S+\?sig=|[?&](sig|token|X-Amz-Signature)=\w{16}")


def leaks(folder):
    """Files under a folder that hold what nobody may read."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        body = path.read_bytes()
        if SECRET.encode() in body or OWNER.encode() in body or SIGNED.search(body.decode("latin-1")):
            yield path


async def test_no_key_and_no_signed_url_is_left_anywhere(studio, caplog):
    caplog.set_level(logging.DEBUG)
    studio.fault("policy_refusal", match={"prompt": "knife"})
    studio.fault("drop_after", match={"route": "submit"}, times=1)
    studio.fault("truncated", match={"route": "download"}, times=1)
    studio.fault("nginx_502", match={"route": "upload"}, times=1)
    board = studio.board("Mara finds a knife.", "Otto waits.", "He goes on.")
    board["scenes"][2]["continues"] = "s02"
    library = Library(url=studio.library, storage_options={"auto_mkdir": True})
    reel = await studio.fails(board, library=library, provider=studio.credentials(KEY))
    studio.behave()
    again = await studio.fails(
        board | {"title": "Again"}, library=library, provider=studio.credentials("bad:" + SECRET)
    )
    assert studio.meter()["leaks"] == 0, "the key went to a host that must not see it"
    assert SECRET not in f"{reel!r} {again!r} {studio.credentials(KEY)!r} {library!r}"
    assert list(leaks(Path(studio.library))) == []
    async with get_client() as client:  # the database has everything by now: its writer is asked last
        await client.read_flow_runs()
    assert list(leaks(Path(os.environ["PREFECT_HOME"]))) == []
    told = [f"{record.name}: {record.getMessage()}" for record in caplog.records]
    assert [line for line in told if SECRET in line] == []
    assert [line for line in told if SIGNED.search(line)] == []


async def test_an_error_about_a_signed_link_shows_its_address_and_not_its_signature(studio):
    link, signature = f"{studio.base}/gone/mara.mp4", "Policy=0123456789abcdef"
    board = studio.board("Mara wakes.")
    board["cast"][0]["clip"] = f"{link}?{signature}"
    for storyboard in (board, f"{link}?{signature}"):
        with pytest.raises((StoryboardError, SourceError)) as wrong:
            await studio.render(storyboard)
        assert link in str(wrong.value)
        assert signature not in str(wrong.value)


async def test_prefect_keeps_no_password_and_no_signature_of_a_storyboard_that_it_was_given(studio):
    board = studio.board("Mara wakes.")
    board["cast"][0]["clip"] = studio.base.replace("://", f"://me:{OWNER}@") + "/gone/mara.mp4"
    board["scenes"][0]["image"] = f"{studio.base}/gone/dawn.png?sig=0123456789abcdef"
    with pytest.raises(StoryboardError) as wrong:
        await studio.render(board)
    assert OWNER not in str(wrong.value)
    async with get_client() as client:
        runs = await client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC)  # a page of 200: other tests run as well
    kept = [run.parameters["storyboard"] for run in runs if "storyboard" in run.parameters]
    assert any(f"{studio.base}/gone/mara.mp4" in str(each) for each in kept)
    assert not any(OWNER in str(each) or "0123456789abcdef" in str(each) for each in kept)
    assert list(leaks(Path(os.environ["PREFECT_HOME"]))) == []


async def test_a_librarys_storage_options_stay_secret(studio, moto, caplog):
    caplog.set_level(logging.INFO)
    options = {"key": "studio", "secret": OWNER, "endpoint_url": moto}
    with pytest.raises(LibraryError) as refused:
        await studio.render(studio.board("The sea."), Library(url="s3://no-such-bucket/films", storage_options=options))
    assert OWNER not in f"{refused.value!r} {refused.value.__cause__!r}"
    assert list(leaks(Path(os.environ["PREFECT_HOME"]))) == []
    assert OWNER not in caplog.text
