"""Of many writers of one file exactly one wins, everybody knows which, and its body is whole."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_storyboard.ledger import open_storage

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


@pytest.mark.usefixtures("frequent_switches")
def test_threads_in_memory() -> None:
    storage = open_storage("memory://race")
    races.check(races.of_threads(storage, keys=100), storage)
    storage.fs.store.clear()
