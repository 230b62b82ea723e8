"""What the contract refuses at fal and WaveSpeed is refused by the sandbox, and never offered by the model table."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from prefect_storyboard.providers.dialects import MODES
from prefect_storyboard.providers.table import models
from prefect_storyboard.sandbox.fal import schema as fal
from prefect_storyboard.sandbox.fal.models import ENDPOINTS
from prefect_storyboard.sandbox.wavespeed import models as wavespeed
from prefect_storyboard.storyboards import Model
from tests.sandbox.contract_rows import DOUBTED, FACE, MP4, PNG, ROWS, Row
from tests.sandbox.in_process import Box, sandbox
from tests.sandbox.test_living_orders import cases
from tests.sandbox.test_plan_and_body import adapter

READ = [(provider, path, row) for provider, rows in ROWS.items() for path, row in rows.items()]
LIVING = [entry for provider in ROWS for entry in models()[provider].values() if not entry.ended]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("rows")) as box:
        yield box


def takes(provider: str, path: str, body: dict[str, Any]) -> bool:
    """Whether the sandbox takes a body."""
    try:
        if provider == "fal":
            fal.parse(ENDPOINTS[path], body)
        else:
            wavespeed.parse(wavespeed.MODELS[path], body)
    except (fal.Unprocessable, wavespeed.Refused):
        return False
    return True


def item(name: str) -> Any:
    return FACE if name == "elements" else MP4 if "video" in name else PNG


def bodies(row: Row) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Bodies that the contract takes, and bodies that it refuses."""
    least, most = row.seconds[0], row.seconds[-1]
    plain = {"prompt": "A boat.", **row.needs}
    good = [plain, *({**plain, "resolution": size} for size in row.sizes)]
    good += [{**plain, name: [item(name)] * count} for name, count in row.lists.items()]
    needed = {*row.needs} if row.wordless else {*plain}
    bad = [{key: each for key, each in plain.items() if key != left_out} for left_out in needed]
    bad += [
        {**plain, "unheard_of": 1},
        {**plain, "prompt": 7},
        {**plain, "resolution": "999p"},
        {**plain, "duration": 2.5},
    ]
    bad += [{**plain, name: [item(name)] * (count + 1)} for name, count in row.lists.items()]
    bad += [{**plain, name: PNG} for name in row.references]
    bad += [{**plain, "prompt": "p" * (row.prompt + 1)}] if row.prompt else []
    if row.wire is not None:
        good += [{**plain, "duration": row.written(seconds)} for seconds in (least, most)]
        bad += [{**plain, "duration": row.written(seconds)} for seconds in (least - 1, most + 1)]
        bad += [{**plain, "duration": f"{least} s"}]
    return good, bad


@pytest.mark.parametrize(("provider", "path", "row"), READ, ids=lambda each: each if isinstance(each, str) else "")
def test_the_sandbox_takes_and_refuses_what_the_contract_does(provider: str, path: str, row: Row) -> None:
    good, bad = bodies(row)
    assert [body for body in good if not takes(provider, path, body)] == []
    assert [body for body in bad if takes(provider, path, body)] == []


@pytest.mark.parametrize(("provider", "path", "row"), READ, ids=lambda each: each if isinstance(each, str) else "")
def test_a_length_in_the_wrong_writing_is_refused(provider: str, path: str, row: Row) -> None:
    number, text = row.seconds[-1], str(row.seconds[-1])
    written = {"8": [number, f"{text}s"], 8: [text, f"{text}s"], "8s": [number, text], None: [number, text, f"{text}s"]}
    unsure = {"alibaba/wan-3.0": [f"{text}s"], "alibaba/wan-3.0-prime": [f"{text}s"]}  # at fal, both are taken
    wrong = written[row.wire] if provider != "fal" else unsure.get(path.rpartition("/")[0], written[row.wire])
    plain = {"prompt": "A boat.", **row.needs}
    assert [each for each in wrong if takes(provider, path, {**plain, "duration": each})] == []


@pytest.mark.parametrize("entry", LIVING, ids=lambda entry: f"{entry.provider}-{entry.name}")
def test_the_table_offers_nothing_that_the_contract_does_not_have(entry: Model) -> None:
    rows = {mode: ROWS[entry.provider].get(entry.endpoint(mode) or "") for mode in MODES}
    assert all(rows[mode] or not entry.endpoint(mode) or entry.unsure for mode in MODES), "a row for it, or guarded"
    for mode, row in rows.items():
        if row is None:
            continue
        assert set(entry.lengths(mode)) <= set(row.seconds)
        assert not row.sizes or {each.casefold() for each in entry.sizes(mode)[1]} <= {s.casefold() for s in row.sizes}
        assert not row.prompt or (entry.max_prompt or row.prompt + 1) <= row.prompt
        if mode == "references" and entry.references and row.lists:
            shown, *clips = (row.lists[name] for name in row.references)
            most = entry.max_characters if row.references[0] == "elements" else entry.references.images
            assert (most <= shown, entry.references.clips <= sum(clips)) == (True, True)


@pytest.mark.parametrize("entry", LIVING, ids=lambda entry: f"{entry.provider}-{entry.name}")
def test_the_table_is_unsure_of_exactly_what_the_contract_is_unsure_of(entry: Model) -> None:
    assert {mode for mode in MODES if entry.doubt(mode)} == DOUBTED.get((entry.provider, entry.name), set())


GUARDED = [entry for entry in LIVING if (entry.provider, entry.name) in DOUBTED]


@pytest.mark.parametrize("entry", GUARDED, ids=lambda entry: f"{entry.provider}-{entry.name}")
async def test_the_sandboxs_list_agrees_with_every_order_of_which_the_table_is_unsure(entry: Model, box: Box) -> None:
    gateway = adapter(box, entry.provider)
    for asked in cases(entry):
        if asked.is_sold() and entry.doubt(asked.mode):
            assert await gateway.objection(gateway.scene_order(asked.request())) is None, str(asked)
