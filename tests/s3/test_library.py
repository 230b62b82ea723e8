"""A library in a bucket: ledger, clips and purchases, and every trouble of the server in clear words."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.ledger import Attempt, Ledger, LibraryError, Outcome, Storage, open_storage, prove
from tests.unit.fakes import KEY, OTHER, intent, job
from tests.unit.stores import TAKE, Studio, film

from .ceph import BUCKET, Server
from .proxy import losing

DONE = Outcome(kind="done", at=datetime.now(UTC), charged=True)


def test_the_ledger_keeps_an_attempt_from_intent_to_outcome(storage: Storage) -> None:
    ledger, announced, answer = Ledger(storage), intent(), job()
    assert ledger.history(KEY) == ()
    assert ledger.intend(1, announced)
    assert not ledger.intend(1, intent(usd=9.0))
    assert ledger.submitted(KEY, 1, answer) == answer
    assert not ledger.claim(answer, OTHER)
    assert ledger.close(KEY, 1, DONE) == DONE
    assert ledger.history(KEY) == (Attempt(number=1, intent=announced, job=answer, outcome=DONE),)
    assert [ledger.take("reel", "s01", key, reserve=True) for key in (KEY, OTHER, KEY)] == [1, 2, 1]


def test_a_record_of_another_process_is_seen_after_a_listing(ceph: Server, folder: str, storage: Storage) -> None:
    storage.write(b"1", "reels", "a.json")
    assert storage.fs.ls(storage.path("reels"))
    other = open_storage(folder, {**ceph.options, "skip_instance_cache": True})
    other.write(b"2", "reels", "b.json")
    assert storage.read("reels", "b.json") == b"2"
    assert storage.exists("reels", "b.json")


@pytest.mark.parametrize("megabytes", [0, 1, 120])  # from 100 on it goes up in parts
def test_a_published_file_comes_back_as_it_was(storage: Storage, tmp_path: Path, megabytes: int) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(bytes(range(256)) * 4096 * megabytes)
    assert storage.publish(clip, "take.mp4") == storage.link("take.mp4")
    assert storage.fetch(tmp_path / "back.mp4", "take.mp4").read_bytes() == clip.read_bytes()
    assert storage.fs.info(storage.path("take.mp4"))["ContentType"] == "video/mp4"
    with pytest.raises(FileNotFoundError, match=r"other\.mp4 is gone"):
        storage.fetch(tmp_path / "f.mp4", "other.mp4")


def test_an_upload_in_parts_that_breaks_leaves_nothing(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(bytes(101 << 20))
    call = storage.fs._call_s3

    async def breaks(method: str, *args: Any, **options: Any) -> Any:
        if method == "complete_multipart_upload":
            raise OSError(5, "Input/output error")
        return await call(method, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(storage.fs, "_call_s3", breaks)
        with pytest.raises(LibraryError, match=r"take.mp4 cannot be written: Input/output error"):
            storage.publish(clip, "take.mp4")
    assert not storage.exists("take.mp4")
    assert "Uploads" not in storage.fs.call_s3("list_multipart_uploads", Bucket=BUCKET)


def test_a_file_whose_reply_is_lost_is_published(ceph: Server, folder: str, storage: Storage, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(film())
    with losing(ceph.endpoint) as (endpoint, seen):
        behind = open_storage(folder, {**ceph.options, "endpoint_url": endpoint})
        behind.publish(clip, "take.mp4")
        behind.write(b"{}", "take.json")
    assert seen == [200, 200, 200]
    assert storage.read("take.mp4") == film()


def test_a_bucket_that_is_not_there_is_named(ceph: Server) -> None:
    with pytest.raises(
        LibraryError, match=r"s3://no-such-bucket/x/ledger/library.json cannot be created: NoSuchBucket"
    ):
        prove(open_storage("s3://no-such-bucket/x", ceph.options))


@pytest.mark.parametrize("wrong", [{"secret": "wrong"}, {"key": "nobody"}])
def test_a_wrong_key_is_no_empty_library(ceph: Server, folder: str, wrong: dict[str, str]) -> None:
    storage = open_storage(folder, {**ceph.options, **wrong})
    with pytest.raises(LibraryError, match="cannot be read"):
        Ledger(storage).history(KEY)
    with pytest.raises(LibraryError) as refused:
        prove(storage)
    assert ceph.secret not in str(refused.value)


async def test_a_library_block_with_an_endpoint_buys_once_and_brings_the_clip_home(ceph: Server, folder: str) -> None:
    library = Library.model_validate({"url": folder, "storage_options": ceph.options})
    prove(library.storage())
    studio = Studio(library)
    clip = await studio.store(await studio.buy())
    assert clip.url == f"{folder}/{TAKE[1]}"
    again = await studio.buy()
    assert again.state == "Cached"
    assert await studio.store(again, None) == clip
    assert len(studio.gateway.billed) == len(studio.requests) == 1
    assert studio.storage.read(*TAKE[1].split("/")) == film()
