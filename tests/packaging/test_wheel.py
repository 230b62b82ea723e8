"""The wheel, installed where nothing else is: what it brings, what it leaves alone, and the demo from it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_SOURCE = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "*.egg-info", "storyboard-demo", "test-artifacts", "benchmarks"
)
UV = [sys.executable, "-m", "uv"]
BARE = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PREFECT", "VIRTUAL_ENV"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built as a release is: the source archive first, and the wheel from that."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=NOT_SOURCE)
    command = [*UV, "build", "--quiet", "--out-dir", str(folder / "dist"), str(folder / "source")]
    subprocess.run(command, env=BARE, check=True)
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """The bin folder of an environment that holds the wheel and what it requires, without an extra."""
    return install(tmp_path_factory.mktemp("bare"), str(wheel))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The bin folder of an environment that holds the wheel with the extra of the sandbox."""
    return install(tmp_path_factory.mktemp("installed"), f"{wheel}[sandbox]")


def install(folder, requirement):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (folder / "overrides.txt").write_text("\n".join(project["tool"]["uv"].get("override-dependencies", [])))
    python, overrides = str(folder / "venv" / "bin" / "python"), str(folder / "overrides.txt")
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder / "venv")],
        ["pip", "install", "--quiet", "--python", python, "--override", overrides, requirement],
    ):
        subprocess.run([*UV, *command], env=BARE, check=True)
    return folder / "venv" / "bin"


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    (info,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
    assert {name.split("/")[0] for name in names} == {"prefect_storyboard", info}
    parts = {name.split("/")[1] for name in names if name.startswith("prefect_storyboard/")}
    assert not parts & {"tests", "docs", "benchmarks", "build", ".venv"}
    needed = (
        "py.typed",
        "prefect.yaml",
        "providers/models.toml",
        "media/page.html.jinja",
        "media/differences.html.jinja",
        "media/catalogue.html.jinja",
        "media/catalogue.css",
        "media/ground.css",
        "media/page.js",
        "media/fonts/DejaVuSans.ttf",
        "sandbox/fonts/DejaVuSans-Bold.ttf",
        "sandbox/fonts/LICENSE-DejaVu.txt",
        "examples/lighthouse.yaml",
        "examples/clips/mara.mp4",
        "examples/flows/teaser.py",
        "examples/flows/variants.csv",
        "examples/flows/nightly.txt",
        "examples/clips/otto.mp4",
        "storyboards/storyboard.schema.json",
    )
    assert [file for file in needed if f"prefect_storyboard/{file}" not in names] == []
    code = {f"prefect_storyboard/{path.relative_to(ROOT)}" for path in ROOT.glob("[a-z]*/*.py") if is_package(path)}
    assert code <= set(names), "a module is missing from the wheel"


def is_package(path):
    return (path.parent / "__init__.py").exists() and path.parent.name not in {"tests", "build"}


@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_without_the_extra_the_sandbox_says_in_one_sentence_what_to_install(bare, tmp_path, command):
    ended = subprocess.run([bare / "storyboard", command], env=BARE, capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
    assert ended.stderr.startswith(
        "error: this command needs the extra [sandbox] of prefect-storyboard; run: pip install"
    )
    assert "python-multipart" in ended.stderr
    assert [*tmp_path.iterdir()] == []


def test_without_the_extra_everything_else_is_imported(bare):
    """The sandbox's server is on no path of the flows, the blocks or the command line."""
    script = "import prefect_storyboard.cli.live, prefect_storyboard.cli.doctor, prefect_storyboard.deployments.serve"
    subprocess.run([bare / "python", "-c", script], env=BARE, check=True)


def test_nothing_of_ours_lands_beside_the_package(installed):
    """Top-level folders called flows or tasks must not be importable under those names."""
    script = (
        "import json, sys\n"
        "from importlib.metadata import distribution, entry_points\n"
        "from importlib.util import find_spec\n"
        "files = {str(file).split('/')[0] for file in distribution('prefect-storyboard').files}\n"
        "ours = [n for n in sys.argv[1:] if find_spec(n)]\n"
        "points = [(p.group, p.name, p.value) for p in distribution('prefect-storyboard').entry_points]\n"
        "collection = {e.name: e.load().__name__ for e in entry_points(group='prefect.collections')}\n"
        "print(json.dumps([sorted(files), ours, points, collection['prefect_storyboard']]))\n"
    )
    names = [path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()]
    assert {"flows", "tasks", "blocks"} < set(names)
    command = [installed / "python", "-c", script, *names]
    out = subprocess.run(command, env=BARE, check=True, capture_output=True, text=True, cwd=installed).stdout
    files, importable, points, collection = json.loads(out)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert files == ["..", "prefect_storyboard", f"prefect_storyboard-{version}.dist-info"]  # ../../../bin/storyboard
    assert importable == []
    gateways = [[group, name, place] for group, name, place in points if group == "prefect_storyboard.gateways"]
    assert gateways == [
        ["prefect_storyboard.gateways", name, f"prefect_storyboard.providers.{name}:GATEWAY"]
        for name in ("fal", "kie", "openai", "toapis", "wavespeed")
    ]
    assert [point for point in points if point not in gateways] == [
        ["console_scripts", "storyboard", "prefect_storyboard.cli.main:main"],
        ["prefect.collections", "prefect_storyboard", "prefect_storyboard.blocks"],
    ]
    assert collection == "prefect_storyboard.blocks"


def test_the_demo_runs_from_the_wheel_and_buys_nothing_the_second_time(installed, tmp_path):
    def demo():
        command = [installed / "storyboard", "demo"]
        return subprocess.run(command, env=BARE, capture_output=True, text=True, cwd=tmp_path)

    first, second = demo(), demo()
    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stderr) == (0, "")
    assert "this run bought 6 jobs for $8.4672" in first.stdout
    assert "the same storyboard costs $3.92 on kling-o3" in first.stdout
    assert "8 jobs, $9.5872 since the first run; 8 of them now" in first.stdout
    assert "this run bought nothing" in second.stdout
    assert "none of them now: nothing was bought" in second.stdout
    reel = tmp_path / "storyboard-demo/library/reels/the-lighthouse"
    assert str(reel / "reel.mp4") in second.stdout
    assert {"reel.mp4", "index.html", "contact-sheet.jpg", "storyboard.yaml", "plan.json"} <= {
        file.name for file in reel.iterdir()
    }
    assert [path.name for path in tmp_path.iterdir()] == ["storyboard-demo"], "it leaves nothing elsewhere"
