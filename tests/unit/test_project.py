"""What the project says of itself is true: paths, commands, numbers, and no address before there is one."""

import re
from pathlib import Path

import pytest
import yaml

from prefect_storyboard import __version__, project

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FORGE = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]
OURS = [ROOT, *(each for each in ROOT.iterdir() if each.name == "docs" or (each / "__init__.py").exists())]
TEXTS = [
    each for folder in OURS for kind in ("md", "py", "toml", "yml", "yaml", "json") for each in folder.glob(f"*.{kind}")
]
OF_A_FOLDER = re.compile(r"`((?:[a-z_]+/)+[\w.-]+\.(?:py|toml|yaml|yml|md))`")
TARGETS = {
    line.partition(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if re.match(r"[a-z][a-z-]*:", line)
}


def of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=of)
def test_every_file_that_a_page_names_exists(page):
    named = set(OF_A_FOLDER.findall(page.read_text(encoding="utf-8")))
    missing = {name for name in named if not (ROOT / name).exists()}
    assert {name for name in missing if not name.startswith("acme_video/")} <= {"frames/storm.png"}  # the reader's own


@pytest.mark.parametrize("page", [*PAGES, *FORGE], ids=of)
def test_every_make_target_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?m)(?:`|run: |^ {4})make (?:[A-Z]+=\S+ )*([a-z][\w-]*)", text))
    assert named <= TARGETS


@pytest.mark.parametrize("file", FORGE, ids=of)
def test_what_the_forge_reads_is_yaml(file):
    assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict)


@pytest.mark.parametrize("form", ["bug", "gateway", "feature"])
def test_an_issue_form_asks_each_question_once(form):
    made = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{form}.yml").read_text(encoding="utf-8"))
    assert made["name"]
    assert made["description"]
    asked = [each["id"] for each in made["body"] if each["type"] != "markdown"]
    assert asked
    assert len(set(asked)) == len(asked)
    assert all(each["attributes"].get("label") for each in made["body"] if each["type"] != "markdown")


def test_a_release_is_published_without_a_stored_token_and_only_after_its_wheel_was_tried():
    release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    assert release["jobs"]["publish"]["needs"] == "build"
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert any("tests/packaging" in step.get("run", "") for step in release["jobs"]["build"]["steps"])
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text()


def test_no_address_of_ours_is_promised_before_there_is_one():
    early = re.compile(
        r"(github(usercontent)?\.com|pypi\.org/project)/prefect-storyboard|pip install '?prefect-storyboard\b"
    )
    found = [of(path) for path in TEXTS if early.search(path.read_text(encoding="utf-8"))]
    assert project.HOME is not None or found == []


def test_the_version_is_the_one_of_the_project_file():
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def lines(*paths):
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def sections(gateway):
    """The lines of the model table that belong to a gateway, blank ones included."""
    heads = [(at, line) for at, line in enumerate(TABLE) if line.startswith("[")]
    ends = [at for at, _ in heads[1:]] + [len(TABLE)]
    return [
        line
        for (start, head), end in zip(heads, ends, strict=True)
        if head.startswith(f"[{gateway}.")
        for line in TABLE[start:end]
    ]


TABLE = (ROOT / "providers/models.toml").read_text(encoding="utf-8").splitlines()
GATEWAYS = sorted(gateway.parent.name for gateway in (ROOT / "providers").glob("*/adapter.py"))
SKELETON = {"__init__.py", "adapter.py", "bodies.py", "errors.py"}
COUNTED = {
    "adapter.py`": lambda gateway: lines(ROOT / f"providers/{gateway}/adapter.py"),
    "bodies.py`": lambda gateway: lines(ROOT / f"providers/{gateway}/bodies.py"),
    "errors.py` |": lambda gateway: lines(ROOT / f"providers/{gateway}/errors.py"),
    "only this gateway": lambda gateway: lines(
        *(path for path in (ROOT / f"providers/{gateway}").glob("*.py") if path.name not in SKELETON)
    ),
    "models |": lambda gateway: len(sections(gateway)),
    "contract cases": lambda gateway: lines(ROOT / f"tests/contract/cases/{gateway}.py"),
    "on loopback": lambda gateway: lines(*(ROOT / f"sandbox/{gateway}").glob("*.py")),
    "wire facts": lambda gateway: len([*(ROOT / f"tests/contract/fixtures/{gateway}").iterdir()]),
}


@pytest.mark.parametrize("part", COUNTED)
def test_the_work_for_a_gateway_is_as_much_as_is_said(part):
    """Good to a fifth: the page is for somebody who plans a week."""
    rows = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    (row,) = (row for row in rows if row.startswith("| ") and part in row)
    least, most = (
        int(each.replace(",", "")) for each in re.findall(r"[\d,]+", row.rpartition("|")[0].rpartition("|")[2])[:2]
    )
    counted = [COUNTED[part](gateway) for gateway in GATEWAYS]
    assert least == pytest.approx(min(counted), rel=0.2)
    assert most == pytest.approx(max(counted), rel=0.2)
