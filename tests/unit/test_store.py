"""A finished scene comes home whole and with its papers, or its job stays open."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.states import Failed

from prefect_storyboard.blocks import Library
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import store

from .fakes import OTHER
from .stores import TAKE, Studio, film


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Library(url=str(tmp_path / "library")))


async def test_a_take_and_its_sidecar_are_published_and_the_job_is_closed(studio: Studio) -> None:
    clip = await studio.store(await studio.buy())
    assert studio.files() == TAKE
    assert studio.storage.read(*studio.storage.parts(clip.url)) == film()
    assert (clip.take, clip.bytes, clip.seconds, clip.width, clip.height) == (1, len(film()), 1.0, 320, 180)
    outcome = studio.outcome()
    assert outcome
    assert (outcome.kind, outcome.clip, outcome.cost_usd, outcome.charged) == ("done", clip, 0.4, True)


async def test_the_sidecar_is_complete_and_holds_no_signed_link(studio: Studio) -> None:
    clip = await studio.store(await studio.buy())
    body = studio.storage.read(*studio.storage.parts(clip.url)[:-1], "take-001.json")
    assert body
    assert Clip.model_validate_json(body) == clip
    facts = json.loads(body)
    assert [name for name, value in facts.items() if value in (None, "", [])] == []
    assert (facts["handle"], facts["parent_key"], facts["request_id"]) == ("video_1", OTHER, "r1")
    assert (facts["silent"], facts["seed"], facts["negative"]) == (True, 7, "rain")
    assert b"s3cr3t" not in body


async def test_a_video_that_its_provider_deletes_has_no_id_that_a_remix_could_name(studio: Studio) -> None:
    assert (await studio.store(await studio.buy(), remixable=False)).handle is None


async def test_no_key_goes_along_with_a_download(studio: Studio) -> None:
    await studio.store(await studio.buy())
    (request,) = studio.requests
    assert not {"authorization", "cookie", "x-api-key"} & set(request.headers)


async def test_what_is_stored_is_left_alone(studio: Studio) -> None:
    first = await studio.store(await studio.buy())
    again = await studio.store(await studio.buy(), None)
    assert again == first
    assert len(studio.requests) == 1


async def test_takes_of_one_scene_stay_side_by_side(studio: Studio) -> None:
    await studio.store(await studio.buy())
    second = await studio.store(await studio.buy(OTHER))
    assert second.take == 2
    assert [name for name in studio.files() if name.endswith("mp4")] == [TAKE[1], TAKE[1].replace("001", "002")]


@pytest.mark.parametrize("dead", [401, 403, 404, 410])
async def test_a_dead_link_is_replaced_by_a_fresh_one(studio: Studio, dead: int) -> None:
    bought = await studio.buy()
    studio.served = [dead]
    studio.gateway.results.append(Result(url="https://cdn.example/fresh.mp4"))
    await studio.store(bought)
    assert [request.url.path for request in studio.requests] == ["/r1.mp4", "/fresh.mp4"]
    assert studio.files() == TAKE


async def test_a_link_that_stays_dead_is_expired_and_the_job_stays_open(studio: Studio) -> None:
    bought = await studio.buy()
    studio.served = [403, 403]
    with pytest.raises(errors.Expired, match="dead"):
        await studio.store(bought)
    assert studio.outcome() is None
    assert studio.files() == []


def broken() -> list[Any]:
    return [film()[: len(film()) // 2], b"<html>please wait</html>", b"", 503, httpx.ReadError("reset")]


@pytest.mark.parametrize("number", range(5))
async def test_what_is_no_whole_video_is_not_stored(studio: Studio, number: int) -> None:
    bought = await studio.buy()
    studio.served = [broken()[number]]
    with pytest.raises(errors.Busy) as broke:
        await studio.store(bought)
    assert broke.value.charged
    assert "paid for and nothing is lost" in broke.value.remedy
    assert studio.files() == []
    assert studio.outcome() is None


async def test_a_job_that_ended_without_a_video_says_so(studio: Studio) -> None:
    bought = await studio.buy()
    studio.gateway.results.append(Result(character_id="char_1"))
    with pytest.raises(errors.ProtocolError, match="without a video") as odd:
        await studio.store(bought, None)
    assert odd.value.request_id == "r1"


async def test_a_task_that_prefect_runs_again_asks_for_a_fresh_link(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought = await studio.buy()
    monkeypatch.setenv("PREFECT__RUNTIME__TASK_RUN__RUN_COUNT", "2")
    studio.gateway.results.append(Result(url="https://cdn.example/fresh.mp4"))
    await studio.store(bought)
    assert [request.url.path for request in studio.requests] == ["/fresh.mp4"]


@pytest.mark.parametrize(("error", "again"), [(errors.Busy, True), (errors.NotSent, True), (errors.Expired, False)])
def test_prefect_runs_it_again_where_that_can_help(error: type[errors.ProviderError], *, again: bool) -> None:
    assert store.retries == 4
    assert store.retry_condition_fn
    assert store.retry_condition_fn(store, None, Failed(data=error("no"))) is again
