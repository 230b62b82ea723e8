"""Of many writers of one file exactly one wins, everybody knows which, and its body is whole."""

import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from prefect_storyboard.ledger import Storage, open_storage

from . import races


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_switches")
def test_threads_on_local_disk(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    races.check(races.of_threads(storage, keys=100), storage)
    assert not list(tmp_path.rglob("*.part"))


def test_processes_on_local_disk(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    races.check(races.of_processes(str(tmp_path), {}, writers=8, keys=100), storage)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.usefixtures("frequent_switches")
def test_threads_in_memory() -> None:
    storage = open_storage("memory://race")
    races.check(races.of_threads(storage, keys=100), storage)
    storage.fs.store.clear()


@pytest.fixture
def moto() -> Iterator[Storage]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "k", "secret": "s", "endpoint_url": f"http://{host}:{port}", "skip_instance_cache": True}
    fsspec.filesystem("s3", **options).call_s3("create_bucket", Bucket="reels")
    yield open_storage("s3://reels/shelf", options)
    server.stop()


def test_threads_on_a_double_of_s3(moto: Storage) -> None:
    """No proof of S3: that is the real server's part, in tests/s3."""
    races.check(races.of_threads(moto, keys=15), moto)
