"""`storyboard jobs`, `adopt`, `abandon`, `cancel`, `prune`, `collect` and `plan`: one screen, one clear text, an exit code."""

import asyncio
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.cli import job_tables as settling
from prefect_storyboard.cli.main import app
from prefect_storyboard.cli.prefect_server import needs_server
from prefect_storyboard.flows.plan import planned
from prefect_storyboard.ledger import Ledger, Outcome
from prefect_storyboard.sandbox.server import environment
from tests.unit.fakes import KEY, OTHER, intent, job, ledger_in, owner
from tests.unit.purchases import dead, living

NOW = datetime.now(UTC)
SHORT = KEY[:12]
NO_SERVER = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
# Prefect 3.9 never closes the client with which it asks its server; see tests/flows/conftest.py.
PREFECTS_OWN_LEAK = r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>"


@pytest.fixture
def library(tmp_path: Path) -> str:
    return str(tmp_path / "library")


@pytest.fixture
def ledger(library: str) -> Ledger:
    return ledger_in(Path(library))


@pytest.fixture
def storyboard(library, monkeypatch, capsys):
    """Run a command in this process on a screen of 80 columns; its exit code, output and errors."""
    monkeypatch.setattr(settling.console, "_width", 80)

    def call(*arguments):
        try:
            code = app((*arguments, "--library", library), result_action="return_value")
        except SystemExit as stopped:
            code = stopped.code
        return code, *capsys.readouterr()

    return call


def announced(ledger, key=KEY, **facts):
    ledger.intend(1, intent(key, **{"owner": dead(), "reel": "by-the-sea", **facts}))


def rendering(ledger, key=KEY):
    announced(ledger, key)
    ledger.submitted(key, 1, job(f"764cabcf-b745-4b3e-ae38-1200304cf45{key[0]}"))


def words(line):
    return line.split()


# --- the list


def test_where_there_is_nothing_to_list_it_says_so(storyboard):
    assert storyboard("jobs") == (0, "no job is open\n", "")
    assert storyboard("jobs", "--all") == (0, "this library has no jobs\n", "")


def test_open_jobs_fit_a_screen_and_an_unknown_one_says_what_to_do(storyboard, ledger):
    rendering(ledger, OTHER)
    announced(ledger, at=NOW - timedelta(hours=3), label="scene a-scene-with-a-long-name take 12", usd=None)
    code, out, err = storyboard("jobs")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert words(lines[0]) == ["job", "state", "age", "price", "provider", "what"]
    assert words(lines[1])[:7] == [SHORT, "unknown", "3", "h", "unknown", "fal", "by-the-sea:"]
    other = next(line for line in lines if line.startswith(OTHER[:12]))
    assert words(other)[:7] == [OTHER[:12], "rendering", "0", "s", "$0.40", "fal", "by-the-sea:"]
    assert f"storyboard adopt {SHORT} <its id> --provider fal" in out
    assert f"storyboard abandon {SHORT}" in out


def test_where_nothing_is_unknown_all_is_well(storyboard, ledger):
    rendering(ledger)
    announced(ledger, OTHER, owner=living())
    code, out, _ = storyboard("jobs")
    assert (code, "adopt" in out) == (0, False)
    assert {"rendering", "submitting"} <= set(out.split())


def test_all_jobs_are_listed_with_their_ends(storyboard, ledger):
    rendering(ledger)
    ledger.close(KEY, 1, Outcome(kind="failed", at=NOW, message="moderation refused [bold]it[/]"))
    announced(ledger, OTHER)
    ledger.close(OTHER, 1, Outcome(kind="abandoned", at=NOW))
    assert storyboard("jobs") == (0, "no job is open\n", "")
    code, out, _ = storyboard("jobs", "--all")
    assert (code, {"failed", "abandoned"} <= set(out.split())) == (0, True)
    assert "[bold]it[/]" in " ".join(out.split())


def test_all_jobs_are_listed_one_a_line(storyboard, ledger):
    rendering(ledger)
    ledger.close(KEY, 1, Outcome(kind="failed", at=NOW, message="moderation\nrefused it"))
    (line,) = storyboard("jobs", "--all")[1].splitlines()
    assert words(line)[:2] == [SHORT, "failed"]
    assert line.endswith(
        "by-the-sea: scene s01 take 1  764cabcf-b745-4b3e-ae38-1200304cf45" + KEY[0] + "  moderation refused it"
    )


def test_what_is_printed_of_all_jobs_is_not_kept(ledger, capsys):
    asked = []

    def lines():
        for number in range(3):
            asked.append(capsys.readouterr().out.count("done"))
            yield settling.JobLine(
                key=f"{number}" * 12, attempt=1, state="done", about="", reel="", provider="fal", account="default",
                request_id=None, at=NOW, usd=None,
            )  # fmt: skip

    settling._streamed(lines())
    assert asked == [0, 1, 1]  # each was on the screen before the next one was read


def test_settled_jobs_are_pruned_and_said_to_be(storyboard, ledger):
    rendering(ledger)
    ledger.close(KEY, 1, Outcome(kind="done", at=NOW - timedelta(days=3)))
    announced(ledger, OTHER, owner=living())
    said = "0 jobs pruned, 0 files removed; nothing was bought, and nothing will be bought again\n"
    assert storyboard("prune", "--older-than", "4d") == (0, said, "")
    assert storyboard("prune", "--older-than", "36h") == (
        0,
        said.replace("0 jobs", "1 jobs").replace("0 files", "2 files"),
        "",
    )
    assert {"done", "submitting"} <= set(storyboard("jobs", "--all")[1].split())


@pytest.mark.parametrize("typed", ["", "90", "d", "-1d", "1.5d", "90 days", "999999d"])
def test_an_age_that_is_no_age_is_refused_with_an_example(storyboard, typed):
    code, _, err = storyboard("prune", f"--older-than={typed}")
    assert (code, "90d, 12w or 36h" in " ".join(err.split())) == (1, True)


def test_another_account_is_named(storyboard, ledger):
    announced(ledger, account="second")
    assert "fal (second)" in storyboard("jobs")[1]


@pytest.mark.parametrize(
    ("seconds", "age"), [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (5400, "2 h"), (86_400 * 3, "3 d")]
)
def test_an_age_is_told_in_one_unit(seconds, age):
    line = settling.JobLine(
        key=KEY,
        attempt=1,
        state="rendering",
        about="",
        reel="",
        provider="fal",
        account="default",
        request_id=None,
        at=datetime.now(UTC) - timedelta(seconds=seconds),
        usd=None,
    )
    assert settling._age(line) == age


def test_a_torn_record_is_one_clear_error(storyboard, ledger, library):
    announced(ledger)
    file = Path(library) / "ledger" / KEY[:2] / KEY / "001" / "intent.json"
    file.write_bytes(b"{")
    why = f"{file} is no intent of this ledger (torn or foreign); the job is left alone,"
    code, out, err = storyboard("abandon", SHORT)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {why}")
    assert file.exists()


def test_a_torn_record_is_a_line_among_the_others(storyboard, ledger, library):
    announced(ledger)
    announced(ledger, OTHER)
    file = Path(library) / "ledger" / KEY[:2] / KEY / "001" / "intent.json"
    file.write_bytes(b"{")
    for command in (("jobs",), ("jobs", "--all")):
        code, out, err = storyboard(*command)
        assert (code, err) == (1, "")
        (torn,) = (line for line in out.splitlines() if line.startswith(SHORT))
        assert "unreadable" in torn
        assert any(line.startswith(OTHER[:12]) for line in out.splitlines())
        assert "intent.json" in "".join(out.split())
    assert file.read_bytes() == b"{"


# --- settled by hand


def test_a_job_is_adopted(storyboard, ledger):
    announced(ledger)
    code, out, err = storyboard("adopt", SHORT, "theirs-7")
    assert (code, err) == (0, "")
    assert out == "scene s01 take 1 is fal job theirs-7; `storyboard collect` or the next run fetches it\n"
    assert ledger.history(KEY)[0].job.request_id == "theirs-7"


@pytest.mark.parametrize(("usd", "price"), [(0.4, "$0.40"), (None, "unknown")])
def test_a_job_is_abandoned(storyboard, ledger, usd, price):
    announced(ledger, usd=usd)
    code, out, err = storyboard("abandon", KEY)
    assert (code, err) == (0, "")
    assert out == f"scene s01 take 1 is recorded as not bought; the next run buys it (price: {price})\n"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("adopt", SHORT, "r9"), f"job {SHORT} (scene s01 take 1) is rendering as fal job 764cabcf"),
        (("abandon", SHORT), f"job {SHORT} (scene s01 take 1) is rendering as fal job 764cabcf"),
        (("abandon", "abc"), "write at least 6 letters of the job's key"),
        (("adopt", "0" * 12, "r9"), "no job begins with 000000000000"),
        (("cancel", SHORT, "--provider", "kie"), f"job {SHORT} is of fal (default); name that account"),
        (("cancel", SHORT, "--provider", "sora"), "provider 'sora' is not known"),
    ],
)
def test_what_may_not_be_done_is_one_clear_error(storyboard, ledger, monkeypatch, command, says):
    monkeypatch.setenv("KIE_API_KEY", "key")
    rendering(ledger)
    code, out, err = storyboard(*command)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {says}")
    assert len(err.splitlines()) == 1
    assert ledger.history(KEY)[0].outcome is None


def test_a_provider_that_stops_nothing_says_so(storyboard, ledger, monkeypatch):
    monkeypatch.setenv("KIE_API_KEY", "key")
    announced(ledger, provider="kie")
    ledger.submitted(KEY, 1, job(provider="kie"))
    code, out, _ = storyboard("cancel", SHORT, "--provider", "kie")
    assert (code, out) == (1, "kie cannot cancel this job, or not any more; it continues and is charged\n")


def test_to_collect_an_account_has_to_be_named(storyboard):
    code, out, err = storyboard("collect")
    assert (code, out) == (1, "")
    assert err == "error: name the accounts to ask, for example: storyboard collect fal\n"


# --- a ledger that was lost


def test_a_lost_ledger_is_rebuilt_and_what_was_rebuilt_is_listed(storyboard, library):
    made = Path(__file__).parents[1] / "fixtures" / "library-0.1.0" / "library"
    shutil.copytree(made / "reels", Path(library) / "reels")
    code, out, err = storyboard("repair")
    assert (code, err) == (0, "")
    assert [line.rpartition("/scenes/")[2] for line in out.splitlines()[:-1]] == [
        f"{scene}/take-001.json" for scene in ("s01", "s02", "s03")
    ]
    assert out.splitlines()[-1] == "3 takes rebuilt, 0 damaged; nothing was bought"
    assert storyboard("repair")[:2] == (0, "0 takes rebuilt, 0 damaged; nothing was bought\n")
    assert storyboard("jobs", "--all")[1].count("done") == 3


def test_what_cannot_be_rebuilt_is_named(storyboard, ledger, library):
    announced(ledger)
    file = Path(library) / "ledger" / KEY[:2] / KEY / "001" / "intent.json"
    file.write_bytes(b"{")
    code, out, err = storyboard("repair")
    assert (code, err) == (1, "")
    assert out.startswith(f"damaged  {file} is no intent of this ledger")
    assert out.splitlines()[-1] == "0 takes rebuilt, 1 damaged; nothing was bought"


def test_a_job_that_was_abandoned_and_bought_after_all_is_listed_as_open(storyboard, ledger):
    announced(ledger)
    ledger.close(KEY, 1, Outcome(kind="abandoned", at=NOW))
    rendering(ledger)
    code, out, _ = storyboard("jobs")
    assert code == 0
    assert words(out.splitlines()[1])[:2] == [SHORT, "rendering"]
    assert "had been bought: collect it" in " ".join(out.split())


# --- what needs no server of Prefect's


@pytest.mark.parametrize(
    ("references", "saved"),
    [
        ((None, None), False),
        (("fal", "/films"), False),
        (("fal", "s3://reels/fal-credentials"), False),
        (("fal-credentials/production", None), True),
        (("kie", "storyboard-library/main"), True),
        (("toapis-credentials/x",), True),
    ],
)
def test_only_saved_blocks_need_a_server(references, saved):
    assert needs_server(*references) is saved


def test_jobs_are_listed_and_settled_where_no_server_answers(ledger, library):
    at = NOW - timedelta(hours=1)
    announced(ledger, owner=owner(), at=at, lease_until=at)
    command = [sys.executable, "-m", "prefect_storyboard", "abandon", SHORT, "--library", library]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **NO_SERVER})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "is recorded as not bought" in ended.stdout


# --- with a sandbox


@pytest.fixture
def board(tmp_path):
    scenes = [{"id": "s01", "prompt": "The sea."}, {"id": "s02", "prompt": "The shore.", "continues": "s01"}]
    path = tmp_path / "board.yaml"
    path.write_text(yaml.safe_dump({"title": "By the Sea", "model": "sora-2", "scenes": scenes}))
    return path


@pytest.fixture
def fal(sandbox, monkeypatch):
    for name, value in environment(sandbox).items():
        monkeypatch.setenv(name, value)


def test_a_plan_fits_a_screen_and_ends_with_the_sum(storyboard, fal, tmp_path):
    names = ["Mara the Keeper", "Otto the Automaton"]
    clip = str(Path(__file__).parents[2] / "examples" / "clips" / "mara.mp4")
    scenes = [
        {"id": "the-opening", "prompt": f"{names[0]} and {names[1]} climb.", "seconds": 12, "model": "sora-2-pro"},
        {"id": "s02", "prompt": "The sea."},
    ]
    cast = [{"name": name, "clip": clip} for name in names]
    path = tmp_path / "long.yaml"
    path.write_text(
        yaml.safe_dump(
            {"title": "T", "model": "sora-2", "fit": "nearest", "seconds": 5, "cast": cast, "scenes": scenes}
        )
    )
    code, out, err = storyboard("plan", str(path), "--provider", "fal")
    assert (code, err) == (0, "")
    table, _, rest = out.partition("prepare") if "prepare" in out else out.partition("warning")
    assert max(map(len, table.splitlines())) <= 80
    lines = [words(line) for line in table.splitlines()]
    assert lines[0] == ["scene", "state", "model", "seconds", "size", "characters", "price"]
    assert next(line for line in lines if line[0] == "s02") == ["s02", "new", "sora-2", "4", "16:9", "720p", "$0.40"]
    assert "warning  s02: 5 s was asked for, 4 s is rendered and billed" in rest
    last = out.splitlines()[-1]
    assert last.startswith("4 of 4 jobs to buy: $6.40 and 2 jobs of unknown price   plan ")


def test_a_plan_knows_what_is_there(storyboard, fal, board, ledger):
    code, out, _ = storyboard("plan", str(board), "--provider", "fal")
    assert (code, out.splitlines()[-1].startswith("2 of 2 jobs to buy: $0.80   plan ")) == (0, True)
    first = asyncio.run(planned(str(board), FalCredentials.from_environment(os.environ), ledger.storage.url)).scenes[0]
    announced(ledger, first.key)
    assert "2 of 2 jobs to buy: $0.40 to $0.80" in storyboard("plan", str(board), "--provider", "fal")[1]
    ledger.submitted(first.key, 1, job())
    _, out, _ = storyboard("plan", str(board), "--provider", "fal")
    assert (words(out.splitlines()[1])[:2], "1 of 2 jobs to buy: $0.40" in out) == (["s01", "reattached"], True)


@pytest.mark.filterwarnings(PREFECTS_OWN_LEAK)
def test_what_is_collected_is_told_line_by_line(storyboard, engine, fal, board, ledger, monkeypatch):
    with temporary_settings({PREFECT_API_URL: engine}):
        assert storyboard("collect", "fal")[:2] == (0, "0 collected, 0 open, 0 failed, 0 unknown; nothing was bought\n")
        announced(ledger, OTHER, provider="kie")
        assert storyboard("run", str(board), "--provider", "fal")[0] == 0
        (Path(ledger.storage.url) / "reels").rename(Path(ledger.storage.url) / "away")
        for file in Path(ledger.storage.url).glob("ledger/*/*/001/outcome.json"):
            key = file.parent.parent.name
            file.unlink()  # as if the run had been killed before it could store them
            ledger.journal.add_open(key, 1)
        code, out, err = storyboard("collect", "fal")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert sorted(line[:19] for line in lines[:2]) == ["stored   s01 take 1", "stored   s02 take 1"]
    assert lines[-1] == "2 collected, 0 open, 0 failed, 1 unknown; nothing was bought"
    assert "no credentials of kie (default) were given" in " ".join(out.split())
