"""What the documentation lists is what there is."""

from pathlib import Path

import pytest

from prefect_storyboard.cli.main import app
from prefect_storyboard.providers.table import models
from prefect_storyboard.sandbox.app import create_app
from prefect_storyboard.sandbox.fal.faults import VOICE as FAL
from prefect_storyboard.sandbox.faults import NETWORK
from prefect_storyboard.sandbox.kie.faults import VOICE as KIE
from prefect_storyboard.sandbox.toapis.faults import VOICE as TOAPIS
from prefect_storyboard.sandbox.wavespeed.faults import VOICE as WAVESPEED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "names", [NETWORK, FAL.routes, KIE.routes, TOAPIS.routes, WAVESPEED.routes], ids=["any", *models()]
)
def test_every_fault_of_the_sandbox_is_listed(names):
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_gateway_has_a_row_of_credentials_and_a_section_of_models():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listing = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for provider, families in models().items():
        assert f"`{provider.upper()}_" in readme
        assert f"(`{provider}`)" in listing
        assert all(f"| `{name}` |" in listing for name in families)


def test_every_command_in_the_readme_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    used = {line.split()[1] for line in readme.splitlines() if line.strip().startswith("storyboard ")}
    assert used
    assert used <= {name for name in app if not name.startswith("-")}


def test_the_sandbox_serves_every_gateway_of_the_table(tmp_path):
    made = create_app(tmp_path)
    served = {route.path.split("/")[1] for route in made.routes}
    assert set(models()) <= served
    made.state.sandbox.pool.shutdown()
    made.state.sandbox.state.close()
