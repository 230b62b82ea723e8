"""What S3 servers do to a create: refuse it in two dialects, ask for patience, lose the reply, ignore the condition."""

from collections import deque
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.ledger import LibraryError, Storage, exclusive, open_storage, prove

from .s3_double import Bucket, serving


def shelf(bucket: Bucket, **options: Any) -> Storage:
    return open_storage("s3://reels/shelf", {**bucket.options, **options})


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exclusive, "_PATIENCE", 0.001)


def test_a_create_carries_its_condition_and_a_lost_one_gives_back_the_first_body() -> None:
    with serving() as bucket:
        storage = shelf(bucket)
        assert storage.create_once(b"mine", "a.json") == b"mine"
        assert storage.create_once(b"yours", "a.json") == b"mine"
    assert bucket.log == ["PUT shelf/a.json *"] * 2


def test_a_create_whose_reply_is_lost_is_still_mine() -> None:
    with serving(puts=deque(["drop the reply"])) as bucket:
        assert shelf(bucket).create_once(b"mine", "a.json") == b"mine"
    assert bucket.log == ["PUT shelf/a.json *"] * 2, "botocore has sent it again, and was told that it exists"


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "ConcurrentModification", "OperationAborted"])
def test_a_conflict_is_tried_again(code: str) -> None:
    with serving(puts=deque([(409, code), (409, code)])) as bucket:
        assert shelf(bucket).create_once(b"mine", "a.json") == b"mine"
    assert len(bucket.log) == 3


def test_a_conflict_that_stays_is_an_error() -> None:
    with (
        serving(puts=deque([(409, "ConditionalRequestConflict")] * 5)) as bucket,
        pytest.raises(LibraryError, match=r"s3://reels/shelf/a.json cannot be created: .*ConditionalRequestConflict"),
    ):
        shelf(bucket).create_once(b"mine", "a.json")
    assert len(bucket.log) == 5


def test_any_other_refusal_is_an_error_at_once() -> None:
    with (
        serving(puts=deque([(400, "InvalidArgument")])) as bucket,
        pytest.raises(LibraryError, match=r"a.json cannot be created: InvalidArgument"),
    ):
        shelf(bucket).create_once(b"mine", "a.json")
    assert not bucket.objects


def test_a_key_that_may_not_write_is_told_what_it_needs() -> None:
    with (
        serving(puts=deque([(403, "AccessDenied")])) as bucket,
        pytest.raises(LibraryError, match=r"cannot be created: .*the key must be allowed to list the bucket"),
    ):
        shelf(bucket).create_once(b"mine", "a.json")


def test_what_is_written_and_published_replaces_and_has_no_condition(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    with serving(puts=deque(["drop the reply"])) as bucket:
        storage = shelf(bucket)
        assert storage.publish(tmp_path / "clip.mp4", "take.mp4") == "s3://reels/shelf/take.mp4"
        assert storage.write(b"{}", "take.json") == "s3://reels/shelf/take.json"
        assert storage.fetch(tmp_path / "back.mp4", "take.mp4").read_bytes() == b"clip"
        assert storage.size("take.json") == 2
    assert bucket.log == ["PUT shelf/take.mp4"] * 2 + ["PUT shelf/take.json"]


def test_a_server_that_keeps_its_word_is_proved() -> None:
    with serving() as bucket:
        prove(shelf(bucket))
        prove(shelf(bucket))
    assert list(bucket.objects) == ["shelf/ledger/library.json"]


def test_a_server_that_ignores_the_condition_is_refused() -> None:
    with (
        serving(conditional=False) as bucket,
        pytest.raises(LibraryError, match=r"library s3://reels/shelf: .*\(it ignores If-None-Match\)"),
    ):
        prove(shelf(bucket))


def test_a_key_that_may_not_list_is_refused_because_absent_would_read_as_forbidden() -> None:
    with (
        serving(listable=False) as bucket,
        pytest.raises(LibraryError, match=r"cannot be read: .*the key must be allowed to list the bucket"),
    ):
        prove(shelf(bucket))
    assert bucket.log == []


def test_no_server_is_no_absent_file() -> None:
    with serving() as bucket:
        gone = shelf(bucket, config_kwargs={"retries": {"max_attempts": 0}})
    with pytest.raises(LibraryError, match=r"s3://reels/shelf/a.json cannot be read: "):
        gone.read("a.json")
    with pytest.raises(LibraryError, match=r"s3://reels/shelf/a.json cannot be read: "):
        gone.exists("a.json")


def test_an_endpoint_that_is_no_url_is_a_clear_error() -> None:
    with pytest.raises(LibraryError, match=r"cannot be read: Invalid endpoint: nonsense"):
        prove(open_storage("s3://reels/shelf", {"key": "k", "secret": "s", "endpoint_url": "nonsense"}))


def test_a_file_of_another_process_is_seen_after_it_was_looked_for() -> None:
    with serving() as bucket:
        storage = shelf(bucket)
        assert not storage.exists("a.json")
        bucket.objects["shelf/a.json"] = b"theirs"
        assert storage.read("a.json") == b"theirs"


CODES = {
    "RequestTimeTooSkewed": "set this machine's clock",
    "ExpiredToken": "renew the storage's credentials",
    "AccessDenied": "the key must be allowed to list the bucket",
    "InvalidAccessKeyId": "check the storage's key",
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("work", ["read", "size", "names"])
def test_the_servers_own_code_and_the_remedy_reach_the_person(code: str, work: str) -> None:
    with serving(gets=deque([(403, code)] * 9)) as bucket, pytest.raises(LibraryError) as refused:
        getattr(shelf(bucket), work)("ledger", "a.json")
    assert code in str(refused.value)
    assert CODES[code] in str(refused.value)


def test_a_read_is_one_request_whether_the_object_is_there_or_not() -> None:
    with serving() as bucket:
        storage = shelf(bucket)
        storage.write(b"1", "a.json")
        assert (storage.read("a.json"), storage.read("b.json")) == (b"1", None)
        assert bucket.reads == ["GET shelf/a.json", "GET shelf/b.json"]


def test_looking_below_a_folder_is_one_request_whether_there_is_anything_or_not() -> None:
    with serving() as bucket:
        storage = shelf(bucket)
        storage.write(b"1", "ledger", "ab", "key", "001", "intent.json")
        assert storage.below("ledger", "ab", "key", prefix="0") == [("001", "intent.json")]
        assert storage.below("ledger", "cd", "key", prefix="0") == []
        assert [read.partition(" ")[0] for read in bucket.reads] == ["LIST", "LIST"]


def test_a_take_that_answers_404_once_is_asked_for_again(tmp_path: Path) -> None:
    with serving() as bucket:
        storage = shelf(bucket)
        storage.write(b"clip", "take.mp4")
        bucket.gets.extend([(404, "NoSuchKey")])
        assert storage.fetch(tmp_path / "take.mp4", "take.mp4").read_bytes() == b"clip"
        with pytest.raises(FileNotFoundError, match="is gone"):
            storage.fetch(tmp_path / "other.mp4", "other.mp4")
