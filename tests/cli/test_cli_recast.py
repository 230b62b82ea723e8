"""`storyboard recast`: what changes is printed, and nothing is bought before somebody says so."""

import httpx
import pytest
import yaml

from prefect_storyboard.cli import recast
from prefect_storyboard.cli.main import app
from prefect_storyboard.sandbox.server import environment


@pytest.fixture
def board(sandbox, tmp_path, monkeypatch):
    """The path of a board whose model ended, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(sandbox).items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "board.yaml"
    scenes = [
        {"id": "s01", "prompt": "A boat."},
        {"id": "s02", "prompt": "The shore.", "model": "sora-2-pro", "seed": 7},
    ]
    path.write_text(yaml.safe_dump({"title": "By the Sea", "model": "sora-2", "seconds": 10, "scenes": scenes}))
    return str(path)


def call(*arguments):
    try:
        return app(["recast", *arguments, "--library", "library"], result_action="return_value")
    except SystemExit as stopped:
        return stopped.code


def jobs(sandbox):
    return httpx.get(f"{sandbox}/sandbox/meter").json()["jobs_accepted"]


def test_the_plan_shows_each_scene_before_and_after_and_what_is_lost(board, sandbox, capsys):
    assert call(board, "--to", "seedance-2.5", "--provider", "kie", "--plan") == 0
    out = capsys.readouterr().out
    first, second = [line.split("  ") for line in out.splitlines()[1:3]]
    assert [cell.strip() for cell in first if cell.strip()] == [
        "s01",
        "sora-2 at kie",
        "seedance-2.5 at kie",
        "10",
        "$0.15 to $3.15",
    ]
    assert [cell.strip() for cell in second if cell.strip()] == [
        "s02",
        "sora-2-pro at kie",
        "seedance-2.5 at kie",
        "10",
        "$1.65 to $3.15",
    ]
    assert "s02  bytedance/seedance-2-5  16:9 1080p to 16:9 720p" in out
    assert "seed is left out: seedance-2.5 at kie takes no seed" in out
    assert "$1.80 before, $6.30 at seedance-2.5 (kie)" in out
    assert f"write model: seedance-2.5 in {board}" in out
    assert jobs(sandbox) == 0


def test_without_anybody_to_ask_nothing_is_rendered(board, sandbox, capsys):
    assert call(board, "--to", "seedance-2.5", "--provider", "kie") == 1
    assert "add --yes to render, or --plan to see the changes" in capsys.readouterr().out
    assert jobs(sandbox) == 0


def test_a_model_that_is_not_sold_there_is_one_sentence(board, sandbox, capsys):
    assert call(board, "--to", "seedance-9", "--provider", "kie", "--plan") == 1
    assert "seedance-9 is not a known model of kie; did you mean seedance-2?" in capsys.readouterr().err
    assert jobs(sandbox) == 0


def test_who_says_yes_is_not_asked():
    assert recast.agreed(None, yes=True)
