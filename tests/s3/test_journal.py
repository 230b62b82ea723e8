"""A job is listed from before it is announced until it has ended, whatever breaks in between; so is what it costs."""

import logging
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from prefect_storyboard.ledger import Ledger, LibraryError, Outcome, Storage, Unreadable, open_storage
from prefect_storyboard.storyboards.keys import digest
from tests.unit.fakes import KEY, OTHER, Breaks, Killed, away, breaking, intent, job, ledger_in, owner

NOW = datetime.now(UTC)
DONE = Outcome(kind="done", at=NOW, charged=True)
FAILED = Outcome(kind="failed", at=NOW, charged=True)
REFUSED = Outcome(kind="refused", at=NOW)
ABANDONED = Outcome(kind="abandoned", at=NOW)
LONG_AGO = NOW - timedelta(days=1)
STRANGERS = ("notes.txt", ".DS_Store", "a_5", "x_y_z", f"{KEY}_one", f".{KEY}_001.0123456789ab.part")


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, Any]]:
    """An S3 server on loopback that lists."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "k", "secret": "s", "endpoint_url": f"http://{host}:{port}"}
    client = boto3.client(
        "s3", "us-east-1", endpoint_url=options["endpoint_url"], aws_access_key_id="k", aws_secret_access_key="s"
    )
    client.create_bucket(Bucket="reels")
    client.close()
    yield {**options, "client_kwargs": {"region_name": "us-east-1"}}
    server.stop()


@pytest.fixture(params=["disk", "memory", "s3"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """The same ledger on each kind of storage."""
    match request.param:
        case "disk":
            return ledger_in(tmp_path)
        case "memory":
            return Ledger(open_storage(f"memory://{uuid.uuid4().hex}"))
    return Ledger(open_storage(f"s3://reels/{uuid.uuid4().hex}", request.getfixturevalue("s3")))


@pytest.fixture
def local(tmp_path: Path) -> Ledger:
    return ledger_in(tmp_path)


def listed(ledger: Ledger) -> list[tuple[str, int]]:
    return [(attempt.intent.key, attempt.number) for attempt in ledger.open()]


def entries(ledger: Ledger, *place: str) -> list[str]:
    return ledger.storage.names("ledger", *(place or ("open",)))


def spent(ledger: Ledger, reel: str = "lighthouse", since: datetime = LONG_AGO) -> float:
    return ledger.journal.spent(reel, since)


def spend(ledger: Ledger, key: str = KEY, number: int = 1, **facts: Any) -> None:
    assert ledger.intend(number, intent(key, **{"reel": "lighthouse", **facts}))


# --- open jobs


def test_a_ledger_without_jobs_lists_none(ledger: Ledger) -> None:
    assert (listed(ledger), spent(ledger), list(ledger.matching())) == ([], 0.0, [])


def test_a_job_is_listed_until_it_has_ended(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    ledger.intend(1, intent(OTHER))
    assert listed(ledger) == sorted([(KEY, 1), (OTHER, 1)])
    ledger.submitted(KEY, 1, job())
    assert [attempt.job for attempt in ledger.open() if attempt.intent.key == KEY] == [ledger.history(KEY)[0].job]
    ledger.close(KEY, 1, DONE)
    assert listed(ledger) == [(OTHER, 1)]
    assert entries(ledger) == [f"{OTHER}_001"], "what has ended leaves nothing behind"


@pytest.mark.parametrize("outcome", [DONE, FAILED, REFUSED, ABANDONED], ids=lambda outcome: outcome.kind)
def test_however_a_job_ends_it_is_listed_no_more(ledger: Ledger, outcome: Outcome) -> None:
    ledger.intend(1, intent())
    if outcome.kind in {"done", "failed"}:
        ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, outcome)
    assert listed(ledger) == []


def test_the_next_attempt_is_listed_under_its_own_number(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    ledger.close(KEY, 1, REFUSED)
    ledger.intend(2, intent())
    assert listed(ledger) == [(KEY, 2)]


def test_what_was_left_in_the_list_vanishes_when_it_is_read(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)
    ledger.journal.add_open(KEY, 1)
    assert (listed(ledger), entries(ledger)) == ([], [])


def test_what_is_about_to_be_announced_is_not_listed_and_not_forgotten(ledger: Ledger) -> None:
    ledger.journal.add_open(KEY, 1)
    assert (listed(ledger), entries(ledger)) == ([], [f"{KEY}_001"])
    ledger.intend(1, intent())
    assert listed(ledger) == [(KEY, 1)]


def test_a_job_is_found_by_the_first_letters_of_its_key(ledger: Ledger) -> None:
    keys = sorted(digest(number) for number in range(5))
    for key in keys:
        ledger.intend(1, intent(key))
    assert list(ledger.matching()) == keys
    for key in keys:
        assert list(ledger.matching(key)) == list(ledger.matching(key[:12])) == [key]
        assert key in ledger.matching(key[:1])
    assert list(ledger.matching("0123456789abcdef")) == []


def test_a_name_in_the_folder_of_the_ledger_is_no_key(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.take("lighthouse", "s01", KEY, attempt=1, reserve=True)
    for name in ("open", "spent", "requests", "takes", "..", "./", "001"):
        assert list(ledger.matching(name)) == []


def test_of_many_rivals_one_is_listed_and_one_pays(ledger: Ledger) -> None:
    rivals = [intent(reel="lighthouse", owner=owner(token=f"t{n}"), at=NOW + timedelta(seconds=n)) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda rival: ledger.intend(1, rival), rivals)) == 1
    assert listed(ledger) == [(KEY, 1)]
    assert spent(ledger) == 0.4
    assert len(entries(ledger, "spent", "lighthouse")) == 1


# --- what breaks


def whole_life(ledger: Ledger) -> None:
    ledger.intend(1, intent())
    ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, DONE)


def test_the_list_is_written_before_the_intent(tmp_path: Path) -> None:
    breaks = Breaks()
    whole_life(Ledger(breaking(tmp_path, breaks)))
    first, second, *rest = breaks.writes
    assert (first, second[-4:]) == (f"{KEY}_001", "0000")
    assert rest == ["intent.json", "r1.json", "job.json", "outcome.json"]


@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "arrived"])
@pytest.mark.parametrize("at", range(1, 7))
@pytest.mark.parametrize("error", [Killed(), away()], ids=["killed", "storage away"])
def test_a_crash_at_any_write_leaves_a_job_listed_or_not_announced_or_ended(
    tmp_path: Path,
    at: int,
    arrives: bool,  # noqa: FBT001
    error: BaseException,
) -> None:
    with pytest.raises(type(error)):
        whole_life(Ledger(breaking(tmp_path, Breaks(at=at, error=error, arrives=arrives))))
    ledger = ledger_in(tmp_path)
    history = ledger.history(KEY)
    running = bool(history) and history[0].outcome is None
    assert running == (3 + (not arrives) <= at <= 5 + (not arrives)), "an intent is there, and no outcome"
    assert listed(ledger) == ([(KEY, 1)] if running else [])
    assert listed(ledger) == ([(KEY, 1)] if running else []), "reading it changes nothing"


@dataclass(frozen=True)
class Stubborn(Storage):
    """Dies when something is to be removed."""

    def remove(self, *parts: str) -> None:
        raise Killed


def test_a_crash_before_a_job_is_forgotten_leaves_no_job(tmp_path: Path) -> None:
    sound = open_storage(str(tmp_path))
    with pytest.raises(Killed):
        whole_life(Ledger(Stubborn(fs=sound.fs, root=sound.root, url=sound.url)))
    ledger = ledger_in(tmp_path)
    assert entries(ledger) == [f"{KEY}_001"]
    assert (listed(ledger), entries(ledger)) == ([], [])


@pytest.mark.parametrize("record", ["intent", "job", "outcome"])
def test_a_torn_record_is_reported_and_stays_where_it_is(local: Ledger, tmp_path: Path, record: str) -> None:
    whole_life(local)
    local.journal.add_open(KEY, 1)
    file = tmp_path / "ledger" / KEY[:2] / KEY / "001" / f"{record}.json"
    file.write_bytes(b'{"key": ')
    for _ in range(2):
        (error,) = local.open()
        assert isinstance(error, Unreadable)
        assert error.key == KEY
        assert str(error).startswith(f"{file} is no {record} of this ledger (torn or foreign)")
    assert (file.read_bytes(), entries(local)) == (b'{"key": ', [f"{KEY}_001"])


def test_what_a_stranger_put_into_the_lists_is_ignored_and_left_there(ledger: Ledger) -> None:
    spend(ledger)
    for place in ("open",), ("spent", "lighthouse"):
        for name in STRANGERS:
            ledger.storage.create_once(b"theirs", "ledger", *place, name)
    assert (listed(ledger), spent(ledger)) == ([(KEY, 1)], 0.4)
    assert set(STRANGERS) < set(entries(ledger))
    assert set(STRANGERS) < set(entries(ledger, "spent", "lighthouse"))


def test_a_list_that_cannot_be_read_is_not_empty(local: Ledger, tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    for name in ("open", "spent"):
        (tmp_path / "ledger" / name).symlink_to(tmp_path / "ledger" / name)
    for read in (lambda: listed(local), lambda: spent(local)):
        with pytest.raises(LibraryError, match="cannot be listed"):
            read()


# --- what a reel has spent


def test_what_was_announced_is_counted_to_the_last_tenth_of_a_cent(ledger: Ledger) -> None:
    for number, usd in enumerate((0.4, 0.001, 0.0819)):
        spend(ledger, digest(number), usd=usd)
    assert spent(ledger) == pytest.approx(0.4829, abs=1e-9)


def test_an_unknown_price_counts_nothing_and_is_noted(ledger: Ledger) -> None:
    spend(ledger, usd=None)
    assert spent(ledger) == 0.0
    assert [name.rpartition("_")[2] for name in entries(ledger, "spent", "lighthouse")] == ["unknown"]


def test_only_the_reel_and_the_time_in_question_count(ledger: Ledger) -> None:
    spend(ledger, digest(1), at=NOW - timedelta(minutes=1))
    spend(ledger, digest(2), at=NOW)
    spend(ledger, digest(3), reel="another")
    spend(ledger, digest(4), reel="")
    assert [spent(ledger, since=NOW - timedelta(seconds=late)) for late in (61, 60, 59, 0, -1)] == [
        0.8,
        0.8,
        0.4,
        0.4,
        0.0,
    ]
    assert (spent(ledger, "another"), spent(ledger, "lightho")) == (0.4, 0.0)


@pytest.mark.parametrize(
    ("outcome", "left"), [(REFUSED, 0.0), (ABANDONED, 0.0), (FAILED, 0.4), (DONE, 0.4)], ids=lambda each: str(each)[:16]
)
def test_money_comes_back_only_where_nothing_was_bought(ledger: Ledger, outcome: Outcome, left: float) -> None:
    spend(ledger)
    if outcome.kind in {"done", "failed"}:
        ledger.submitted(KEY, 1, job())
    ledger.close(KEY, 1, outcome)
    assert spent(ledger) == left


def test_money_comes_back_by_the_word_that_came_first(local: Ledger) -> None:
    spend(local)
    local.submitted(KEY, 1, job())
    local.close(KEY, 1, DONE)
    local.close(KEY, 1, REFUSED)
    assert spent(local) == 0.4


@pytest.mark.parametrize("zone", [UTC, datetime.now().astimezone().tzinfo])
def test_money_comes_back_whatever_clock_the_intent_was_written_by(local: Ledger, zone: Any) -> None:
    spend(local, at=NOW.astimezone(zone))
    local.close(KEY, 1, REFUSED)
    assert entries(local, "spent", "lighthouse") == []


def test_an_attempt_that_rivals_have_noted_counts_once_until_one_has_won(ledger: Ledger) -> None:
    rivals = [intent(reel="lighthouse", at=NOW + timedelta(seconds=n)) for n in range(3)]
    for rival in rivals:
        ledger.journal.add_spent(rival, 1)
    assert (spent(ledger), len(entries(ledger, "spent", "lighthouse"))) == (0.4, 3)
    for rival in rivals[1:]:
        ledger.journal.remove_spent(rival, 1)
    assert spent(ledger) == 0.4


@pytest.mark.parametrize(
    ("end", "counted"), [(lambda ledger: ledger.close(KEY, 1, ABANDONED), 0.4), (lambda _: None, 0.8)]
)
def test_a_second_attempt_counts_for_itself(local: Ledger, end: Callable[[Ledger], object], counted: float) -> None:
    spend(local)
    end(local)
    spend(local, number=2)
    assert spent(local) == counted
