"""A library proves itself before anything is bought, and is still the same one when the run ends."""

import shutil
from pathlib import Path

import pytest

from prefect_storyboard.ledger import Ledger, LibraryError, open_storage, prove
from tests.unit.fakes import ledger_in

from .s3_double import serving
from .test_storage_s3 import shelf


def test_a_library_keeps_its_identity(tmp_path: Path) -> None:
    assert prove(open_storage(str(tmp_path))) == prove(open_storage(str(tmp_path)))


def test_a_library_that_is_there_is_still_there(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.check_still_there(prove(ledger.storage))


def test_a_library_that_was_deleted_is_named_although_later_writes_made_its_folder_again(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path / "library")
    identity = prove(ledger.storage)
    shutil.rmtree(tmp_path / "library")
    ledger.journal.add_open("0" * 64, 1)
    with pytest.raises(LibraryError, match=r"library .*/library was deleted while it was in use.*storyboard repair"):
        ledger.check_still_there(identity)


def test_another_library_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path / "library")
    identity = prove(ledger.storage)
    shutil.rmtree(tmp_path / "library")
    prove(ledger.storage)
    with pytest.raises(LibraryError, match="was replaced by another one"):
        ledger.check_still_there(identity)


def test_a_torn_identity_is_named(tmp_path: Path) -> None:
    prove(open_storage(str(tmp_path)))
    (tmp_path / "ledger" / "library.json").write_bytes(b"{")
    with pytest.raises(LibraryError, match=r"ledger/library.json is torn"):
        prove(open_storage(str(tmp_path)))


def test_a_server_that_does_not_list_what_it_holds_is_refused() -> None:
    with (
        serving(lists=False) as bucket,
        pytest.raises(LibraryError, match=r"a listing does not show .*without //, and an endpoint_url without the bu"),
    ):
        prove(shelf(bucket))


def test_looking_whether_it_is_still_there_is_one_request() -> None:
    with serving() as bucket:
        ledger = Ledger(shelf(bucket))
        identity = prove(ledger.storage)
        bucket.reads.clear()
        ledger.check_still_there(identity)
        assert bucket.reads == ["GET shelf/ledger/library.json"]
