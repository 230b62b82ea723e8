"""A score of schedules of trouble against the real flow: whatever goes wrong, every job is paid for once and kept.

`make chaos` plays a thousand. One that fails here is repeated with `make chaos SEED=... ONLY=<number>`.
"""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.schedules import GATEWAYS, KINDS, schedule
from tests.chaos.stage import SECRET
from tests.chaos.telltales import told

SEED = 11
# Each kind of trouble once, the gateways in turn.
NUMBERS = [len(GATEWAYS) * place + place % len(GATEWAYS) for place in range(len(KINDS))]
CARELESS, SPOILT = len(GATEWAYS) * len(KINDS) + 1, len(GATEWAYS) * 3  # lost replies at Kie; broken polls at fal

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def verdicts(engine, tmp_path_factory):
    """The verdicts by number; all schedules are played at the same time, in processes of their own."""
    only = ",".join(map(str, [*NUMBERS, CARELESS, SPOILT]))
    command = [sys.executable, "-m", "tests.chaos", "--json", "--seed", str(SEED), "--only", only, "--workers", "1"]
    command += ["--at-once", "8", "--careless", str(CARELESS), "--spoil", str(SPOILT)]
    command += ["--folder", str(tmp_path_factory.mktemp("chaos") / "suite")]
    environment = {**os.environ, "PREFECT_API_URL": engine}
    run = subprocess.run(command, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[2], timeout=1200)
    told = [json.loads(line) for line in run.stdout.splitlines()]
    return {int(verdict["name"].split("-")[1]): verdict for verdict in told}


@pytest.mark.parametrize("number", NUMBERS, ids=KINDS)
def test_every_job_is_paid_for_once_and_kept_or_named(verdicts, number):
    assert verdicts[number]["problems"] == []


def test_the_trouble_was_real(verdicts):
    played = [verdicts[number] for number in NUMBERS]
    assert sum(verdict["faults"] for verdict in played) > 3 * len(played)
    assert {"SIGKILL", "SIGSTOP", "records lost", "ledger lost", "Reel"} <= {
        end for verdict in played for end in verdict["ends"]
    }
    assert sum(verdict["billed"] for verdict in played) > 3 * len(played)


def test_pictures_are_among_what_was_bought(verdicts):
    played = [verdicts[number]["pictures"] for number in NUMBERS]
    assert sum(pictures["billed"] for pictures in played) > 10
    assert sum(pictures["stored"] for pictures in played) > 10


def test_the_judge_notices_a_second_purchase(verdicts):
    assert any("bought 2 times" in problem for problem in verdicts[CARELESS]["problems"])


@pytest.mark.parametrize(
    "what",
    [
        "its file is not",
        "and collect does not say so",
        "does not read",
        "tells a secret",
        "is not noted as spent by pier",
        "is noted as 1 millionths spent by pier",
    ],
)
def test_the_judge_notices_a_library_that_was_spoilt(verdicts, what):
    assert any(what in problem for problem in verdicts[SPOILT]["problems"])


@pytest.mark.parametrize(("word", "problems"), [("Mara", []), (SECRET, ["prefect.db tells a secret in flow_run"])])
def test_the_judge_notices_a_secret_in_prefects_database(tmp_path, word, problems):
    with closing(sqlite3.connect(tmp_path / "prefect.db")) as rows, rows:
        rows.execute("create table log(message text)")
        rows.execute("create table flow_run(parameters text)")
        rows.execute("insert into flow_run values(?)", ["." * 5000 + word])
    assert list(told(tmp_path / "prefect.db")) == problems


@pytest.mark.parametrize("stills", [False, True])
def test_a_schedule_can_be_repeated(stills):
    assert schedule(SEED, 29, stills=stills) == schedule(SEED, 29, stills=stills) != schedule(SEED + 1, 29)


def test_a_third_of_the_boards_have_stills_where_pictures_are_sold_or_all_of_them():
    drawn = [each for number in range(400) if (each := schedule(SEED, number)).gateway != "openai"]
    assert 0.25 < sum(each.stills is not None for each in drawn) / len(drawn) < 0.42
    assert all(schedule(SEED, number, stills=True).stills for number in range(100))
