"""A library's files: whole or absent, created once or refused, and every trouble names its file."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from prefect_storyboard.ledger import LibraryError, Storage, open_storage

from .fakes import Killed


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "library"))


@pytest.fixture
def memory() -> Iterator[Storage]:
    storage = open_storage("memory://library")
    yield storage
    storage.fs.store.clear()


@pytest.fixture(params=["file", "memory"])
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return request.getfixturevalue({"file": "storage", "memory": "memory"}[request.param])


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_written_is_read(each: Storage) -> None:
    link = each.write(b"a page", "reels", "r", "index.html")
    assert link == f"{each.url}/reels/r/index.html"
    assert each.parts(link) == ("reels", "r", "index.html")
    assert each.read("reels", "r", "index.html") == b"a page"
    assert each.exists("reels", "r", "index.html")
    assert each.size("reels", "r", "index.html") == 6


def test_what_is_absent_is_none(each: Storage) -> None:
    assert each.read("no", "such.json") is None
    assert not each.exists("no", "such.json")
    assert each.size("no", "such.json") is None


def test_a_second_write_replaces_the_first(each: Storage) -> None:
    each.write(b"old", "plan.json")
    each.write(b"new", "plan.json")
    assert each.read("plan.json") == b"new"


def test_a_published_file_can_be_fetched(each: Storage, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"c" * 100_000)
    each.publish(clip, "reels", "take-001.mp4")
    fetched = each.fetch(tmp_path / "deep" / "down.mp4", "reels", "take-001.mp4")
    assert fetched.read_bytes() == clip.read_bytes()


def test_fetching_what_is_gone_says_so(each: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"library/reels/take-001.mp4 is gone"):
        each.fetch(tmp_path / "f.mp4", "reels", "take-001.mp4")


def test_a_file_is_created_once(each: Storage) -> None:
    assert each.create_once(b"mine", "ledger", "a.json") == b"mine"
    assert each.create_once(b"yours", "ledger", "a.json") == b"mine"
    assert each.create_once(b"mine", "ledger", "a.json") == b"mine", "who lost the reply finds its own body"


def test_an_empty_body_is_refused_because_s3_would_replace_with_it(each: Storage) -> None:
    with pytest.raises(ValueError, match="empty"):
        each.create_once(b"", "ledger", "a.json")


def test_nothing_is_left_beside_the_files(storage: Storage, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"clip")
    storage.create_once(b"1", "a.json")
    storage.create_once(b"2", "a.json")
    storage.write(b"3", "b.json")
    storage.publish(clip, "c.mp4")
    assert files(tmp_path / "library") == ["a.json", "b.json", "c.mp4"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), Killed()])
@pytest.mark.parametrize("work", ["create", "write", "publish"])
def test_a_write_that_breaks_leaves_nothing(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str, error: BaseException
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"clip")

    def full(_handle: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", full)
    tries = {
        "create": lambda: storage.create_once(b"1", "a.json"),
        "write": lambda: storage.write(b"1", "a.json"),
        "publish": lambda: storage.publish(clip, "a.json"),
    }
    with pytest.raises((LibraryError, Killed)) as raised:
        tries[work]()
    if isinstance(error, OSError):
        assert str(raised.value).endswith(
            f"a.json cannot be {'created' if work == 'create' else 'written'}: No space left on device"
        )
    assert files(tmp_path / "library") == []


def test_a_folder_in_the_place_of_a_file_is_named_and_no_litter_stays(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "library" / "plan.json").mkdir(parents=True)
    with pytest.raises(LibraryError, match=r"library/plan.json cannot be written: Is a directory"):
        storage.write(b"1", "plan.json")
    assert files(tmp_path / "library") == []


def test_a_reader_never_sees_half_a_file(storage: Storage, tmp_path: Path) -> None:
    old, new = tmp_path / "old.mp4", tmp_path / "new.mp4"
    old.write_bytes(b"o" * 3_000_000)
    new.write_bytes(b"n" * 5_000_000)
    storage.publish(old, "take.mp4")
    ended, odd = Event(), []

    def read() -> None:
        while not ended.is_set():
            body = storage.read("take.mp4") or b""
            if (len(body), body[:1], body[-1:]) not in {(3_000_000, b"o", b"o"), (5_000_000, b"n", b"n")}:
                odd.append(len(body))

    reader = Thread(target=read)
    reader.start()
    for _ in range(10):
        storage.publish(new, "take.mp4")
        storage.publish(old, "take.mp4")
    ended.set()
    reader.join()
    assert not odd


@pytest.mark.parametrize(
    "form", ["{home}/shelf", "~/shelf", "file://{home}/shelf", "file://~/shelf", "shelf", "./shelf"]
)
def test_a_folder_may_be_written_in_any_way(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    storage = open_storage(form.format(home=tmp_path))
    link = storage.create_once(b"1", "a.json") and storage.link("a.json")
    assert (tmp_path / "shelf" / "a.json").read_bytes() == b"1"
    assert link == ("file://" if "://" in form else "") + f"{tmp_path}/shelf/a.json"
    monkeypatch.chdir("/")
    assert storage.read("a.json") == b"1", "where the process goes does not move the library"


@pytest.mark.parametrize("url", ["~nobody-of-that-name/shelf", "file://~nobody-of-that-name/shelf"])
def test_a_home_that_is_not_there_is_no_folder_of_that_name(url: str) -> None:
    with pytest.raises(LibraryError, match="there is no such home folder"):
        open_storage(url)


def test_a_mark_is_created_once_and_left_alone(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    storage.mark("ledger", "open", "a_001")
    (tmp_path / "ledger" / "open" / "a_001").write_bytes(b"theirs")
    storage.mark("ledger", "open", "a_001")
    assert storage.read("ledger", "open", "a_001") == b"theirs"


def test_the_sizes_of_all_files_below_a_folder(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    storage.write(b"1234", "reels", "pier", "scenes", "s01", "take-001.mp4")
    assert storage.sizes("reels", "pier", "scenes") == {("s01", "take-001.mp4"): 4}
    assert storage.sizes("reels", "other", "scenes") == {}
