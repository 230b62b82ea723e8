"""`storyboard models`, and commands without a model: what is sold, for how much, and nothing bought."""

import json
from importlib.resources import files

import httpx
import pytest
import yaml

from prefect_storyboard.cli.main import app
from prefect_storyboard.sandbox.server import environment


@pytest.fixture
def storyboard(sandbox, tmp_path, monkeypatch, capsys):
    """Run a command in this process and in an empty folder; its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(sandbox).items():
        monkeypatch.setenv(name, value)

    def call(*arguments):
        try:
            code = app(arguments, result_action="return_value")
        except SystemExit as stopped:
            code = stopped.code
        return code, *capsys.readouterr()

    return call


def board(folder, **facts):
    path = folder / "board.yaml"
    scenes = [{"id": "s01", "prompt": "A ${thing} at sea."}, {"id": "s02", "prompt": "The shore."}]
    path.write_text(yaml.safe_dump({"title": "By the Sea", "scenes": scenes, "with": {"thing": "boat"}, **facts}))
    return str(path)


def test_programs_read_provider_model_date_and_price(storyboard):
    code, out, err = storyboard("models", "fal", "--seconds", "8", "--characters", "2", "--json")
    entries = {each["model"]: each for each in json.loads(out)}
    assert (code, err) == (0, "")
    assert entries["seedance-2"]["price"] == pytest.approx(2.4192)
    assert (entries["seedance-2"]["provider"], entries["seedance-2"]["retires_on"]) == ("fal", None)


def test_what_fals_list_says_otherwise_is_a_patch_of_the_table(storyboard, sandbox):
    code, out, _ = storyboard("models", "--check", "fal")
    assert "gone on" not in out, out
    rule = {"fault": "deprecated", "match": {"gateway": "fal", "endpoint": "seedance-2.5/reference"}}
    httpx.post(f"{sandbox}/sandbox/faults", json=rule).raise_for_status()
    code, out, _ = storyboard("models", "--check", "fal")
    assert code == 1
    assert out.startswith("--- models.toml\n+++ models.toml\n@@ ")
    assert '-references = "bytedance/seedance-2.5/reference-to-video"' in out
    code, _, err = storyboard("models", "--check", "kie")
    assert (code, "kie has no list of models that a program can read" in err) == (1, True)


def test_a_plan_without_a_model_lists_what_the_account_sells_and_buys_nothing(storyboard, sandbox, tmp_path):
    code, _, err = storyboard("plan", board(tmp_path), "--provider", "fal")
    assert code == 1
    assert (
        "board.yaml: model: names no model, and nothing was bought; fal.ai (fal) sells 2 scenes of 4 s in 16:9" in err
    )
    assert "write for example model: " in err
    assert httpx.get(f"{sandbox}/sandbox/meter").json()["jobs_accepted"] == 0


def test_a_silent_draft_and_its_price_are_one_command(storyboard, tmp_path):
    path = board(tmp_path, model="veo-3.1", fit="nearest")
    sums = [
        storyboard("plan", path, "--provider", "fal", *options)[1].splitlines()[-1].partition("$")[2].split()[0]
        for options in ((), ("--no-audio",), ("--no-audio", "--quality", "draft"))
    ]
    loud, quiet, draft = map(float, sums)
    assert (quiet, draft < quiet) == (pytest.approx(loud / 2), True)


@pytest.mark.parametrize("place", [("fal", "veo-3.1"), ("kie", "seedance-2"), ("fal", "kling-o3")], ids=" ".join)
def test_a_silent_draft_of_the_lighthouse_and_its_price_are_one_command(storyboard, place):
    lighthouse = str(files("prefect_storyboard.examples") / "lighthouse.yaml")
    command = ("plan", lighthouse, "--provider", place[0], "--model", place[1], "--fit", "nearest")
    prices = [
        float(storyboard(*command, *options)[1].splitlines()[-1].partition("$")[2].split()[0])
        for options in ((), ("--no-audio", "--quality", "draft"))
    ]
    assert 0 < prices[1] < prices[0]


def test_a_run_says_the_value_of_a_variable(storyboard, tmp_path):
    path = board(tmp_path, model="veo-3.1", fit="nearest")
    _, out, _ = storyboard("plan", path, "--provider", "fal", "--with", "thing=whale")
    assert "A whale at sea." in out
    code, _, err = storyboard("plan", path, "--provider", "fal", "--with", "thing")
    assert (code, "--with takes NAME=VALUE" in err) == (1, True)
