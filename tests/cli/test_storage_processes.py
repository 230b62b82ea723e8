"""Of many processes that write one file exactly one wins, everybody knows which, and its body is whole."""

from pathlib import Path

from prefect_storyboard.ledger import open_storage
from tests.unit import races

from . import racers


def test_processes_on_local_disk(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    races.check(racers.of_processes(str(tmp_path), {}, writers=8, keys=100), storage)
    assert not list(tmp_path.rglob("*.part"))
