"""Every living entry at fal and WaveSpeed has its canonical bodies, and every printed body is sent or left out on purpose."""

from types import ModuleType

import living_fal_tiers
import living_wavespeed_tiers
import pytest
from cases import Case, ExpectedOrder, canonical, every_case

from prefect_storyboard.providers.dialects import MODES
from prefect_storyboard.providers.protocol import SceneRequest
from prefect_storyboard.providers.table import models

CASES = {case.name: case for case in every_case()}
READ = {"fal": living_fal_tiers, "wavespeed": living_wavespeed_tiers}


def scenes(case: Case) -> list[tuple[ExpectedOrder, SceneRequest]]:
    return [(one, one.request) for one in case.orders if isinstance(one.request, SceneRequest)]


@pytest.mark.parametrize("provider", READ)
def test_every_mode_of_every_living_entry_has_a_canonical_body(provider: str) -> None:
    have = {(request.model.name, request.model.endpoint(request.mode)) for _, request in scenes(CASES[provider])}
    living = [entry for entry in models()[provider].values() if not entry.ended]
    wanted = {(entry.name, entry.endpoint(mode)) for entry in living for mode in MODES}
    assert {(name, endpoint) for name, endpoint in wanted if endpoint} <= have


@pytest.mark.parametrize(("provider", "module"), READ.items())
def test_every_printed_body_is_sent_or_left_out_on_purpose(provider: str, module: ModuleType) -> None:
    printed = {
        part
        for fixture in {one.fixture for one in CASES[provider].orders if one.fixture.endswith(".requests")}
        for part in canonical(provider, fixture)
    }
    sent = {one.part for one in CASES[provider].orders}
    assert printed - sent <= set(module.NOT_SENT) <= printed
    assert all(module.NOT_SENT.values())
