"""What a run has found once is not looked for again, and is never taken for proof."""

from pathlib import Path

import pytest

from prefect_storyboard.ledger import Ledger, Storage, Survey, open_storage, surveyed
from prefect_storyboard.ledger.survey import keep

from .fakes import KEY, OTHER, Gateway, intent, job, ledger_in
from .purchases import buy
from .test_ledger_records import DONE


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path))


@pytest.fixture
def survey(storage: Storage) -> Survey:
    found = Survey(storage, "pier")
    keep(found)
    return found


def test_it_counts_for_its_own_library_only(survey: Survey, storage: Storage, tmp_path: Path) -> None:
    assert surveyed(storage) is survey
    assert surveyed(open_storage(str(tmp_path / "another"))) is None


def test_what_was_absent_counts_once(survey: Survey) -> None:
    survey.add(KEY, "s01", ())
    assert (survey.history(KEY), survey.history(KEY)) == ((), None)
    assert (survey.use("pier", "s01"), survey.use("pier", "s01")) == (True, False)


def test_a_job_that_has_not_ended_is_looked_at_again(survey: Survey, storage: Storage) -> None:
    ledger = Ledger(storage)
    ledger.intend(1, intent())
    survey.add(KEY, "s01", ledger.history(KEY))
    assert survey.history(KEY) is None


async def test_a_job_that_somebody_bought_since_is_not_bought_again(survey: Survey, storage: Storage) -> None:
    survey.add(KEY, "s01", ())
    ledger, gateway = Ledger(storage), Gateway()
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job("theirs"))
    bought = await buy(gateway, ledger)
    assert (bought.state, bought.job.request_id, gateway.billed) == ("Reattached", "theirs", [])


def test_a_number_that_somebody_took_since_goes_to_them(survey: Survey, tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    assert ledger.take("pier", "s01", OTHER, attempt=1, reserve=True) == 1
    assert ledger.reserve_take("pier", "s01", KEY, attempt=1, number=1) == 2
    assert ledger.reserve_take("pier", "s01", KEY, attempt=1, number=1) == 2


def test_a_listing_of_a_new_job_that_shows_a_record_is_read_to_the_end(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    assert ledger.history_of_new(KEY) == ()
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)
    assert ledger.history_of_new(KEY) == ledger.history(KEY)
