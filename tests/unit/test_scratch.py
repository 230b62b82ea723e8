"""What a killed process left in the temporary folder is removed by the next run; what is in use is not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from prefect_storyboard.ledger import scratch as module
from prefect_storyboard.ledger.scratch import scratch, sweep


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def left(place: Path) -> Callable[..., Path]:
    """A folder that another process has made and not removed."""

    def leave(pid: int, since: str = "1.00", machine: str | None = None) -> Path:
        folder = place / f"prefect-storyboard-{machine or module._machine()}-{pid}-{since}-abcd1234"
        folder.mkdir()
        (folder / "take.mp4").write_bytes(b"clip")
        return folder

    return leave


def gone() -> int:
    """A pid that no process has: larger than Linux, macOS and Windows give."""
    return 2**30


def test_a_folder_is_there_for_the_work_and_gone_afterwards() -> None:
    with scratch() as folder:
        (folder / "take.mp4").write_bytes(b"clip")
        assert sweep() == 0
        assert folder.exists()
    assert not folder.exists()


def test_the_folder_of_a_killed_process_is_removed(left: Callable[..., Path]) -> None:
    folder = left(gone())
    assert sweep() == 1
    assert not folder.exists()


def test_a_pid_that_is_used_again_protects_nothing(left: Callable[..., Path]) -> None:
    folder = left(os.getpid(), "1.00")
    assert sweep() == 1
    assert not folder.exists()


def test_the_folder_of_another_machine_is_removed_when_it_is_a_week_old(left: Callable[..., Path]) -> None:
    folder = left(gone(), machine="0" * 8)
    assert sweep() == 0
    os.utime(folder, (0, 0))
    assert sweep() == 1


def test_what_is_not_ours_is_left_alone(place: Path, left: Callable[..., Path]) -> None:
    (place / "prefect-storyboard-notes").mkdir()
    real = place / "elsewhere"
    left(gone()).rename(real)
    (place / f"prefect-storyboard-{module._machine()}-{gone()}-1.00-link1234").symlink_to(real)
    assert sweep() == 0
    assert (real / "take.mp4").exists()
