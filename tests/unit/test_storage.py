"""A library's files: whole or absent, created once or refused, and every trouble names its file."""

import errno
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from fsspec import AbstractFileSystem

from prefect_storyboard.ledger import LibraryError, Storage, open_storage, prove

from .fakes import Killed


class Careless(AbstractFileSystem):
    """An object store whose server does not know conditions: a second create replaces the first."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        self.objects[path] = value

    def cat_file(self, path: str, *_: Any, **__: Any) -> bytes:
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]


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


def test_what_is_absent_is_none(each: Storage) -> None:
    assert each.read("no", "such.json") is None
    assert not each.exists("no", "such.json")


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


@pytest.mark.parametrize("form", ["{home}/shelf", "~/shelf", "file://{home}/shelf", "file://~/shelf", "shelf", "./shelf"])
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


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/x", "sftp://h/x", "https://h/x", "github://a:b@main/x", "zip://a.zip", "adl://store/x", "foo://x"]
    + ["simplecache::s3://bucket/x", "dir::file:///tmp"],
)
def test_a_storage_that_cannot_create_exclusively_is_refused_before_it_is_asked(url: str) -> None:
    with pytest.raises(LibraryError, match=r"cannot create a file exclusively.* use a local folder, s3://, gs:// or az"):
        open_storage(url)


def test_a_library_needs_a_url() -> None:
    with pytest.raises(LibraryError, match="no URL"):
        open_storage("")


def test_a_storage_whose_package_is_missing_says_which() -> None:
    with pytest.raises(LibraryError, match=r"library gs://reels: .*gcsfs"):
        open_storage("gs://reels")


def test_no_option_brings_the_listing_cache_back() -> None:
    storage = open_storage("s3://bucket/shelf", {"use_listings_cache": True, "key": "k", "secret": "s"})
    assert not storage.fs.dircache.use_listings_cache


def test_a_sound_storage_is_proved_and_proving_again_adds_nothing(storage: Storage, tmp_path: Path) -> None:
    for _ in range(3):
        prove(storage)
    assert files(tmp_path / "library") == ["ledger/probe.json"]


def test_memory_is_proved(memory: Storage) -> None:
    prove(memory)


def test_a_storage_that_lets_a_second_writer_win_is_refused() -> None:
    with pytest.raises(LibraryError, match=r"s3://reels: the server lets a second writer replace a file"):
        prove(Storage(fs=Careless(), root="reels", url="s3://reels"))


def test_a_storage_that_forgot_the_condition_since_the_last_proof_is_refused() -> None:
    careless = Careless()
    careless.objects["reels/ledger/probe.json"] = b'{"probe": "of last week"}'
    with pytest.raises(LibraryError, match="second writer"):
        prove(Storage(fs=careless, root="reels", url="s3://reels"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_refused(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LibraryError, match=rf"library/ledger/probe.json cannot be created: {os.strerror(number)}$"):
        prove(storage)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LibraryError, match=r"ledger/probe.json cannot be created: Permission denied"):
        prove(open_storage(str(tmp_path)))
    tmp_path.chmod(0o700)


def test_a_filesystem_without_hard_links_is_refused_with_the_reason(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(LibraryError, match=r"probe.json cannot be created: this filesystem has no hard links"):
        prove(storage)
    assert files(tmp_path / "library") == []


def test_a_link_that_fails_otherwise_says_how(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(LibraryError, match=r"a.json cannot be created: Input/output error"):
        storage.create_once(b"1", "a.json")


@pytest.mark.parametrize(("number", "matters"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_synced_matters_only_if_it_should_be_able_to(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, number: int, *, matters: bool
) -> None:
    syncs = deque([None, OSError(number, os.strerror(number))])

    def sync(_handle: int) -> None:
        if error := syncs.popleft():
            raise error

    monkeypatch.setattr(os, "fsync", sync)
    if matters:
        with pytest.raises(LibraryError, match="cannot be created"):
            storage.create_once(b"1", "a.json")
    else:
        assert storage.create_once(b"1", "a.json") == b"1"
    assert not syncs
