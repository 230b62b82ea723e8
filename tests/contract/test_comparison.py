"""The gateways' lists of models, as the adapters read them, beside the model table."""

from collections.abc import AsyncIterator

import httpx
import pytest

from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.providers.comparison import compare
from prefect_storyboard.providers.http import client
from prefect_storyboard.providers.protocol import Listed, Provider
from prefect_storyboard.providers.table import models
from prefect_storyboard.sandbox.server import environment


@pytest.fixture
async def http(sandbox: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client([sandbox]) as connection:
        yield connection


def say(sandbox: str, **rule: object) -> None:
    httpx.post(f"{sandbox}/sandbox/faults", json=rule).raise_for_status()


async def listed(sandbox: str, provider: str) -> tuple[Listed, ...] | None:
    credentials = BY_PROVIDER[provider].from_environment(environment(sandbox))
    async with credentials.session() as session:
        adapter: Provider = session.provider
        return await adapter.catalogue()


@pytest.mark.parametrize("provider", ["fal", "wavespeed", "toapis"])
async def test_the_table_sells_what_the_gateway_lists(sandbox: str, provider: str) -> None:
    found = await listed(sandbox, provider)
    assert found
    assert compare(models()[provider], found).gone == ()


async def test_fals_unit_prices_are_the_tables(sandbox: str) -> None:
    found = await listed(sandbox, "fal") or ()
    assert any(each.usd is not None and each.unit == "second" for each in found)
    assert compare(models()["fal"], found).changed == ()


@pytest.mark.parametrize(
    ("provider", "fault", "model"), [("fal", "deprecated", "seedance-2.5"), ("wavespeed", "retired", "wan-3")]
)
async def test_what_is_taken_off_the_list_is_gone(sandbox: str, provider: str, fault: str, model: str) -> None:
    endpoint = models()[provider][model].endpoints["references"]
    say(sandbox, fault=fault, match={"gateway": provider, "endpoint": endpoint})
    assert (model, endpoint) in compare(models()[provider], await listed(sandbox, provider) or ()).gone


async def test_kie_keeps_no_list(sandbox: str) -> None:
    assert await listed(sandbox, "kie") is None


async def test_fals_list_is_read_to_its_last_page_and_prices_are_asked_for_videos_alone(fal) -> None:
    first = {"models": [{"endpoint_id": "a/text-to-video", "metadata": {"status": "active"}}], "has_more": True}
    voice = {"endpoint_id": "b/voice", "metadata": {"status": "active", "category": "text-to-speech"}}
    last = {"models": [voice, {"endpoint_id": "c", "metadata": {"status": "deprecated", "category": "image-to-video"}}]}
    prices = {"prices": [{"endpoint_id": "a/text-to-video", "unit_price": 0.1, "unit": "second", "currency": "USD"}]}
    adapter, seen = fal((200, first | {"next_cursor": "p2"}), (200, last | {"has_more": False}), (200, prices))
    found = {each.endpoint: each for each in await adapter.catalogue()}
    assert [request.url.params.get("cursor") for request in seen] == [None, "p2", None]
    assert seen[2].url.params["endpoint_id"] == "a/text-to-video,c"
    assert (found["a/text-to-video"].usd, found["b/voice"].usd, found["c"].active) == (0.1, None, False)
