"""Every recipe works as it stands: its files are written, its commands run on the sandbox, and print what it shows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_storyboard.cli.main import app
from prefect_storyboard.sandbox.server import environment

# Prefect 3.9 never closes the client with which it asks for the default result storage; see tests/flows/conftest.py.
pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>")
ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in (ROOT / "docs" / "recipes").glob("*.md") if path.stem != "index")
FILE = re.compile(r'```yaml title="(?P<name>[^"]+)"\n(?P<text>.*?)```', re.DOTALL)
SHOWN = re.compile(r"```text\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"(?m)^ {4}storyboard (.+)$")


@pytest.fixture
def storyboard(engine, sandbox, tmp_path, monkeypatch, capsys):
    """Run a command in a folder that has the clips of the examples; what it prints. It has to succeed."""
    shutil.copytree(ROOT / "examples" / "clips", tmp_path / "clips")
    monkeypatch.chdir(tmp_path)
    for name, value in environment(sandbox).items():
        monkeypatch.setenv(name, value)

    def call(command):
        with temporary_settings({PREFECT_API_URL: engine}):
            try:
                code = app(shlex.split(command, comments=True), result_action="return_value")
            except SystemExit as stopped:
                code = stopped.code
        out, err = capsys.readouterr()
        assert (code, err) == (0, ""), f"storyboard {command}\n{out}{err}"
        return out

    return call


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_recipe_run_and_print_what_it_shows(page, storyboard, tmp_path):
    text = page.read_text(encoding="utf-8")
    for file in FILE.finditer(text):
        path = tmp_path / file["name"]
        path.parent.mkdir(exist_ok=True)
        path.write_text(file["text"], encoding="utf-8")
    commands = COMMAND.findall(text)
    if unknown := {command.split()[0] for command in commands} - {*app}:
        pytest.skip(f"this version has no storyboard {unknown.pop()} yet")
    printed = "".join(map(storyboard, commands))
    shown = [line for block in SHOWN.findall(text) for line in block.splitlines()]
    assert shown
    assert [line for line in shown if line not in printed] == [], printed


def test_every_recipe_is_in_the_index_and_on_the_site():
    index = (ROOT / "docs" / "recipes" / "index.md").read_text(encoding="utf-8")
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f"({page.name})" not in index or f"recipes/{page.name}" not in site] == []
