"""A storyboard may name files of a few kinds of storage, and nothing that would interpret what it reads."""

import json
import os

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from prefect_storyboard.media.bounds import Allowed, Bounds, refusal
from prefect_storyboard.media.sources import SourceError, absolute, fetch, read_text

CHAINS = (
    "reference://x.png::memory://ref.json",
    "filecache::memory://frame.png",
    "zip://frame.png::memory://frames.zip",
    "simplecache::s3://bucket/frame.png",
    "file:///tmp/frame.png::memory://x",
)
INTERPRETERS = (
    "reference://x.png",
    "dask://worker/frame.png",
    "jupyter://localhost/frame.png",
    "github://org:repo@main/frame.png",
    "git://frame.png",
    "data:image/png;base64,AAAA",
    "ftp://host/frame.png",
    "sftp://host/frame.png",
    "smb://host/frame.png",
    "libarchive://frame.png",
)


@pytest.mark.parametrize("reference", CHAINS)
@pytest.mark.parametrize("read", [read_text, lambda reference, options: fetch(reference, None, options)])
def test_a_chain_of_protocols_is_refused(read, reference):
    with pytest.raises(SourceError, match=r"chains protocols with ::; give one path or URL"):
        read(reference, {})


@pytest.mark.parametrize("reference", INTERPRETERS)
@pytest.mark.parametrize("read", [read_text, lambda reference, options: fetch(reference, None, options)])
def test_a_protocol_that_is_not_on_the_list_is_refused(read, reference):
    with pytest.raises(SourceError, match=r"is not allowed here; give a path, or http://, https://, s3://"):
        read(reference, {})


def test_a_template_in_a_reference_file_runs_nothing(tmp_path):
    canary = tmp_path / "canary"
    command = "{{ cycler.__init__.__globals__.os.popen('touch " + str(canary) + "').read() }}"
    MemoryFileSystem().pipe_file("/ref.json", json.dumps({"version": 1, "refs": {"x.png": command}}).encode())
    with pytest.raises(SourceError):
        fetch("reference://x.png::memory://ref.json", tmp_path, {})
    assert not canary.exists()


def test_two_colons_in_a_query_are_no_chain(tmp_path):
    with pytest.raises(SourceError, match="there is no such file"):
        fetch("memory://nowhere/x.png?urn=a::b", tmp_path, {})


def test_a_url_with_one_slash_is_told_from_a_path(tmp_path):
    with pytest.raises(SourceError, match="there is no such file; a URL has two slashes, as in https://"):
        fetch(absolute("https:/clips/mara.mp4", str(tmp_path)), tmp_path, {})
    with pytest.raises(SourceError, match=r"there is no such file$"):
        fetch(absolute("clips/mara.mp4", str(tmp_path)), tmp_path, {})


def test_a_file_in_memory_and_on_disk_is_read(tmp_path):
    MemoryFileSystem().pipe_file("/frames/one.png", b"picture")
    assert fetch("memory://frames/one.png", tmp_path, {}).path.read_bytes() == b"picture"
    (tmp_path / "two.png").write_bytes(b"second")
    assert fetch(f"file://{tmp_path}/two.png", tmp_path, {}).path.read_bytes() == b"second"
    assert fetch(str(tmp_path / "two.png"), tmp_path, {}).path.read_bytes() == b"second"


@pytest.fixture
def board(tmp_path):
    """The permission of a storyboard in a folder of its own, beside a file that it may not name."""
    (tmp_path / "board" / "clips").mkdir(parents=True)
    (tmp_path / "board" / "clips" / "own.png").write_bytes(b"own")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return Allowed(roots=(str(tmp_path / "board"),))


def test_a_storyboard_names_files_below_its_folder(tmp_path, board):
    assert fetch(f"{tmp_path}/board/clips/own.png", tmp_path, {}, board).path.read_bytes() == b"own"


def test_a_path_out_of_the_folder_is_refused_by_any_way(tmp_path, board):
    (tmp_path / "board" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "board" / "up").symlink_to(tmp_path)
    for way in (
        "board/../secret.png",
        "secret.png",
        "board/link.png",
        "board/up/secret.png",
        "board/clips/../../secret.png",
    ):
        for form in (f"{tmp_path}/{way}", f"file://{tmp_path}/{way}", f"local://{tmp_path}/{way}"):
            with pytest.raises(SourceError, match=r"outside the folders .* media_roots .*_MEDIA_ROOTS"):
                fetch(form, tmp_path, {}, board)


def test_a_folder_that_the_operator_names_is_read(tmp_path, board):
    named = board.model_copy(update={"roots": (*board.roots, str(tmp_path))})
    assert fetch(f"{tmp_path}/secret.png", tmp_path, {}, named).path.read_bytes() == b"secret"


def test_a_path_of_the_callers_own_code_is_free(tmp_path):
    (tmp_path / "any.png").write_bytes(b"any")
    assert fetch(f"{tmp_path}/any.png", tmp_path, {}).path.read_bytes() == b"any"


@pytest.mark.parametrize(
    ("reference", "root", "why"),
    [
        ("s3://other/x.png", "s3://studio", "allowed_stores"),
        ("s3://studio-2/x.png", "s3://studio", "allowed_stores"),
        ("s3://studio/b/x.png", "s3://studio/a", "allowed_stores"),
        ("s3://studio/a/../b/x.png", "s3://studio/a", "allowed_stores"),
        ("gs://studio/x.png", "s3://studio", "allowed_stores"),
        ("s3://studio/x.png", "/", "allowed_stores"),
        ("memory://studio/x.png", "s3://studio", "allowed_stores"),
        ("s3://studio/a/x.png", "s3://studio/a", ""),
        ("s3a://studio/a/x.png", "s3://studio", ""),
        ("https://pictures.example/x.png", "/none", ""),
    ],
)
def test_a_bucket_is_the_librarys_or_a_named_one(reference, root, why):
    said = refusal(reference, Allowed(roots=(root,)))
    assert why in said
    assert bool(why) == bool(said)


@pytest.mark.parametrize("kind", ["fifo", "zero", "folder", "tty"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, kind):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "tty").symlink_to("/dev/full")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match=r"is not a regular file|is a folder"):
        fetch(str(tmp_path / kind), tmp_path, {})


@pytest.mark.parametrize("place", ["{}/big.png", "memory://big.png"])
def test_a_file_over_the_bound_is_refused_with_the_settings_name(tmp_path, place):
    (tmp_path / "big.png").write_bytes(b"x" * 1001)
    MemoryFileSystem().pipe_file("/big.png", b"x" * 1001)
    small = Allowed(bounds=Bounds(max_media_bytes=1000))
    with pytest.raises(SourceError, match=r"more than 0.001 MB \(PREFECT_INTEGRATIONS_STORYBOARD_MAX_MEDIA_BYTES\)"):
        fetch(place.format(tmp_path), tmp_path, {}, small)
