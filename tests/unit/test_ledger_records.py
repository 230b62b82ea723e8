"""The ledger says what is stored, all of it, or stops: what it cannot read is never taken for absent."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prefect_storyboard.ledger import Attempt, Draft, Ledger, LibraryError, Outcome, Unreadable
from prefect_storyboard.ledger.records import LAYOUT, PLAIN
from prefect_storyboard.storyboards import Casting
from prefect_storyboard.storyboards.keys import digest

from .fakes import KEY, OTHER, Breaks, away, breaking, intent, job, ledger_in, owner

NOW = datetime.now(UTC)
REFUSED = Outcome(kind="refused", at=NOW, error="Busy", message="later")
DONE = Outcome(kind="done", at=NOW, charged=True)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def test_an_unknown_key_has_no_history(ledger: Ledger) -> None:
    assert ledger.history(KEY) == ()


def test_an_attempt_is_told_as_far_as_it_got(ledger: Ledger) -> None:
    announced, answer = intent(), job()
    assert ledger.intend(1, announced)
    assert ledger.history(KEY) == (Attempt(number=1, intent=announced),)
    assert ledger.submitted(KEY, 1, answer) == answer
    assert ledger.history(KEY) == (Attempt(number=1, intent=announced, job=answer),)
    assert ledger.close(KEY, 1, DONE) == DONE
    assert ledger.history(KEY) == (Attempt(number=1, intent=announced, job=answer, outcome=DONE),)


def test_attempts_are_numbered_from_one_in_the_order_they_were_made(ledger: Ledger) -> None:
    for number in (1, 2, 3):
        ledger.intend(number, intent(usd=float(number)))
        ledger.close(KEY, number, REFUSED)
    assert [(attempt.number, attempt.intent.usd) for attempt in ledger.history(KEY)] == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_an_open_attempt_is_the_last_one(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.intend(2, intent())
    assert len(ledger.history(KEY)) == 1


def test_keys_do_not_mix(ledger: Ledger) -> None:
    ledger.intend(1, intent(OTHER))
    assert ledger.history(KEY) == ()


def test_who_comes_second_may_not_submit(ledger: Ledger) -> None:
    first, second = intent(), intent(owner=owner(token="t2"))
    assert ledger.intend(1, first)
    assert not ledger.intend(1, second)
    assert ledger.history(KEY)[0].intent == first


def test_of_many_at_once_one_may_submit(ledger: Ledger) -> None:
    rivals = [intent(owner=owner(token=f"t{n}")) for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        allowed = list(pool.map(lambda rival: ledger.intend(1, rival), rivals))
    assert [rival for rival, won in zip(rivals, allowed, strict=True) if won] == [ledger.history(KEY)[0].intent]


def test_who_lost_the_reply_to_its_own_intent_may_submit(ledger: Ledger) -> None:
    mine = intent()
    ledger.intend(1, mine)
    assert ledger.intend(1, mine), "its own body comes back"


def test_the_first_word_on_an_outcome_stands(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    assert ledger.close(KEY, 1, REFUSED) == REFUSED
    assert ledger.close(KEY, 1, DONE) == REFUSED


def test_the_first_job_of_an_attempt_stands(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    first = job("r1")
    assert ledger.submitted(KEY, 1, first) == first
    assert ledger.submitted(KEY, 1, job("r2")) == first


def test_a_field_of_a_newer_version_is_no_offence(ledger: Ledger, tmp_path: Path) -> None:
    ledger.intend(1, intent())
    file = tmp_path / "ledger" / KEY[:2] / KEY / "001" / "intent.json"
    file.write_text(file.read_text().replace("{", '{"mood": "good",', 1))
    assert ledger.history(KEY)[0].intent.key == KEY


@pytest.mark.parametrize("record", ["intent", "job", "outcome"])
def test_a_record_of_a_newer_version_is_refused_as_such(ledger: Ledger, tmp_path: Path, record: str) -> None:
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)
    file = tmp_path / "ledger" / KEY[:2] / KEY / "001" / f"{record}.json"
    written = json.loads(file.read_text())
    assert written["layout"] == PLAIN
    file.write_text(json.dumps({"layout": LAYOUT + 1, "all": "different"}))
    with pytest.raises(Unreadable, match=rf"{file} was written by a newer version of prefect-storyboard; .* Upgrade"):
        ledger.history(KEY)
    (listed,) = ledger.every()
    assert isinstance(listed, Unreadable)
    assert listed.key == KEY


def test_a_record_without_a_layout_number_is_one_of_0_1_0(ledger: Ledger, tmp_path: Path) -> None:
    ledger.intend(1, intent())
    file = tmp_path / "ledger" / KEY[:2] / KEY / "001" / "intent.json"
    file.write_text(json.dumps({name: each for name, each in json.loads(file.read_text()).items() if name != "layout"}))
    assert ledger.history(KEY)[0].intent.key == KEY


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"kind": "bird"}', b"\xff\xfe\x00", b'{"key": 1}'])
@pytest.mark.parametrize("record", ["intent", "job", "outcome"])
def test_a_torn_empty_or_foreign_record_stops_and_is_named(
    ledger: Ledger, tmp_path: Path, record: str, content: bytes
) -> None:
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)
    file = tmp_path / "ledger" / KEY[:2] / KEY / "001" / f"{record}.json"
    file.write_bytes(content)
    with pytest.raises(LibraryError, match=rf"{file} is no {record} of this ledger"):
        ledger.history(KEY)


def test_a_record_of_another_job_stops(ledger: Ledger, tmp_path: Path) -> None:
    ledger.intend(1, intent(OTHER))
    (tmp_path / "ledger" / OTHER[:2] / OTHER).rename(tmp_path / "ledger" / OTHER[:2] / KEY)
    (tmp_path / "ledger" / OTHER[:2]).rename(tmp_path / "ledger" / KEY[:2])
    with pytest.raises(LibraryError, match=rf"001/intent.json is the intent of another job, {OTHER}"):
        ledger.history(KEY)


def test_a_job_that_somebody_removed_is_missed(ledger: Ledger, tmp_path: Path) -> None:
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)
    (tmp_path / "ledger" / KEY[:2] / KEY / "001" / "job.json").unlink()
    with pytest.raises(LibraryError, match=r"001/job.json is missing, and its job is done"):
        ledger.history(KEY)


@pytest.mark.parametrize("in_the_way", ["file", "loop"])
def test_what_cannot_be_read_is_not_absent(ledger: Ledger, tmp_path: Path, in_the_way: str) -> None:
    folder = tmp_path / "ledger" / KEY[:2] / KEY / "001"
    folder.mkdir(parents=True)
    if in_the_way == "file":
        (folder / "intent.json").mkdir()
    else:
        (folder / "intent.json").symlink_to(folder / "intent.json")
    with pytest.raises(LibraryError, match=r"001/intent.json cannot be read: "):
        ledger.history(KEY)


def test_a_request_belongs_to_the_first_key_that_claims_it(ledger: Ledger) -> None:
    assert ledger.holder(job()) is None
    assert ledger.claim(job(), KEY)
    assert ledger.claim(job(), KEY), "claiming it again changes nothing"
    assert not ledger.claim(job(), OTHER)
    assert ledger.holder(job()) == KEY


def test_a_request_is_claimed_by_one_of_many(ledger: Ledger) -> None:
    keys = [digest(n) for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda key: ledger.claim(job(), key), keys))
    assert [key for key, mine in zip(keys, won, strict=True) if mine] == [ledger.holder(job())]


def test_a_request_of_another_key_is_not_recorded(ledger: Ledger) -> None:
    ledger.claim(job(), OTHER)
    ledger.intend(1, intent())
    assert ledger.submitted(KEY, 1, job()) is None
    assert ledger.history(KEY)[0].job is None


def test_a_crash_before_the_job_is_recorded_leaves_it_claimed(tmp_path: Path) -> None:
    ledger = Ledger(breaking(tmp_path, Breaks(at=2, error=away())))
    with pytest.raises(LibraryError):
        ledger.submitted(KEY, 1, job())
    assert not ledger.claim(job(), OTHER)


def test_a_request_id_stays_one_name_in_its_folder(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.claim(job("../../../reels/a b"), KEY)
    (file,) = (tmp_path / "ledger" / "requests" / "fal").iterdir()
    assert file.name == "..%2F..%2F..%2Freels%2Fa%20b.json"


def test_a_torn_claim_stops(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(job(), KEY)
    (tmp_path / "ledger" / "requests" / "fal" / "r1.json").write_bytes(b"")
    with pytest.raises(LibraryError, match=r"requests/fal/r1.json is no holder of this ledger"):
        ledger.claim(job(), KEY)


def test_takes_are_numbered_without_gaps(ledger: Ledger) -> None:
    keys = [digest(n) for n in range(4)]
    assert [ledger.take("reel", "s01", key, attempt=1, reserve=True) for key in keys] == [1, 2, 3, 4]


def test_a_job_keeps_the_number_of_its_take(ledger: Ledger) -> None:
    for _ in range(2):
        assert [ledger.take("reel", "s01", key, attempt=1, reserve=True) for key in (KEY, OTHER)] == [1, 2]
    assert ledger.take("reel", "s01", KEY, attempt=1, reserve=False) == 1


def test_looking_at_a_take_number_reserves_nothing(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.take("reel", "s01", KEY, attempt=1, reserve=False) == 1
    assert ledger.take("reel", "s01", OTHER, attempt=1, reserve=True) == 1
    assert ledger.take("reel", "s01", KEY, attempt=1, reserve=False) == 2


def test_takes_of_other_scenes_and_reels_count_for_themselves(ledger: Ledger) -> None:
    places = [("reel", "s01"), ("reel", "s02"), ("other", "s01")]
    assert [ledger.take(reel, scene, KEY, attempt=1, reserve=True) for reel, scene in places] == [1, 1, 1]


def test_takes_reserved_at_once_are_all_different(ledger: Ledger) -> None:
    keys = [digest(n) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda key: ledger.take("reel", "s01", key, attempt=1, reserve=True), keys))
    assert sorted(numbers) == list(range(1, 9))


def test_a_foreign_file_in_the_place_of_a_take_stops(ledger: Ledger, tmp_path: Path) -> None:
    ledger.take("reel", "s01", KEY, attempt=1, reserve=True)
    (tmp_path / "ledger" / "takes" / "reel" / "s01" / "001.json").write_text("holiday.jpg")
    with pytest.raises(LibraryError, match=r"takes/reel/s01/001.json"):
        ledger.take("reel", "s01", KEY, attempt=1, reserve=False)


MARA = Casting(character="Mara", id="char_1")
AGAIN = Casting(character="Mara", id="char_2")
GONE = Outcome(kind="abandoned", at=NOW, message="Character 'char_1' was not found.")


def created(ledger: Ledger, number: int, casting: Casting) -> None:
    ledger.intend(number, intent(character="Mara"))
    ledger.submitted(KEY, number, job(f"r{number}"))
    ledger.close(KEY, number, Outcome(kind="done", at=NOW, casting=casting, charged=True))


def test_a_draft_comes_back_as_it_was_written(ledger: Ledger) -> None:
    draft = Draft(reel="r", scene="s01", model="sora-2", prompt="Où ça?", characters=(MARA,), parent_key=OTHER)
    ledger.intend(1, intent(draft=draft, reel="r"))
    assert ledger.history(KEY)[0].intent.draft == draft


def test_an_intent_of_an_older_version_has_no_draft_and_no_reel(ledger: Ledger, tmp_path: Path) -> None:
    ledger.intend(1, intent())
    file = tmp_path / "ledger" / KEY[:2] / KEY / "001" / "intent.json"
    record = json.loads(file.read_text())
    for field in ("draft", "reel", "character"):
        del record[field]
    file.write_text(json.dumps(record))
    (found,) = ledger.history(KEY)
    assert (found.intent.draft, found.intent.reel, found.intent.character) == (None, "", None)


def test_a_casting_that_is_taken_back_makes_room_for_another(ledger: Ledger) -> None:
    created(ledger, 1, MARA)
    ledger.void(KEY, MARA, GONE)
    assert [attempt.void for attempt in ledger.history(KEY)] == [GONE]
    created(ledger, 2, AGAIN)
    assert [(attempt.number, attempt.void) for attempt in ledger.history(KEY)] == [(1, GONE), (2, None)]


def test_who_comes_late_takes_back_nothing_new(ledger: Ledger) -> None:
    created(ledger, 1, MARA)
    ledger.void(KEY, MARA, GONE)
    created(ledger, 2, AGAIN)
    ledger.void(KEY, MARA, GONE)
    assert ledger.history(KEY)[-1].void is None


def test_a_casting_is_taken_back_once_however_many_say_so(ledger: Ledger) -> None:
    created(ledger, 1, MARA)
    says = [GONE.model_copy(update={"message": str(number)}) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: ledger.void(KEY, MARA, each), says))
    assert ledger.history(KEY)[0].void in says


def test_what_has_not_ended_or_is_no_casting_is_not_taken_back(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    ledger.void(KEY, MARA, GONE)
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)
    ledger.void(KEY, MARA, GONE)
    assert ledger.history(KEY)[0].void is None


def test_a_torn_void_stops(ledger: Ledger, tmp_path: Path) -> None:
    created(ledger, 1, MARA)
    ledger.void(KEY, MARA, GONE)
    (tmp_path / "ledger" / KEY[:2] / KEY / "001" / "void.json").write_bytes(b"")
    with pytest.raises(LibraryError, match=r"001/void.json is no outcome of this ledger"):
        ledger.history(KEY)
