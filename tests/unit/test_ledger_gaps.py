"""A record that is missing is not an attempt that was never made: the ledger stops, and nothing is bought."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from prefect_storyboard.ledger import Ledger, Outcome, Storage, Unreadable, open_storage

from .fakes import KEY, Breaks, Gateway, away, breaking, intent, job, ledger_in
from .purchases import buy, outcomes
from .test_ledger_records import DONE, REFUSED


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def folder(tmp_path: Path, number: int = 1) -> Path:
    return tmp_path / "ledger" / KEY[:2] / KEY / f"{number:03d}"


def bought(ledger: Ledger, number: int = 1, end: Outcome | None = DONE) -> None:
    ledger.intend(number, intent())
    ledger.submitted(KEY, number, job(f"r{number}"))
    if end:
        ledger.close(KEY, number, end)


@pytest.mark.parametrize(
    ("end", "lost"),
    [(None, ("intent",)), (DONE, ("intent",)), (DONE, ("intent", "job")), (DONE, ("intent", "outcome"))],
)
async def test_a_later_record_without_its_intent_stops_the_job_and_nothing_is_bought(
    ledger: Ledger, tmp_path: Path, lost: tuple[str, ...], end: Outcome | None
) -> None:
    bought(ledger, end=end)
    for name in lost:
        (folder(tmp_path) / f"{name}.json").unlink()
    gateway = Gateway()
    with pytest.raises(Unreadable, match=r"001/intent.json is missing, and 001/\w+.json is there.*nothing was bought"):
        await buy(gateway, ledger)
    assert not gateway.billed


async def test_a_missing_attempt_before_a_later_one_stops_the_job(ledger: Ledger, tmp_path: Path) -> None:
    ledger.intend(1, intent())
    ledger.close(KEY, 1, REFUSED)
    bought(ledger, 2)
    for number in (1, 2):
        kept = tmp_path / "kept"
        shutil.move(folder(tmp_path, number), kept)
        if number == 1:
            with pytest.raises(Unreadable, match=r"001/intent.json is missing, and 002/intent.json is there"):
                await buy(Gateway(), ledger)
        shutil.move(kept, folder(tmp_path, number))
    (folder(tmp_path, 2) / "intent.json").unlink()
    with pytest.raises(Unreadable, match=r"002/intent.json is missing, and 002/job.json is there"):
        await buy(Gateway(), ledger)


@pytest.mark.parametrize("kind", ["done", "failed"])
def test_an_end_that_only_a_job_can_have_needs_its_job(ledger: Ledger, tmp_path: Path, kind: str) -> None:
    bought(ledger, end=DONE.model_copy(update={"kind": kind}))
    (folder(tmp_path) / "job.json").unlink()
    with pytest.raises(Unreadable, match=rf"001/job.json is missing, and its job is {kind}"):
        ledger.history(KEY)


async def test_an_attempt_that_a_later_one_followed_and_that_has_lost_its_end_stops_the_job(
    ledger: Ledger, tmp_path: Path
) -> None:
    ledger.intend(1, intent())
    ledger.close(KEY, 1, REFUSED)
    bought(ledger, 2)
    (folder(tmp_path) / "outcome.json").unlink()
    gateway = Gateway()
    with pytest.raises(Unreadable, match=r"001/outcome.json is missing, and 002/\w+.json is there"):
        await buy(gateway, ledger, on_unknown="resubmit")
    assert not gateway.billed


def test_what_a_killed_process_left_behind_is_no_record(ledger: Ledger, tmp_path: Path) -> None:
    folder(tmp_path).mkdir(parents=True)
    (folder(tmp_path) / ".intent.json.0123456789ab.part").write_bytes(b"{")
    assert ledger.history(KEY) == ()


@dataclass(frozen=True)
class Counting(Storage):
    """Counts the reads, and lets something happen after the first one."""

    reads: list[str] = field(default_factory=list)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def read(self, *parts: str) -> bytes | None:
        body = super().read(*parts)
        self.reads.append(parts[-1])
        if self.meanwhile:
            self.meanwhile.pop()()
        return body

    def below(self, *parts: str, prefix: str) -> list[tuple[str, ...]]:
        self.reads.append(f"list {parts[0]}")
        return super().below(*parts, prefix=prefix)


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    sound = open_storage(str(tmp_path))
    return Counting(fs=sound.fs, root=sound.root, url=sound.url)


def test_a_new_key_costs_one_read_and_one_listing(counting: Counting) -> None:
    assert Ledger(counting).history(KEY) == ()
    assert counting.reads == ["intent.json", "list ledger"]


def test_a_job_that_is_done_costs_three_reads(counting: Counting, ledger: Ledger) -> None:
    bought(ledger)
    assert Ledger(counting).history(KEY)[-1].outcome == DONE
    assert counting.reads == ["intent.json", "outcome.json", "job.json"]


def test_an_intent_that_appears_between_two_looks_is_not_missing(counting: Counting, ledger: Ledger) -> None:
    counting.meanwhile.append(lambda: bought(ledger))
    assert [attempt.number for attempt in Ledger(counting).history(KEY)] == [1]


# --- an intent that could not be written


@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "arrived"])
async def test_an_intent_whose_write_failed_is_closed_and_nobody_is_asked_about_it(
    tmp_path: Path,
    arrives: bool,  # noqa: FBT001
) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=3, error=away(), arrives=arrives)))
    gateway = Gateway()
    with pytest.raises(OSError, match="Service Unavailable"):
        await buy(gateway, ledger, reel="lighthouse")
    assert not gateway.billed
    assert outcomes(ledger) == (["refused"] if arrives else [])
    assert ledger.storage.names("ledger", "spent", "lighthouse") == []
    assert (await buy(gateway, ledger)).state == "Submitted"
    assert len(gateway.billed) == 1
