"""A library that version 0.1.0 made is read to the last record, and each of its jobs gets the decision that is right."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prefect_storyboard.jobs import settle
from prefect_storyboard.jobs.repair import Repaired, repair
from prefect_storyboard.ledger import Attempt, Decision, Ledger, decide, prove
from prefect_storyboard.ledger.owner import alive
from prefect_storyboard.ledger.sidecars import sidecars
from prefect_storyboard.storyboards import Reel

from .fakes import ledger_in

LIBRARY = Path(__file__).parents[1] / "fixtures" / "library-0.1.0" / "library"
NIGHT = "the-night-watch"
DECISIONS = {
    "character Mara": Decision.DONE,
    "scene s01 take 1": Decision.DONE,
    "scene s02 take 1": Decision.DONE,
    "scene s03 take 1": Decision.DONE,
    "scene s04 take 1": Decision.UNKNOWN,
    "scene s05 take 1": Decision.FAILED,
    "scene s06 take 1": Decision.REATTACH,
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    shutil.copytree(LIBRARY, tmp_path / "library")
    return ledger_in(tmp_path / "library")


def attempts(ledger: Ledger) -> dict[str, Attempt]:
    found = [each for each in ledger.every() if isinstance(each, Attempt)]
    return {each.intent.label: each for each in found}


def test_every_record_is_read(ledger: Ledger) -> None:
    assert set(attempts(ledger)) == set(DECISIONS)
    assert len(list(ledger.every())) == len(list(LIBRARY.glob("ledger/??/*/001/intent.json"))) == len(DECISIONS)
    mara = attempts(ledger)["character Mara"].end
    assert mara is not None
    assert mara.casting is not None
    assert mara.casting.id


@pytest.mark.parametrize("label", DECISIONS)
def test_each_job_is_decided_as_it_was(ledger: Ledger, label: str) -> None:
    attempt = attempts(ledger)[label]
    decision = decide([attempt], now=datetime.now(UTC), owner_alive=alive(attempt.intent.owner))
    assert decision is DECISIONS[label]


def test_its_jobs_are_listed(ledger: Ledger) -> None:
    assert {(line.about, line.state) for line in settle.jobs(ledger)} == {
        ("scene s04 take 1", "unknown"),
        ("scene s06 take 1", "rendering"),
    }
    states = [line.state for line in settle.jobs(ledger, every=True)]
    assert sorted(states) == ["done"] * 4 + ["failed", "rendering", "unknown"]


def test_what_it_spent_is_known(ledger: Ledger) -> None:
    assert ledger.journal.spent(NIGHT, datetime(2026, 1, 1, tzinfo=UTC)) == pytest.approx(6 * 0.4)


def test_its_takes_keep_their_numbers(ledger: Ledger) -> None:
    for scene in ("s01", "s02", "s03"):
        key = attempts(ledger)[f"scene {scene} take 1"].intent.key
        assert ledger.take(NIGHT, scene, key, attempt=1, reserve=True) == 1
        assert ledger.take(NIGHT, scene, "0" * 64, attempt=1, reserve=False) == 2


def test_its_sidecars_and_its_reel_are_read(ledger: Ledger) -> None:
    key = attempts(ledger)["scene s02 take 1"].intent.key
    found = next((each for each in sidecars(ledger.storage, NIGHT, "s02") if each.clip.job_key == key), None)
    assert found is not None
    assert found.clip.parent_key == attempts(ledger)["scene s01 take 1"].intent.key
    assert ledger.storage.size("reels", NIGHT, "scenes", "s02", "take-001.mp4") == found.clip.bytes


def test_it_needs_no_repair_and_can_be_proved(ledger: Ledger) -> None:
    assert repair(ledger) == Repaired()
    ledger.check_still_there(prove(ledger.storage))


def test_its_lost_ledger_is_rebuilt(ledger: Ledger) -> None:
    before = attempts(ledger)
    shutil.rmtree(Path(ledger.storage.url) / "ledger")
    assert len(repair(ledger).takes) == 3
    for label, attempt in attempts(ledger).items():
        was, now = before[label].end, attempt.end
        assert was is not None
        assert now is not None
        assert (now.kind, now.clip, now.cost_usd) == (was.kind, was.clip, was.cost_usd)
        assert attempt.intent.draft == before[label].intent.draft


def test_a_reel_with_a_field_of_a_newer_version_is_read() -> None:
    assert Reel.model_validate({"title": "The Night Watch", "clips": [], "mood": "good"}).title == "The Night Watch"
