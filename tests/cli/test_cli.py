"""The command line: one clear error with an exit code, lines for a log, a table for a person."""

import json
import os
import pty
import re
import subprocess
import sys
import urllib.request

import pytest
import yaml
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_storyboard.cli.main import app
from prefect_storyboard.sandbox.server import environment

# Prefect 3.9 never closes the client with which it asks for the default result storage; see tests/flows/conftest.py.
pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>")
COMMAND = [sys.executable, "-m", "prefect_storyboard"]
NO_SERVER = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}


@pytest.fixture
def storyboard(engine, sandbox, tmp_path, monkeypatch, capsys):
    """Run a command in this process and in an empty folder; its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(sandbox).items():
        monkeypatch.setenv(name, value)

    def call(*arguments):
        with temporary_settings({PREFECT_API_URL: engine}):
            try:
                code = app(arguments, result_action="return_value")
            except SystemExit as stopped:
                code = stopped.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def sea(tmp_path):
    return board(tmp_path, "The sea.", "The shore.")


def board(folder, *prompts, **facts):
    scenes = [{"id": f"s{n:02d}", "prompt": prompt} for n, prompt in enumerate(prompts, 1)]
    path = folder / "board.yaml"
    path.write_text(yaml.safe_dump({"title": "By the Sea", "model": "sora-2", "scenes": scenes, **facts}))
    return str(path)


def control(sandbox, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{sandbox}/sandbox/{path}", data) as reply:
        return json.load(reply)


def run(*arguments, **variables):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env={**os.environ, **variables})


def test_a_log_gets_one_line_for_each_change_and_a_second_run_buys_nothing(storyboard, sea):
    code, out, err = storyboard("run", sea, "--provider", "fal", "--library", "library")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    states = [line.split("  ")[1] for line in out.splitlines() if line.startswith("s01  ")]
    assert states[:2] == ["checking", "submitted"]
    assert states[-2:] == ["storing", "stored"]
    assert re.search(r"^s02  stored  take 1  \d+\.\d s  \$0\.40$", out, re.MULTILINE)
    assert re.search(r"^reel   \S+/library/reels/by-the-sea/reel\.mp4   2 scenes, 8 s$", out, re.MULTILINE)
    assert "cost   $0.80 for the reel; this run bought 2 jobs for $0.80" in out
    code, out, err = storyboard("run", sea, "--provider", "fal", "--library", "library")
    assert (code, err) == (0, "")
    assert "cost   $0.80 for the reel; this run bought nothing" in out
    assert "again  $0.00" in out


def test_a_failed_scene_is_in_a_table_with_its_remedy_and_in_the_exit_code(storyboard, sandbox, tmp_path):
    control(sandbox, "faults", {"match": {"prompt": "knife"}, "fault": "policy_refusal"})
    code, out, err = storyboard("run", board(tmp_path, "A knife.", "The sea."), "--provider", "fal", "--library", "lib")
    assert (code, err) == (1, "")
    table = out[out.index("1 scene") :]
    for word in ("s01", "moderation", "charged", "no", "what to do", "Change", "prompt"):
        assert word in table
    assert "1 scenes without" not in out
    assert "again  $0.00" not in out


MISTAKES = {
    "no such storyboard": (["gone.yaml"], {}, "gone.yaml cannot be read: there is no such file"),
    "broken YAML": (["broken.yaml"], {}, "broken.yaml:2: is not valid YAML"),
    "no key": (["board.yaml"], {"FAL_KEY": ""}, "export FAL_KEY=<id>:<secret>"),
    "no key for Kie": (["board.yaml", "--provider", "kie"], {"KIE_API_KEY": ""}, "export KIE_API_KEY=<key>, or"),
    "no key for ToAPIs": (
        ["board.yaml", "--provider", "toapis"],
        {"TOAPIS_API_KEY": ""},
        "export TOAPIS_API_KEY=sk-<key>, or name a saved block such as toapis-credentials/production",
    ),
    "no key for WaveSpeed": (
        ["board.yaml", "--provider", "wavespeed"],
        {"WAVESPEED_API_KEY": ""},
        "export WAVESPEED_API_KEY=<key>, or",
    ),
    "a wrong key": (["board.yaml"], {"FAL_KEY": "bad:s3cr3t"}, "Check the API key"),
    "no credit": (["board.yaml"], {"FAL_KEY": "empty:s3cr3t"}, "Top up"),
    "an unknown provider": (["board.yaml", "--provider", "sora"], {}, "wavespeed-credentials/"),
    "a block that nobody saved": (["board.yaml", "--provider", "fal-credentials/nobody"], {}, "nobody"),
    "a block of Kie that nobody saved": (["board.yaml", "--provider", "kie-credentials/nobody"], {}, "KieCredentials("),
    "a file in the library's way": (["board.yaml", "--library", "broken.yaml"], {}, "broken.yaml"),
    "a library that is no storage": (
        ["board.yaml", "--library", "ftp://127.0.0.1:9/x"],
        {},
        "use a local folder, s3://",
    ),
    "too little money": (["board.yaml", "--max-cost", "0.79"], {}, "$0.80"),
}


@pytest.mark.parametrize(("arguments", "variables", "says"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_clear_error_and_buys_nothing(
    storyboard, sandbox, sea, tmp_path, monkeypatch, arguments, variables, says
):
    (tmp_path / "broken.yaml").write_text("title: [\n")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    options = {"--provider": "fal", "--library": "library", **given}
    code, _, err = storyboard("run", arguments[0], *(word for option in options.items() for word in option))
    assert code == 1
    assert err.startswith("error: ")
    assert says in err
    assert len(err.splitlines()) <= 2, err
    assert "s3cr3t" not in err
    assert control(sandbox, "meter")["jobs_accepted"] == 0


def test_all_mistakes_of_a_storyboard_are_told_with_their_lines(storyboard, tmp_path):
    path = board(tmp_path, "The sea.", seconds=5, aspect="1:1")
    code, _, err = storyboard("run", path, "--provider", "fal", "--library", "library")
    assert code == 1
    assert {"board.yaml:1: aspect", "board.yaml:6: seconds"} == set(re.findall(r"board\.yaml:\d: \w+", err))
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    ("provider", "model", "seconds", "says"),
    [
        ("fal", "sora-2", 4, r"Tom for sora-2: .*seconds \d"),
        ("kie", "sora-2", 10, r"Tom for sora-2: .*seconds \d"),
        ("toapis", "sora-2", 10, r"Tom for sora-2: .*seconds \d"),
        ("wavespeed", "sora-2", 4, r"Tom for sora-2: .*seconds \d"),
        ("kie", "seedance-2", 4, "Tom for seedance-2: 3 pictures taken"),
    ],
)
def test_what_will_be_done_to_a_clip_is_said_before_anything_is_sent(
    storyboard, sandbox, tmp_path, film_of, provider, model, seconds, says
):
    cast = [{"name": "Tom", "clip": film_of(tmp_path, seconds=8)}]
    path = board(tmp_path, "Tom waits.", model=model, seconds=seconds, cast=cast)
    code, out, err = storyboard("run", path, "--provider", provider, "--library", "library", "--max-cost", "0")
    assert (code, err.startswith("error: ")) == (1, True)
    assert re.match(f"prepare  {says}", out)
    assert "--max-cost" in err
    meter = control(sandbox, "meter")
    assert (meter["jobs_accepted"], meter["uploads"]) == (0, 0)


def test_another_provider_renders_by_its_name(storyboard, sandbox, tmp_path):
    path = board(tmp_path, "The sea.", model="seedance-2")
    code, out, err = storyboard("run", path, "--provider", "kie", "--library", "library")
    assert (code, err) == (0, "")
    assert re.search(r"^s01  stored  take 1  \d+\.\d s  \$0\.82$", out, re.MULTILINE)
    assert "prepare" not in out, "there is nothing to prepare"
    assert {request["path"].split("/")[1] for request in control(sandbox, "requests")} == {"kie"}


def test_help_names_every_provider_and_where_its_key_comes_from(capsys):
    app(("run", "--help"), result_action="return_value")
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for word in ("fal, kie, openai, toapis or wavespeed", "fal-credentials/production"):
        assert word in said
    for variable in ("FAL_KEY", "KIE_API_KEY", "TOAPIS_API_KEY", "WAVESPEED_API_KEY"):
        assert variable in said


@pytest.mark.parametrize("odd", ["[/old] Tom", "[red]Tom", "{Tom}", "Tom \\[x]", "T̷om 灯台"])
def test_a_name_is_shown_as_it_is_written(storyboard, tmp_path, film_of, odd):
    path = board(tmp_path, f"{odd} waits.", cast=[{"name": odd, "clip": film_of(tmp_path)}])
    code, out, err = storyboard("run", path, "--provider", "fal", "--library", "library")
    assert (code, err) == (0, "")
    assert f"\n{odd}  created" in f"\n{out}"


def test_a_path_is_shown_as_it_is_written(storyboard, sea):
    code, out, err = storyboard("run", sea, "--provider", "fal", "--library", "films [/b] [red]")
    assert (code, err) == (0, "")
    assert "/films [/b] [red]/reels/by-the-sea/reel.mp4" in out


@pytest.fixture
def film_of():
    """A maker of a reference clip in a folder; its path."""
    from prefect_storyboard.sandbox.documents import Clip
    from prefect_storyboard.sandbox.render import render

    def make(folder, seconds=1):
        return str(render(Clip(width=1280, height=720, seconds=seconds, prompt="Tom"), folder, folder))

    return make


def test_help_does_not_wait_for_prefect():
    ended = subprocess.run([sys.executable, "-X", "importtime", *COMMAND[1:], "--help"], capture_output=True, text=True)
    assert ended.returncode == 0
    assert "demo" in ended.stdout
    heavy = r"\| +(prefect|pydantic|httpx|yaml|av|PIL|s3fs|starlette|prefect_storyboard\.(flows|blocks|sandbox))$"
    assert not re.search(heavy, ended.stderr, re.MULTILINE)


def test_a_broken_storyboard_is_found_before_prefect_is_needed_and_debug_shows_where(tmp_path):
    (tmp_path / "broken.yaml").write_text("title: [\n")
    arguments = ("run", str(tmp_path / "broken.yaml"), "--provider", "fal")
    plain = run(*arguments, FAL_KEY="a:b", **NO_SERVER)
    assert (plain.returncode, plain.stdout) == (1, "")
    assert plain.stderr.startswith("error: broken.yaml:2: is not valid YAML")
    assert len(plain.stderr.splitlines()) == 1
    debug = run(*arguments, "--debug", FAL_KEY="a:b", **NO_SERVER)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr
    assert "error: broken.yaml:2: is not valid YAML" in debug.stderr


def test_a_library_that_cannot_be_used_is_found_before_prefect_is_needed(tmp_path, sea):
    ended = run("run", sea, "--provider", "fal", "--library", sea, FAL_KEY="a:b", **NO_SERVER)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert "board.yaml" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (
            ("--max-cost", "0.10"),
            "--max-cost is $0.10. Nothing was bought; raise --max-cost, or render fewer scenes or takes.",
        ),
        (
            ("--model", "sora-3"),
            "error: given to the run: model: sora-3 is not a known model of fal; did you mean sora-2?",
        ),
    ],
)
def test_what_a_run_may_not_buy_is_found_before_prefect_is_needed(tmp_path, sandbox, sea, option, says):
    arguments = ("run", sea, "--provider", "fal", "--library", str(tmp_path / "library"), *option)
    ended = run(*arguments, **environment(sandbox), **NO_SERVER)
    assert (ended.returncode, ended.stderr.startswith("error: ")) == (1, True)
    assert says in ended.stderr
    assert control(sandbox, "meter")["jobs_accepted"] == 0


def test_an_option_that_is_left_out_is_named_with_what_it_takes(capsys):
    with pytest.raises(SystemExit) as stopped:
        app(("plan", "board.yaml"))
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert stopped.value.code == 2
    assert 'Command "plan" parameter --provider requires an argument. The account that buys: fal, kie, openai,' in said


@pytest.mark.parametrize(
    ("key", "says"), [("", "FAL_KEY is not set"), ("id:s\N{EN DASH}t", "contains a character that no key has")]
)
def test_what_is_no_key_is_found_before_prefect_is_needed(tmp_path, sandbox, sea, key, says):
    variables = {**environment(sandbox), "FAL_KEY": key, **NO_SERVER}
    ended = run("run", sea, "--provider", "fal", "--library", str(tmp_path / "library"), **variables)
    assert (ended.returncode, ended.stderr.startswith("error: ")) == (1, True)
    assert says in ended.stderr


@pytest.mark.parametrize("option", [("--max-cost", "-1"), ("--attempts", "0")])
def test_an_amount_that_makes_no_sense_is_refused(storyboard, sandbox, sea, option):
    code, _, err = storyboard("run", sea, "--provider", "fal", "--library", "library", *option)
    assert (code, f"for {option[0]}" in err) == (2, True)
    assert control(sandbox, "meter")["jobs_accepted"] == 0


def test_a_prefect_server_that_does_not_answer_is_one_clear_error(tmp_path, sandbox, sea):
    variables = {**environment(sandbox), **NO_SERVER}
    ended = run("run", sea, "--provider", "fal", "--library", str(tmp_path / "library"), **variables)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("error: ")
    assert "http://127.0.0.1:9/api" in ended.stderr
    assert "PREFECT_API_URL" in ended.stderr


@pytest.mark.slow
def test_a_run_that_fails_says_nothing_but_its_error_when_it_brings_its_own_server(tmp_path, sandbox, sea):
    """Prefect's own services must not mutter while they are stopped."""
    home = {"PREFECT_HOME": str(tmp_path / "prefect"), "FAL_KEY": "bad:key"}
    ended = run("run", sea, "--provider", "fal", "--library", str(tmp_path / "lib"), **{**environment(sandbox), **home})
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "error: fal does not accept the key: No user found for Key ID and Secret",
        "Nothing was bought. Check the API key in the credentials block.",
    ]


@pytest.mark.slow
def test_a_terminal_shows_a_table_that_lives(tmp_path, sandbox, engine, sea):
    shown, terminal = pty.openpty()
    home = {"PREFECT_API_URL": engine, "TERM": "xterm-256color", "COLUMNS": "100"}
    command = [*COMMAND, "run", sea, "--provider", "fal", "--library", str(tmp_path / "library")]
    process = subprocess.Popen(command, stdout=terminal, env={**os.environ, **environment(sandbox), **home})
    os.close(terminal)
    drawn = b""
    while block := read(shown):
        drawn += block
    os.close(shown)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn.decode())
    assert re.search(r"scene +state +take +seconds +cost", text)
    assert re.search(r"s02 +stored +1 +\d+\.\d +\$0\.40", text)
    assert b"\x1b[2K" in drawn, "the table is drawn over itself"
    assert "2 scenes, 8 s" in text


def read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
