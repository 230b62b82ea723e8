"""A file is read once: what is checked is what is sent. Names and spellings of any kind are found."""

from types import SimpleNamespace
from unicodedata import normalize

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from prefect_storyboard.media.copies import short_name
from prefect_storyboard.media.sources import SourceError, fetch
from prefect_storyboard.series.prepare import changed_files


def test_what_becomes_of_a_file_after_it_was_read_changes_nothing_and_is_noticed(tmp_path):
    path = tmp_path / "mara.mp4"
    path.write_bytes(b"first")
    file = fetch(str(path), tmp_path / "run", {})
    assert not file.changed
    path.write_bytes(b"second cut")
    assert (file.path.read_bytes(), file.path.name, file.changed) == (b"first", "mara.mp4", True)
    path.unlink()
    assert file.changed


def test_a_run_says_which_files_have_changed_since_it_read_them(tmp_path):
    still, edited = tmp_path / "still.png", tmp_path / "edited.png"
    for file in (still, edited):
        file.write_bytes(b"first")
    read = {file.name: fetch(str(file), tmp_path / "copies", {}) for file in (still, edited)}
    edited.write_bytes(b"second")
    (said,) = changed_files(SimpleNamespace(files=read))
    assert said.startswith("edited.png has changed since this run read it, and what was read was sent; run again")


def test_the_hash_is_that_of_the_bytes_that_were_copied(tmp_path):
    (tmp_path / "a.png").write_bytes(b"picture")
    file = fetch(str(tmp_path / "a.png"), tmp_path / "run", {})
    assert file.sha256.startswith(file.path.parent.name)
    assert fetch(str(file.path), tmp_path / "other", {}).sha256 == file.sha256


@pytest.mark.parametrize(("written", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_is_found_however_its_accents_are_stored(written, stored, tmp_path):
    (tmp_path / normalize(stored, "café")).mkdir()
    (tmp_path / normalize(stored, "café") / normalize(stored, "é.png")).write_bytes(b"picture")
    named = f"{tmp_path}/{normalize(written, 'café/é.png')}"
    assert fetch(named, tmp_path / "run", {}).path.read_bytes() == b"picture"


@pytest.mark.parametrize("name", ["x" * 400 + ".png", "猫" * 120 + ".png"])
def test_a_name_over_255_bytes_is_shortened_and_keeps_its_ending(name, tmp_path):
    MemoryFileSystem().pipe_file(f"/pictures/{name}", b"picture")
    file = fetch(f"memory://pictures/{name}", tmp_path, {})
    assert file.path.read_bytes() == b"picture"
    assert file.path.suffix == ".png"
    assert len(short_name(name).encode()) <= 200


@pytest.mark.parametrize("address", ["gs://bucket/a.mp4", "az://box/a.mp4", "sftp://host/a.mp4", "dropbox://a.mp4"])
def test_a_store_that_cannot_be_read_is_an_answer_and_no_traceback(address, tmp_path):
    with pytest.raises(
        SourceError, match=r"cannot be read: .*(package that reads it is missing|not allowed here|its bucket raised)"
    ):
        fetch(address, tmp_path, {})


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIA0123:s3cr3t@bucket/x.png",
        "s3://AKIA0123:s3/cr3t@bucket/x.png",
        "gs://me:s3cr3t@bucket/x.png",
        "az://me:s3cr3t@bucket/x.png",
        "http://me:s3cr3t@127.0.0.1:1/x.png",
    ],
)
def test_a_password_in_an_address_is_not_repeated(address, tmp_path):
    with pytest.raises(SourceError) as refused:
        fetch(address, tmp_path, {})
    assert "cr3t" not in repr(refused.value)
    assert "AKIA" not in repr(refused.value)
    assert address.startswith("http") or "storage_options of the library's block" in str(refused.value)


def test_inline_data_is_cut_in_the_error(tmp_path):
    with pytest.raises(SourceError) as error:
        fetch("data:image/png;base64," + "A" * 5000, tmp_path, {})
    assert len(str(error.value)) < 200
