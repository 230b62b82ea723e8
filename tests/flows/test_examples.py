"""Every example twice, async and plain: the first run costs what its page says, the second one buys nothing."""

import asyncio
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
from jinja2 import Template

from prefect_storyboard.blocks import Library
from prefect_storyboard.examples.flows import (
    budget,
    choose_model,
    collecting,
    continuing,
    nightly,
    on_event,
    refused,
    shared_cast,
    teaser,
    threads,
    to_s3,
    variants,
)
from prefect_storyboard.examples.flows.sandboxed import MEDIA
from prefect_storyboard.flows import Collected
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import running
from prefect_storyboard.storyboards import Clip, Reel
from tests.flows.gateways import GATEWAYS, Branch
from tests.ports import unused_port

ROOT = Path(__file__).parents[2]
FLOWS = sorted(
    path for path in (ROOT / "examples" / "flows").glob("*.py") if path.stem not in {"__init__", "sandboxed"}
)
PAGE = (ROOT / "docs" / "flows-of-your-own.md").read_text(encoding="utf-8")
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
Run = Callable[[], Any]


def event() -> dict[str, str]:
    """The parameters that the automation gives the flow, of an event with that payload."""
    happened = {"payload": on_event.BRIEF}
    return {
        name: Template(given["template"]).render(event=happened) for name, given in on_event.TRIGGER.parameters.items()
    }


def elsewhere(submit: str) -> None:
    code = f"import asyncio; from {collecting.__name__} import PROMPTS, plain_submit, submit; {submit}"
    subprocess.run([sys.executable, "-c", code], check=True)


async def submitted_elsewhere() -> Collected:
    elsewhere("asyncio.run(submit(PROMPTS))")
    return await collecting.collect()


def plainly_submitted_elsewhere() -> Collected:
    elsewhere("plain_submit(PROMPTS)")
    return collecting.plain_collect()


ASYNC: dict[str, Callable[[], Awaitable[Any]]] = {
    "budget": lambda: budget.within(budget.PROMPTS, budget.DOLLARS),
    "choose_model": lambda: choose_model.audition(choose_model.PROMPT),
    "collecting": submitted_elsewhere,
    "continuing": lambda: continuing.crossing(continuing.FIRST, continuing.THEN),
    "nightly": nightly.nightly,
    "on_event": lambda: on_event.draft(**event()),
    "refused": lambda: refused.delivered(refused.PROMPTS),
    "shared_cast": shared_cast.season,
    "teaser": lambda: teaser.teaser(teaser.PROMPTS),
    "to_s3": lambda: to_s3.to_bucket(to_s3.PROMPT, to_s3.bucket(*BUCKET)),
    "variants": lambda: variants.variants(variants.FILE),
}
PLAIN: dict[str, Run] = {
    "budget": lambda: budget.plain_within(budget.PROMPTS, budget.DOLLARS),
    "choose_model": lambda: choose_model.plain_audition(choose_model.PROMPT),
    "collecting": plainly_submitted_elsewhere,
    "continuing": lambda: continuing.plain_crossing(continuing.FIRST, continuing.THEN),
    "nightly": nightly.plain_nightly,
    "on_event": lambda: on_event.plain_draft(**event()),
    "refused": lambda: refused.plain_delivered(refused.PROMPTS),
    "shared_cast": shared_cast.plain_season,
    "teaser": lambda: teaser.plain_teaser(teaser.PROMPTS),
    "threads": lambda: threads.gears(threads.PROMPTS),
    "to_s3": lambda: to_s3.plain_to_bucket(to_s3.PROMPT, to_s3.bucket(*BUCKET)),
    "variants": lambda: variants.plain_variants(variants.FILE),
}
BUCKET: list[str] = []  # endpoint and name of this test's own


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One sandbox for all examples, as quick as it can be, which refuses the knife."""
    pace = Pace(queue_seconds=0.0, render_seconds=0.0, character_seconds=0.0, clip_scale=0.15)
    with running(tmp_path_factory.mktemp("examples"), port=unused_port(), pace=pace) as base:
        Branch(base, Path(), Path()).fault("policy_refusal", match={"prompt": "knife"})
        yield base


@pytest.fixture(params=["fal"])
def branch(
    request: pytest.FixtureRequest, engine: str, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Branch:
    """A library of this test's own, both blocks saved, and the clips where the examples look for them."""
    branch = Branch(base, tmp_path, MEDIA / "clips", gateway=request.param, model="seedance-2")
    branch.credentials().save("production", overwrite=True)
    Library(url=branch.library).save("main", overwrite=True)
    monkeypatch.chdir(MEDIA)
    monkeypatch.setenv("PREFECT_API_URL", engine)  # for the processes that an example starts
    return branch


@pytest.fixture(autouse=True)
def _bucket(request: pytest.FixtureRequest) -> None:
    if "to_s3" in request.node.name:
        BUCKET[:] = bucket(request.getfixturevalue("moto"))


def bucket(endpoint: str) -> list[str]:
    """A new bucket."""
    name = uuid4().hex
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")).close()
    return [endpoint, name]


def clips(result: Any) -> list[Clip]:
    if isinstance(result, Reel | Collected):
        return list(result.clips)
    return [result] if isinstance(result, Clip) else list(result)


def judge(name: str, meters: list[dict[str, Any]], first: Any, second: Any) -> None:
    """The first run costs what the example's page says; the second one costs nothing and gives the same clips."""
    page = sys.modules[f"{teaser.__package__}.{name}"].__doc__ or ""
    before, between, after = meters
    said = float(re.findall(r"\$(\d+\.\d\d)", page)[0])
    assert between["usd"] - before["usd"] == pytest.approx(said, abs=0.006)
    assert after["jobs_accepted"] == between["jobs_accepted"], "the second run bought something"
    assert clips(first)
    assert clips(second) == ([] if name == "collecting" else clips(first))


@pytest.mark.parametrize("name", ASYNC)
async def test_the_second_run_of_an_example_buys_nothing(branch: Branch, name: str) -> None:
    meters = [branch.meter()]
    first = await ASYNC[name]()
    meters.append(branch.meter())
    second = await ASYNC[name]()
    judge(name, [*meters, branch.meter()], first, second)


@pytest.mark.parametrize("name", PLAIN)
def test_the_second_run_of_a_plain_example_buys_nothing(branch: Branch, name: str) -> None:
    meters = [branch.meter()]
    first = PLAIN[name]()
    meters.append(branch.meter())
    second = PLAIN[name]()
    judge(name, [*meters, branch.meter()], first, second)


async def test_what_an_async_flow_has_bought_a_plain_one_finds(branch: Branch) -> None:
    bought = await ASYNC["choose_model"]()
    accepted = branch.meter()["jobs_accepted"]
    assert await asyncio.to_thread(PLAIN["choose_model"]) == bought
    assert branch.meter()["jobs_accepted"] == accepted


# --- the page


def printed(branch: Branch, name: str) -> Any:
    """The flow of the page, as printed but for the name of the block."""
    (code,) = [code for code in CODE.findall(PAGE) if f"def {name}(" in code]
    file = branch.folder / f"{name}.py"
    file.write_text(code.replace("FalCredentials", type(branch.credentials()).__name__))
    spec = spec_from_file_location(f"printed_{branch.gateway}_{name}", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)[name]


@pytest.mark.parametrize("branch", GATEWAYS, indirect=True)
async def test_the_teaser_runs_as_printed_at_every_gateway_and_is_bought_once(branch: Branch) -> None:
    flow, accepted = printed(branch, "teaser"), branch.meter()["jobs_accepted"]
    first = await flow(teaser.PROMPTS)
    assert branch.meter()["jobs_accepted"] == accepted + 3
    assert await flow(teaser.PROMPTS) == first
    assert branch.meter()["jobs_accepted"] == accepted + 3


@pytest.mark.parametrize("branch", GATEWAYS, indirect=True)
def test_the_plain_teaser_runs_as_printed_at_every_gateway_and_is_bought_once(branch: Branch) -> None:
    flow, accepted = printed(branch, "plain_teaser"), branch.meter()["jobs_accepted"]
    first = flow(teaser.PROMPTS)
    assert branch.meter()["jobs_accepted"] == accepted + 3
    assert flow(teaser.PROMPTS) == first
    assert branch.meter()["jobs_accepted"] == accepted + 3


def test_the_first_thing_on_the_page_are_the_fifteen_lines_of_the_example() -> None:
    body = CODE.findall(PAGE)[0].partition("@flow\n")[2].strip()
    example = Path(str(teaser.__file__)).read_text(encoding="utf-8").partition("@flow\n")[2].partition("\n\n\n")[0]
    told = re.sub(r'    """.*"""\n| -> Reel|: Any(?= =)', "", example)
    assert told == body


@pytest.mark.parametrize("file", FLOWS, ids=lambda file: file.stem)
def test_an_example_is_linked_says_its_command_and_imports_nothing_private(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert f"(examples.md#{file.stem})" in PAGE
    assert f"\n    python -m prefect_storyboard.examples.flows.{file.stem}" in text
    assert not re.search(r"(?m)^\s*(from|import) \S*\b_\w|import .*\b_\w", text)
    assert file.stem in PLAIN


async def test_a_reel_is_opened_with_fsspec_where_it_says(branch: Branch, moto: str) -> None:
    library = to_s3.bucket(*bucket(moto))
    reel = await to_s3.to_bucket(to_s3.PROMPT, library)
    with fsspec.open(reel.url, "rb", **library.storage_options.get_secret_value()) as film:
        assert film.read(12)[4:8] == b"ftyp"


def test_the_command_of_an_example_runs_on_a_sandbox_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", choose_model.__name__]
    bare = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    said = [subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True).stdout for _ in range(2)]
    assert "has billed 1 jobs" in said[0]
    assert "has billed nothing" in said[1]
