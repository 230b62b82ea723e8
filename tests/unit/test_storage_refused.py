"""A storage that cannot keep the promise is refused before anything is bought, with the reason."""

import errno
import os
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from fsspec import AbstractFileSystem

from prefect_storyboard.ledger import LibraryError, Storage, open_storage, prove


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


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


FOREIGN = """
    ftp://127.0.0.1/x sftp://h/x https://h/x github://a:b@main/x zip://a.zip adl://store/x foo://x
    simplecache::s3://bucket/x dir::file:///tmp
"""


@pytest.mark.parametrize("url", FOREIGN.split())
def test_a_storage_that_cannot_create_exclusively_is_refused_before_it_is_asked(url: str) -> None:
    with pytest.raises(
        LibraryError, match=r"cannot create a file exclusively.* use a local folder, s3://, gs:// or az"
    ):
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
    assert files(tmp_path / "library") == ["ledger/library.json"]


def test_memory_is_proved() -> None:
    storage = open_storage("memory://proof")
    prove(storage)
    storage.fs.store.clear()


def test_a_storage_that_lets_a_second_writer_win_is_refused() -> None:
    with pytest.raises(LibraryError, match=r"s3://reels: the server lets a second writer replace a file"):
        prove(Storage(fs=Careless(), root="reels", url="s3://reels"))


def test_a_storage_that_forgot_the_condition_since_the_last_proof_is_refused() -> None:
    careless = Careless()
    careless.objects["reels/ledger/library.json"] = b'{"library": "of last week"}'
    with pytest.raises(LibraryError, match="second writer"):
        prove(Storage(fs=careless, root="reels", url="s3://reels"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_may_not_be_written_is_refused(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LibraryError, match=rf"library/ledger/library.json cannot be created: {os.strerror(number)}$"):
        prove(storage)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LibraryError, match=r"ledger/library.json cannot be created: Permission denied"):
        prove(open_storage(str(tmp_path)))
    tmp_path.chmod(0o700)


def test_a_filesystem_without_hard_links_is_refused_with_the_reason(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(LibraryError, match=r"library.json cannot be created: this filesystem has no hard links"):
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
