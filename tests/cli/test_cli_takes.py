"""`storyboard status`, `takes`, `reroll` and `pick`: one table or one list of JSON, and a reroll that outlives a kill."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_storyboard.cli.main import app
from prefect_storyboard.sandbox.server import environment
from tests.cli.test_cli import COMMAND, board, control, storyboard  # noqa: F401 - a fixture

pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>")
ON = ("--provider", "fal", "--library", "library")


def jobs(sandbox):
    return control(sandbox, "meter")["jobs_accepted"]


def test_a_person_looks_rerolls_looks_and_picks(storyboard, sandbox, tmp_path):  # noqa: F811
    sea = board(tmp_path, "The sea.", "The shore.")
    code, out, _ = storyboard("status", sea, *ON)
    assert (code, "2 missing; nothing was bought" in out) == (0, True)
    storyboard("run", sea, *ON)
    before = jobs(sandbox)
    code, out, err = storyboard("reroll", sea, "s02", "--note", "At night.", *ON)
    assert (code, err, jobs(sandbox)) == (0, "", before + 1)
    assert "s02 (reroll 1)  ended  take 2" in out
    assert "again  the same command buys one more take" in out
    code, out, _ = storyboard("takes", sea, "--json", *ON)
    lines = [(each["scene"], each["take"], each["shown"], each["note"]) for each in json.loads(out)]
    assert lines == [("s01", 1, True, ""), ("s02", 1, False, ""), ("s02", 2, True, "At night.")]
    code, out, err = storyboard("pick", sea, "s02", "1", *ON)
    assert (code, err) == (0, "")
    assert "s02 shows take 1 from now on; nothing was bought" in out
    _, out, _ = storyboard("takes", sea, *ON)
    assert "picked" in out
    assert "scenes/s02/take-002.mp4" in out, "a path that can be copied"
    assert f"\nin {tmp_path}/library/reels/" in out
    _, out, _ = storyboard("status", sea, "--json", *ON)
    assert [(each["state"], each["take"], each["takes"]) for each in json.loads(out)] == [
        ("current", 1, 1),
        ("current", 1, 2),
    ]
    assert jobs(sandbox) == before + 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pick", "s01", "3"), "take: s01 has takes 1 to 1, not 3; nothing was changed"),
        (("pick", "s09", "1"), "no scene has the id s09"),
        (("reroll", "s09"), "no scene has the id s09"),
    ],
    ids=str,
)
def test_a_choice_that_cannot_be_made_is_one_sentence(storyboard, sandbox, tmp_path, arguments, said):  # noqa: F811
    sea = board(tmp_path, "The sea.")
    storyboard("run", sea, *ON)
    command, *rest = arguments
    before = jobs(sandbox)
    code, _, err = storyboard(command, sea, *rest, *ON)
    assert (code, said in err, jobs(sandbox)) == (1, True, before)


def test_a_person_draws_the_stills_draws_one_again_and_picks_the_first(storyboard, sandbox, tmp_path):  # noqa: F811
    sea = board(tmp_path, "The sea.", model="seedance-2", stills="nano-banana-2.1")
    code, out, err = storyboard("stills", sea, "--json", *ON)
    assert (code, err) == (0, "")
    assert [(each["scene"], each["take"]) for each in json.loads(out)] == [("s01", 1)]
    before = jobs(sandbox)
    code, _, err = storyboard("reroll", sea, "s01", "--still", "--note", "At night.", *ON)
    assert jobs(sandbox) == before + 1
    code, out, err = storyboard("pick", sea, "s01", "1", "--still", *ON)
    assert (code, err) == (0, "")
    assert "the clip of s01 begins with take 1 of its still from now on; nothing was bought" in out
    _, out, _ = storyboard("takes", sea, "--json", *ON)
    assert [(each["still"]["take"], each["picked"]) for each in json.loads(out)] == [(1, True), (2, False)]
    _, out, _ = storyboard("plan", sea, *ON)
    assert "(pictures $0.00, motion $1.2096)" in " ".join(out.split())
    assert jobs(sandbox) == before + 1


WATCH = """
import os, signal, sys
from prefect_storyboard.ledger.storage import Storage
from prefect_storyboard.cli.main import main
seen = 0
def watch(event, args):
    global seen
    if event in ("os.link", "os.rename") and "/library/" in str(args[1]) and seen is not None:
        seen += 1
        if seen > int(os.environ["DIES_AFTER"]):
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("writes", [0, 1, 2, 3, 4, 5, 6, 8, 10, 12])
def test_a_reroll_that_is_killed_anywhere_and_repeated_buys_exactly_what_was_asked(
    storyboard,  # noqa: F811
    sandbox,
    engine,
    tmp_path,
    writes,
):
    sea = board(tmp_path, "The sea.")
    storyboard("run", sea, *ON)
    before = jobs(sandbox)
    facts = {**os.environ, **environment(sandbox), "PREFECT_API_URL": engine, "DIES_AFTER": str(writes)}
    asked = ("reroll", sea, "s01", "--takes", "2", *ON)
    killed = subprocess.run(
        [sys.executable, "-c", WATCH, *asked], env=facts, cwd=tmp_path, capture_output=True, timeout=300
    )
    assert killed.returncode in {-signal.SIGKILL, 0}, killed.stderr
    code, out, err = storyboard(*asked)
    if code:  # killed between an intent and its job: the provider's list does not say that the job was never made
        assert "unknown" in out  # whether it was charged
        code, out, err = storyboard(*asked, "--on-unknown", "resubmit")
    assert (code, err) == (0, ""), out
    choices = [json.loads(file.read_text()) for file in sorted(Path("library/ledger/choices").rglob("*.json"))]
    orders = [each for each in choices if each["kind"] == "asked"]
    assert jobs(sandbox) - before == 2 * len(orders)
    assert len(orders) == (2 if killed.returncode == 0 else 1), (
        "the same words are another order once it is carried out"
    )


def test_help_names_the_words_of_a_reroll():
    shown = subprocess.run([*COMMAND, "reroll", "--help"], capture_output=True, text=True, check=True).stdout
    assert "--note" in shown
    assert "--takes" in shown
    assert app["reroll"]
