"""A command that needs an extra says what to install, and nothing else imports what the extra brings."""

import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from prefect_storyboard.cli.extras import missing, require

PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
LINES = [
    "httpx>=0.27",
    "odd>=1; python_version < '3'",
    "starlette>=1.0.1; extra == 'sandbox'",
    "uvicorn>=0.30; extra == 'sandbox'",
    "gcsfs>=2026.6; extra == 'gcs'",
    "uvicorn>=0.30; extra == 'callbacks'",
]


def machine(**versions):
    """What is installed, as `importlib.metadata.version` answers."""

    def version(name):
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    return version


@pytest.mark.parametrize(
    ("versions", "lacking"),
    [
        ({}, ["starlette>=1.0.1", "uvicorn>=0.30"]),
        ({"starlette": "0.46.2", "uvicorn": "0.34.0"}, ["starlette>=1.0.1"]),
        ({"starlette": "1.0.1", "uvicorn": "0.34.0"}, []),
        ({"starlette": "1.1.0rc1", "uvicorn": "0.34.0"}, []),
    ],
    ids=["none", "too old", "all", "a preview"],
)
def test_what_an_extra_lacks_is_found(versions, lacking):
    assert missing("sandbox", LINES, machine(**versions)) == lacking


def test_the_callbacks_server_needs_less_than_the_sandbox():
    assert missing("callbacks", LINES, machine()) == ["uvicorn>=0.30"]
    assert missing("callbacks", LINES, machine(uvicorn="0.34.0")) == []


def test_what_is_installed_is_not_complained_of():
    require("sandbox")


def test_every_extra_is_of_the_package_and_none_is_asked_of_everybody():
    extras = PYPROJECT["project"]["optional-dependencies"]
    assert {*extras} == {"sandbox", "callbacks", "page", "export", "gcs", "azure"}
    server = {"starlette", "uvicorn", "python-multipart"}
    assert {each.split(">")[0] for each in extras["sandbox"]} == server
    assert {each.split(">")[0] for each in (*extras["callbacks"], *extras["page"])} == {"uvicorn"}
    assert {each.split(">")[0] for each in extras["export"]} == {"opentimelineio", "otio-cmx3600-adapter"}
    assert not server & {each.split(">")[0] for each in PYPROJECT["project"]["dependencies"]}
