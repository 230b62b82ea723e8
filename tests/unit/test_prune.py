"""Pruning packs what is settled, and changes no decision: what was bought is not bought again."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.jobs.repair import repair
from prefect_storyboard.ledger import Ledger, Outcome, Storage, Unreadable
from prefect_storyboard.ledger.prune import prune
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards import Casting

from .fakes import KEY, OTHER, Gateway, Killed, intent, job, ledger_in
from .purchases import buy

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=1)
DONE = Outcome(kind="done", at=NOW, charged=True)
FAILED = Outcome(kind="failed", at=NOW, error="GenerationFailed", message="it broke", charged=True)
MARA = Outcome(kind="done", at=NOW, casting=Casting(character="Mara", id="char_1"))


@dataclass(frozen=True)
class Interrupted(Storage):
    """A storage whose process is killed after so many removals."""

    removals: int = 0
    done: list[tuple[str, ...]] = field(default_factory=list)

    def remove(self, *parts: str) -> None:
        if len(self.done) == self.removals:
            raise Killed
        self.done.append(parts)
        super().remove(*parts)


@dataclass(frozen=True)
class Overtaken(Storage):
    """A storage in which something happens right after the first look at one file."""

    place: tuple[str, ...] = ()
    meanwhile: deque[Callable[[], object]] = field(default_factory=deque)

    def read(self, *parts: str) -> bytes | None:
        body = super().read(*parts)
        if parts == self.place and self.meanwhile:
            self.meanwhile.popleft()()
        return body


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def settled(ledger: Ledger, *ends: Outcome, key: str = KEY) -> Any:
    """A job whose attempts ended so; returns its history."""
    for number, end in enumerate(ends, 1):
        ledger.intend(number, intent(key))
        ledger.submitted(key, number, job(f"{key[:6]}-{number}"))
        ledger.close(key, number, end)
    return ledger.history(key)


def files(ledger: Ledger, key: str = KEY) -> list[str]:
    return ["/".join(place) for place in ledger.records(key)]


@pytest.mark.parametrize("ends", [(DONE,), (FAILED, DONE), (FAILED, FAILED), (MARA,)])
def test_a_pruned_job_has_one_file_and_the_history_that_it_had(ledger, ends):
    before = settled(ledger, *ends)
    (pruned,) = prune(ledger, LATER)
    assert (pruned.key, pruned.files) == (KEY, 3 * len(ends) - 1)
    assert (ledger.history(KEY), files(ledger)) == (before, ["001/intent.json"])


async def test_a_pruned_job_is_not_bought_again(ledger):
    gateway = Gateway()
    bought = await buy(gateway, ledger)
    ledger.close(KEY, 1, DONE)
    assert len([*prune(ledger, LATER)]) == 1
    again = await buy(gateway, ledger)
    assert (again.state, again.job, len(gateway.billed)) == ("Cached", bought.job, 1)


async def test_a_failure_counts_as_before(ledger):
    settled(ledger, FAILED)
    list(prune(ledger, LATER))
    gateway = Gateway()
    with pytest.raises(errors.GenerationFailed, match="it broke"):
        await buy(gateway, ledger)
    assert gateway.billed == []
    assert (await buy(gateway, ledger, attempts=2)).attempt == 2
    assert [attempt.number for attempt in ledger.history(KEY)] == [1, 2]


def test_what_is_open_unknown_given_up_or_recent_is_left_alone(ledger):
    ledger.intend(1, intent())
    assert [*prune(ledger, LATER)] == []
    ledger.submitted(KEY, 1, job())
    assert [*prune(ledger, LATER)] == []
    ledger.close(KEY, 1, DONE)
    assert [*prune(ledger, NOW)] == []
    ledger.intend(1, intent(OTHER))
    ledger.close(OTHER, 1, Outcome(kind="abandoned", at=NOW))
    assert [each.key for each in prune(ledger, LATER)] == [KEY]


def test_what_cannot_be_read_is_left_alone_and_the_others_are_packed(ledger, tmp_path):
    settled(ledger, DONE)
    settled(ledger, DONE, key=OTHER)
    torn = next(tmp_path.glob(f"**/{KEY}/001/outcome.json"))
    torn.write_text("{")
    assert [each.key for each in prune(ledger, LATER)] == [OTHER]
    with pytest.raises(Unreadable):
        ledger.history(KEY)
    assert len(files(ledger)) == 3


def test_a_second_prune_finds_nothing_to_do(ledger):
    settled(ledger, FAILED, DONE)
    assert len([*prune(ledger, LATER)]) == 1
    assert [*prune(ledger, LATER)] == []


@pytest.mark.parametrize("removals", [0, 1, 2, 3])
def test_an_interrupted_prune_changes_nothing_and_is_finished_by_the_next(ledger, removals):
    before = settled(ledger, FAILED, DONE)
    with pytest.raises(Killed):
        list(prune(Ledger(Interrupted(**vars(ledger.storage), removals=removals)), LATER))
    assert ledger.history(KEY) == before
    list(prune(ledger, LATER))
    assert (ledger.history(KEY), files(ledger)) == (before, ["001/intent.json"])


def test_a_casting_that_is_taken_back_later_is_taken_back(ledger):
    settled(ledger, MARA)
    list(prune(ledger, LATER))
    gone = Outcome(kind="abandoned", at=NOW, message="the provider knows it no more")
    ledger.void(KEY, MARA.casting, gone)
    assert [attempt.void for attempt in ledger.history(KEY)] == [gone]
    list(prune(ledger, LATER))
    assert ([attempt.void for attempt in ledger.history(KEY)], files(ledger)) == ([gone], ["001/intent.json"])


def test_another_scene_cannot_adopt_the_request_of_a_pruned_job(ledger):
    ((attempt,)) = settled(ledger, DONE)
    list(prune(ledger, LATER))
    assert ledger.holder(attempt.job) == KEY
    ledger.intend(1, intent(OTHER))
    assert ledger.submitted(OTHER, 1, attempt.job) is None


def test_what_a_reel_has_spent_is_known_after_a_prune(ledger):
    ledger.intend(1, intent(usd=0.4, reel="pier"))
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)
    list(prune(ledger, LATER))
    assert ledger.journal.spent("pier", datetime.min.replace(tzinfo=UTC)) == 0.4


def test_a_reader_between_two_removals_sees_the_whole_history(ledger):
    before = settled(ledger, DONE)
    place = ("ledger", KEY[:2], KEY, "001", "intent.json")
    overtaken = Overtaken(**vars(ledger.storage), place=place, meanwhile=deque([lambda: list(prune(ledger, LATER))]))
    assert Ledger(overtaken).history(KEY) == before
    assert not overtaken.meanwhile


def test_repair_takes_a_pruned_job_for_whole(ledger):
    settled(ledger, DONE)
    list(prune(ledger, LATER))
    assert repair(ledger) == repair(ledger)
    assert files(ledger) == ["001/intent.json"]
