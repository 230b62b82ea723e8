"""Every living entry at Kie and ToAPIs has its canonical bodies, and every printed body is sent or left out on purpose."""

from types import ModuleType

import living_kie_tables
import living_toapis_tables
import pytest
from cases import Case, canonical, every_case

from prefect_storyboard.providers.dialects import MODES
from prefect_storyboard.providers.protocol import SceneRequest
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import Mode, Model

CASES = {case.name: case for case in every_case()}
READ = {"kie": living_kie_tables, "toapis": living_toapis_tables}
LIVING = {provider: [entry for entry in models()[provider].values() if not entry.retires_on] for provider in READ}


def scenes(case: Case) -> list[SceneRequest]:
    return [one.request for one in case.orders if isinstance(one.request, SceneRequest)]


def sells(entry: Model, mode: Mode) -> bool:
    """Whether an entry has a body of its own for that way to begin."""
    shown = mode == "references" and entry.references is not None
    begun = mode in {"image", "frames"} and "image" in entry.endpoints
    last = mode != "frames" or mode in entry.takes_last_frame
    return (mode == "text" and "text" in entry.endpoints) or shown or (begun and last)


@pytest.mark.parametrize("provider", READ)
def test_every_living_entry_has_a_canonical_body(provider: str) -> None:
    assert {entry.name for entry in LIVING[provider]} <= {request.model.name for request in scenes(CASES[provider])}


@pytest.mark.parametrize("provider", READ)
def test_every_way_to_begin_that_a_dialect_sells_has_a_canonical_body(provider: str) -> None:
    have = {(request.model.codec, request.mode) for request in scenes(CASES[provider])}
    have |= {(codec, "image") for codec, mode in have if mode == "frames"}  # the same fields, with one more
    wanted = {(entry.codec, mode) for entry in LIVING[provider] for mode in MODES if sells(entry, mode)}
    assert wanted <= have


@pytest.mark.parametrize(("provider", "module"), READ.items())
def test_every_printed_body_is_sent_or_left_out_on_purpose(provider: str, module: ModuleType) -> None:
    orders = CASES[provider].orders
    fixtures = {one.fixture for one in orders if one.fixture.endswith(".requests")}
    printed = {(name, part) for name in fixtures for part in range(len(canonical(provider, name)))}
    sent = {(one.fixture, int(one.part)) for one in orders if one.fixture.endswith(".requests") and one.part}
    assert printed - sent == {*module.NOT_SENT}
