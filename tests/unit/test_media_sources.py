"""A storyboard may name files of a few kinds of storage, and nothing that would interpret what it reads."""

import json

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from prefect_storyboard.media.sources import SourceError, fetch, read_text

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


def test_a_file_in_memory_and_on_disk_is_read(tmp_path):
    MemoryFileSystem().pipe_file("/frames/one.png", b"picture")
    assert fetch("memory://frames/one.png", tmp_path, {}).path.read_bytes() == b"picture"
    (tmp_path / "two.png").write_bytes(b"second")
    assert fetch(f"file://{tmp_path}/two.png", tmp_path, {}).path.read_bytes() == b"second"
    assert fetch(str(tmp_path / "two.png"), tmp_path, {}).path.read_bytes() == b"second"
