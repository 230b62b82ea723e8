"""A gateway of a package of its own: block, form, command line, doctor, models and pages know it without a change."""

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prefect_storyboard.blocks.credentials import imported
from prefect_storyboard.installed import GROUP
from prefect_storyboard.providers.gateways import Gateway, broken, gateways, registry
from tests.packages.installed import install

PACKAGE = Path(__file__).parent / "acme-video"
MARA = Path(str(files("prefect_storyboard.examples"))) / "clips" / "mara.mp4"
pytestmark = pytest.mark.engine


def board() -> dict[str, Any]:
    scenes = [
        {"id": "s01", "prompt": "Mara climbs the stairs."},
        {"id": "s02", "prompt": "She opens the door.", "characters": ["Mara"], "continues": "s01"},
        {"id": "s03", "prompt": "Far out a boat turns.", "characters": []},
    ]
    cast = [{"name": "Mara", "clip": str(MARA)}]
    return {"title": "Acme", "model": "acme-1", "seconds": 4, "cast": cast, "scenes": scenes}


@pytest.fixture(scope="module")
def acme(engine, tmp_path_factory):
    """The sandbox of the package, and what a process sees that has the package installed."""
    sys.path.insert(0, str(PACKAGE))
    try:
        from acme_video.sandbox import KEY, running
    finally:
        sys.path.remove(str(PACKAGE))
    folder = tmp_path_factory.mktemp("acme")
    variables = install(PACKAGE, folder / "site")
    (folder / "board.json").write_text(json.dumps(board()))
    with running(MARA) as server:
        ours = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "FAL_KEY"))}
        variables |= {"ACME_API_KEY": KEY, "ACME_API_URL": server.base, "PREFECT_API_URL": engine}
        script = Path(__file__).parent / "stranger.py"
        command = [sys.executable, str(script), str(folder), str(folder / "board.json"), str(folder / "found.json")]
        ran = subprocess.run(command, env={**ours, **variables}, capture_output=True, text=True, timeout=300)
        assert ran.returncode == 0, ran.stderr[-3000:]
        yield SimpleNamespace(
            server=server, library=folder / "library", **json.loads((folder / "found.json").read_text())
        )


def test_a_board_is_a_reel_on_it_and_the_second_run_buys_nothing(acme):
    assert (acme.reel, acme.failed, acme.again) == (["s01", "s02", "s03"], [], True)
    assert len(acme.server.orders) == 3


def test_the_plan_prices_it_by_the_packages_own_table(acme):
    assert acme.usd == [0.04] * 3
    assert acme.cost == pytest.approx(0.12)


def test_what_is_sent_is_in_the_packages_own_dialect(acme):
    first, second, third = sorted(acme.server.orders, key=len)[::-1]
    assert {"start", "pictures"} <= {*first}
    assert "start" not in second
    assert third == {"prompt": "Far out a boat turns.", "length": 4, "shape": "16:9"}
    assert "@1 climbs" in acme.sent[0]


def test_the_form_the_pages_and_the_lists_show_it(acme):
    code, models = acme.models
    assert (code, [(each["model"], each["provider"], each["price"]) for each in models]) == (
        0,
        [("acme-1", "acme", 0.08)],
    )
    assert (acme.form, acme.blocks, acme.docs, acme.help, acme.setup) == (True, True, True, True, ["acme"])


def test_the_doctor_examines_it(acme):
    code, told = acme.doctor
    assert code == 0, told
    for line in ("upload", "$12.50 left", "acme-1"):
        assert line in told


def test_its_key_is_in_no_file_of_the_library(acme):
    assert not [path for path in acme.library.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]


# --------------------------------------------------------------------------------------------------- the registry


def points(**values: str) -> EntryPoints:
    return EntryPoints(EntryPoint(name, value, GROUP) for name, value in values.items())


def test_ours_come_through_the_same_door():
    assert [*gateways()] == ["fal", "kie", "openai", "toapis", "wavespeed"]
    assert broken() == {}


def test_a_gateway_that_cannot_be_loaded_stops_no_other_and_says_why():
    found = registry(points(fal="prefect_storyboard.providers.fal:GATEWAY", gone="no_such_package:GATEWAY"))
    assert [*found.gateways] == ["fal"]
    assert "no_such_package" in found.broken["gone"]


@pytest.mark.parametrize("value", ["json:dumps", "prefect_storyboard.providers.kie:GATEWAY"])
def test_an_entry_point_names_a_gateway_of_its_own_name(value):
    found = registry(points(fal=value))
    assert (dict(found.gateways), [*found.broken]) == ({}, ["fal"])


def test_of_two_gateways_of_one_name_none_is_used():
    """An account must not change hands because a package was installed."""
    twice = [*points(fal="prefect_storyboard.providers.fal:GATEWAY")] * 3
    found = registry(EntryPoints(twice))
    assert dict(found.gateways) == {}
    assert "two packages provide a gateway of that name" in found.broken["fal"]


def test_a_block_that_cannot_be_imported_stops_no_other_gateway_and_says_why():
    odd = Gateway(name="odd", title="Odd", credentials="no_such_package.blocks:Odd", tables="no_such_package")
    found = imported({**gateways(), "odd": odd})
    assert [*found.blocks] == [*gateways()]
    assert "no_such_package" in found.broken["odd"]


@pytest.mark.parametrize("name", ["Fal", "a-b", "", "1st"])
def test_a_name_is_one_that_a_variable_can_begin_with(name):
    with pytest.raises(ValueError, match="name"):
        Gateway(name=name, title="x", credentials="m:C", tables="m")
