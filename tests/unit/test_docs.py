"""What the documentation lists is what there is."""

import inspect
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from prefect_storyboard import tasks
from prefect_storyboard.cli.main import app
from prefect_storyboard.providers.table import models
from prefect_storyboard.sandbox.app import create_app
from prefect_storyboard.sandbox.fal.faults import FAULTS as FAL
from prefect_storyboard.sandbox.faults import NETWORK
from prefect_storyboard.sandbox.kie.faults import FAULTS as KIE
from prefect_storyboard.sandbox.openai.faults import FAULTS as OPENAI
from prefect_storyboard.sandbox.toapis.faults import FAULTS as TOAPIS
from prefect_storyboard.sandbox.wavespeed.faults import FAULTS as WAVESPEED
from prefect_storyboard.storyboards import Character, Reel, Scene, Storyboard, parse, shots
from prefect_storyboard.storyboards.result_schemas import RESULTS, main, texts
from prefect_storyboard.storyboards.variants import expanded

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(
    "names", [NETWORK, FAL.routes, KIE.routes, OPENAI.routes, TOAPIS.routes, WAVESPEED.routes], ids=["any", *models()]
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


@pytest.mark.parametrize("noun", [Storyboard, Character, Scene])
def test_every_field_of_a_storyboard_has_a_row_with_an_example(noun):
    rows = [line.split(" | ") for line in (DOCS / "storyboards.md").read_text(encoding="utf-8").splitlines()]
    shown = {cells[0].removeprefix("| ").strip("`") for cells in rows if len(cells) == 4 and cells[2].strip()}
    assert set(noun.model_fields) <= shown


@pytest.mark.parametrize(
    "example",
    [
        block
        for page in ("quickstart.md", "storyboards.md", "characters.md", "captions.md")
        for block in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    ],
    ids=lambda text: text.partition("title: ")[2].partition("\n")[0],
)
def test_every_storyboard_of_the_documentation_is_one_that_a_model_takes(example):
    board, source = parse(example, "example.yaml")
    whole = expanded(board, source, 1_000)
    assert shots(whole.board, lambda name: models()["fal"][name], whole.source)


def test_every_deployment_is_listed():
    text = (DOCS / "deployments.md").read_text(encoding="utf-8")
    made = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    assert [each["name"] for each in made if f"/{each['name']}` |" not in text] == []


def test_every_command_of_the_documentation_exists():
    used = {
        word
        for page in DOCS.rglob("*.md")
        for word in re.findall(r"(?m)(?:^ {4}|`)storyboard ([a-z]+)\b", page.read_text(encoding="utf-8"))
    }
    assert used
    assert used <= {name for name in app if not name.startswith("-")}


@pytest.mark.parametrize("task", [tasks.create_character, tasks.generate, tasks.render], ids=lambda task: task.name)
def test_every_argument_of_a_task_that_buys_is_said_to_be_part_of_the_key_or_not(task):
    page = (DOCS / "flows-of-your-own.md").read_text(encoding="utf-8")
    rows = page.partition("## What is part of the key")[2].partition("## Where clips are stored")[0]
    said = set(re.findall(r"`(\w+)`", " ".join(row.split(" | ")[0] for row in rows.splitlines()))) | {"reference"}
    assert set(inspect.signature(task.fn).parameters) <= said


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.__name__)
def test_every_result_has_a_schema_that_is_linked(kind):
    name = f"{kind.__name__.lower()}.schema.json"
    assert (DOCS / "schemas" / name).read_text(encoding="utf-8") == texts()[name]
    assert f"schemas/{name})" in (DOCS / "flows-of-your-own.md").read_text(encoding="utf-8")


def test_a_reel_of_an_old_library_is_what_its_schema_says():
    clip = ROOT / "tests/fixtures/library-0.1.0/library/reels/the-night-watch/scenes/s01/take-001.json"
    reel = Reel(title="Watch", clips=[json.loads(clip.read_text(encoding="utf-8"))], url="s3://films/reel.mp4")
    schema = json.loads((DOCS / "schemas" / "reel.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(reel.model_dump(mode="json"), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**reel.model_dump(mode="json"), "clips": "none"}, schema)


def test_schemas_that_are_not_current_are_named(tmp_path, capsys):
    assert main([str(tmp_path)]) == main(["--check", str(tmp_path)]) == 0
    (tmp_path / "clip.schema.json").write_text("{}")
    assert main(["--check", str(tmp_path)]) == 1
    assert "clip.schema.json" in capsys.readouterr().err


def test_the_flow_of_the_readme_is_the_one_of_the_page_whose_code_is_run():
    code = re.compile(r"```python\n(.*?return await assemble.*?)\n(?:\n|```)", re.DOTALL)
    pages = (ROOT / "README.md", DOCS / "flows-of-your-own.md")
    first, second = (code.search(page.read_text(encoding="utf-8")) for page in pages)
    assert first
    assert second
    assert first[1] == second[1]
