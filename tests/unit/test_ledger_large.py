"""What a settled job costs those who come after it: nothing. Requests are counted, for they are what takes time."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prefect_storyboard.jobs.settle import jobs
from prefect_storyboard.ledger import Ledger, Outcome, Storage, open_storage, prove
from prefect_storyboard.storyboards.keys import digest

from .fakes import KEY, intent, job

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Counted(Storage):
    """A storage that counts what is asked of it."""

    asked: Counter[str] = field(default_factory=Counter)

    def read(self, *parts: str) -> bytes | None:
        self.asked["read"] += 1
        return super().read(*parts)

    def names(self, *parts: str, prefix: str = "") -> list[str]:
        found = super().names(*parts, prefix=prefix)
        self.asked["listing"] += 1
        self.asked["names listed"] += len(found)
        return found

    def below(self, *parts: str, prefix: str) -> list[tuple[str, ...]]:
        found = super().below(*parts, prefix=prefix)
        self.asked["listing"] += 1
        self.asked["names listed"] += len(found)
        return found


def asked(folder: Path, settled: int) -> Counter[str]:
    """What the start of a run, of `jobs` and of `collect` ask of a library with so many settled jobs and one open one."""
    storage = Counted(**vars(open_storage(str(folder))))
    ledger = Ledger(storage)
    for number in range(settled):
        key = "ab" + digest(str(number))[2:]  # in one folder: the ledger has 256, each listed by its name
        ledger.intend(1, intent(key, reel="pier"))
        ledger.submitted(key, 1, job(f"r{number}"))
        ledger.close(key, 1, Outcome(kind="done", at=NOW))
    ledger.intend(1, intent())
    storage.asked.clear()
    prove(storage)
    assert [line.key for line in jobs(ledger)] == [KEY]
    assert len(ledger.history(KEY)) == 1
    assert ledger.history(digest("a new scene")) == ()
    return storage.asked


def test_a_run_a_list_and_a_collect_ask_the_same_of_a_library_with_many_settled_jobs(tmp_path):
    assert asked(tmp_path / "few", 1) == asked(tmp_path / "many", 40)


@pytest.mark.parametrize(
    ("since", "prefix"),
    [
        (datetime(2026, 11, 28, 22, 0, tzinfo=UTC), "2026112"),
        (datetime(2026, 11, 29, 23, 59, tzinfo=UTC), "202611"),
        (datetime(2025, 12, 31, tzinfo=UTC), "202"),
        (datetime.min.replace(tzinfo=UTC), ""),
    ],
)
def test_of_what_a_reel_has_spent_only_the_time_in_question_is_listed(tmp_path, since, prefix):
    listed = []

    @dataclass(frozen=True)
    class Listed(Storage):
        def names(self, *parts: str, prefix: str = "") -> list[str]:
            listed.append(prefix)
            return super().names(*parts, prefix=prefix)

    ledger = Ledger(Listed(**vars(open_storage(str(tmp_path)))))
    ledger.intend(1, intent(reel="pier", at=since + timedelta(hours=1)))
    assert ledger.journal.spent("pier", since, now=datetime(2026, 11, 28, 23, 0, tzinfo=UTC)) == 0.4
    assert listed == [prefix]


def test_what_was_spent_before_counts_nothing(tmp_path):
    ledger = Ledger(open_storage(str(tmp_path)))
    for number, hours in enumerate((-1, 0, 1)):
        ledger.intend(1, intent(digest(str(number)), reel="pier", at=NOW + timedelta(hours=hours)))
    assert ledger.journal.spent("pier", NOW) == pytest.approx(0.8)
