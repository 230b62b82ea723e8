"""The public tasks on the sandbox, composed as a stranger composes them: the meter says what was bought."""

import asyncio
import inspect
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from prefect import allow_failure, flow, unmapped
from prefect.cache_policies import INPUTS
from prefect.filesystems import LocalFileSystem
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner
from prefect.transactions import transaction

from prefect_storyboard import tasks
from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.providers.errors import GenerationFailed, InvalidRequest
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.storyboards import Casting, Clip, Reel
from prefect_storyboard.tasks import assemble, create_character, generate, poll, render, store
from tests.flows.gateways import Branch, media, opened

MODEL = "sora-2"


@pytest.fixture(scope="module")
def shop(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Branch]:
    """One sandbox and one library for all tests of this file: each asks for scenes of its own."""
    with opened("fal", MODEL, tmp_path_factory.mktemp("shop")) as branch:
        yield branch


@pytest.fixture
def bought(shop: Branch) -> Callable[[], int]:
    """How many jobs the gateway has accepted since the test began."""
    before = shop.meter()["jobs_accepted"]
    return lambda: shop.meter()["jobs_accepted"] - before


@pytest.fixture
def on(shop: Branch) -> dict[str, Any]:
    """The account and the library, as every task takes them."""
    return {"credentials": shop.credentials(), "library": Library(url=shop.library)}


@pytest.fixture
def prompt(request: pytest.FixtureRequest) -> str:
    """A scene that no other test asks for."""
    return f"The sea, as in {request.node.name}."


def mara(shop: Branch) -> str:
    return str(shop.clips / "mara.mp4")


async def names(*calls: Any) -> list[str]:
    return [str((await call).name) for call in calls]


# --- first run, second run


async def test_every_task_gives_its_plain_value_on_the_first_run_and_on_the_second(
    shop: Branch, on: dict[str, Any], bought: Callable[[], int]
) -> None:
    @flow
    async def teaser() -> Reel:
        who = await create_character("Mara", mara(shop), model=MODEL, **on)
        job = await generate("Mara opens the door.", model=MODEL, characters=[who], **on)
        result = await poll(job, **on)
        first = await store(job, result, **on)
        again = store.submit(job, **on).result()
        mapped = render.map(["A bell.", "A gull."], model=MODEL, characters=unmapped([who]), **on).result()
        reel = assemble.submit([first, *mapped], title="Teaser", library=on["library"]).result()
        kinds = [Casting, PaidJob, Result, Clip, Clip, Reel]
        assert [type(each) for each in (who, job, result, first, again, reel)] == kinds
        assert all(type(each) is Clip for each in mapped)
        return reel

    first = await teaser()
    assert (bought(), len(first.clips)) == (4, 3)
    second = await teaser()
    assert bought() == 4
    assert [clip.sha256 for clip in second.clips] == [clip.sha256 for clip in first.clips]


async def test_the_state_is_named_after_what_was_done(
    shop: Branch, on: dict[str, Any], prompt: str, bought: Callable[[], int]
) -> None:
    given: dict[str, Any] = {"model": MODEL, **on, "return_state": True}
    assert await names(generate(prompt, **given), generate(prompt, **given)) == ["Completed", "Reattached"]
    job = await generate(prompt, model=MODEL, **on)
    clip = await store(job, await poll(job, **on), **on)
    assert await names(generate(prompt, **given)) == ["Cached"]
    rest = {**on, "return_state": True}
    assert await names(poll(job, **rest), store(job, **rest), render(prompt, **given)) == ["Cached"] * 3
    reel = {"title": prompt, "library": on["library"], "return_state": True}
    assert await names(assemble([clip], **reel), assemble([clip], **reel)) == ["Completed", "Cached"]
    cast = {"clip": mara(shop), **given, "start": 0.25}
    assert (await names(create_character("Ines", **cast), create_character("Ines", **cast)))[1] == "Cached"
    assert bought() == 2


# --- what Prefect users do


async def test_options_that_users_set_buy_nothing_twice(
    on: dict[str, Any], prompt: str, bought: Callable[[], int], tmp_path: Path
) -> None:
    storage = LocalFileSystem(basepath=str(tmp_path))
    await storage.asave("node-options", overwrite=True)
    hasty = render.with_options(
        retries=5,
        retry_delay_seconds=0,
        timeout_seconds=20,
        cache_policy=INPUTS,
        persist_result=True,
        result_storage=storage,
        tags={"paid"},
        name="mine",
    )
    first = await hasty(prompt, model=MODEL, **on)
    assert await hasty(prompt, model=MODEL, **on) == first
    assert bought() == 1


@pytest.mark.parametrize(("retries", "ended"), [(5, "Reattached"), (0, "TimedOut")])
async def test_a_time_out_during_the_post_ends_with_the_job_where_retries_are_left(
    shop: Branch, on: dict[str, Any], prompt: str, bought: Callable[[], int], retries: int, ended: str
) -> None:
    """The POST takes longer than the task may: it is waited for and recorded, and the next attempt or run finds it."""
    await render("Warm-up of the pool.", model=MODEL, **on)
    before = bought()
    shop.fault("slow", match={"route": "submit", "prompt": prompt}, seconds=6)
    hasty = generate.with_options(retries=retries, retry_delay_seconds=0, timeout_seconds=3)
    state = await hasty(prompt, model=MODEL, **on, return_state=True)
    shop.behave()
    assert (state.name, bought() - before) == (ended, 1)
    job = await generate(prompt, model=MODEL, **on)
    assert (job.draft and job.draft.prompt, bought() - before) == (prompt, 1)


async def test_in_a_subflow_a_transaction_a_thread_and_outside_of_any_flow(
    on: dict[str, Any], prompt: str, bought: Callable[[], int]
) -> None:
    @flow
    async def inner() -> Clip:
        return await render(prompt, model=MODEL, **on)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    async def outer() -> list[Clip]:
        with transaction():
            first = await inner()
        failed = render.submit(prompt, model=MODEL, seconds=5, **on)
        failed.wait()
        waited = await render(prompt, model=MODEL, **on, wait_for=[allow_failure(failed)])
        return [first, waited]

    clips = [*await outer(), await render(prompt, model=MODEL, **on), await asyncio.to_thread(asyncio.run, inner())]
    assert len({clip.sha256 for clip in clips}) == 1
    assert bought() == 1


async def test_a_retried_flow_run_has_what_the_first_attempt_bought(
    on: dict[str, Any], prompt: str, bought: Callable[[], int]
) -> None:
    attempts: list[Clip] = []

    @flow(retries=1)
    async def unlucky() -> Clip:
        attempts.append(await render(prompt, model=MODEL, **on))
        if len(attempts) == 1:
            raise ValueError("bad luck")
        return attempts[-1]

    assert (await unlucky()).sha256 == attempts[0].sha256
    assert bought() == 1


async def test_cancelled_in_the_middle_the_job_is_on_record(
    on: dict[str, Any], prompt: str, bought: Callable[[], int], shop: Branch
) -> None:
    running = asyncio.create_task(render(prompt, model=MODEL, **on))
    while not bought() and not running.done():  # noqa: ASYNC110 - it is another process that accepts
        await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait([running])
    clip = await render(prompt, model=MODEL, **on)
    assert (clip.prompt, bought()) == (prompt, 1)


@pytest.mark.slow  # a process that imports Prefect
def test_in_another_process(on: dict[str, Any], prompt: str, bought: Callable[[], int]) -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def away() -> list[Clip]:
        return [render.submit(prompt, model=MODEL, **on).result() for _ in range(2)]

    first, second = away()
    assert first.sha256 == second.sha256
    assert bought() == 1


async def test_every_value_survives_a_pickle_and_no_link_does(shop: Branch, on: dict[str, Any], prompt: str) -> None:
    who = await create_character("Mara", mara(shop), model=MODEL, **on)
    job = await generate(prompt, model=MODEL, **on)
    result = await poll(job, **on)
    assert result.url
    clip = await store(job, result, **on)
    reel = await assemble([clip], title=prompt, library=on["library"])
    for value in (who, job, clip, reel):
        assert pickled(value) == cloudpickle.loads(cloudpickle.dumps(value)) == value
    copy = pickled(result)
    assert (copy.url, copy.files, copy.handle) == (None, {}, result.handle)
    assert result.url not in result.model_dump_json()
    for value in (who, job, clip, reel, result):
        assert b"sig=" not in pickle.dumps(value) + json.dumps(value.model_dump(mode="json")).encode()


def pickled(value: Any) -> Any:
    """The value behind a pickle."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


# --- settled jobs, small files


async def test_a_settled_job_asks_nobody(shop: Branch, on: dict[str, Any], prompt: str) -> None:
    job = await generate(prompt, model=MODEL, **on)
    clip = await store(job, **on)
    before = len(shop.requests())
    result = await poll(job, **on)
    assert (result.stored, await store(job, **on)) == (clip, clip)
    assert len(shop.requests()) == before
    assert set(clip.files) == {"thumbnail", "spritesheet"}
    assert all(Path(file).is_file() for file in clip.files.values())
    assert clip.facts["video_id"] == clip.handle


async def test_a_characters_profile_picture_is_kept(engine: None, tmp_path: Path) -> None:
    with opened("toapis", MODEL, tmp_path) as branch:
        on: dict[str, Any] = {"credentials": branch.credentials(), "library": branch.library}
        made = [await create_character("Mara", mara(branch), model=MODEL, aliases=["Mare"], **on) for _ in range(2)]
        assert made[0] == made[1]
        (picture,) = made[0].files.values()
        assert Path(picture).is_relative_to(Path(branch.library) / "characters" / "mara")
        assert Path(picture).read_bytes()[:2] == b"\xff\xd8"
        assert (made[0].aliases, made[0].facts["display_name"]) == (("Mare",), "Mara")
        assert branch.bought() == (1, 0)
        assert not branch.leaks()


# --- uploads that expire


@pytest.mark.parametrize("gateway", ["fal", "wavespeed"])
async def test_an_upload_that_the_gateway_cannot_fetch_is_uploaded_anew_once(
    engine: None, tmp_path: Path, gateway: str
) -> None:
    with opened(gateway, MODEL, tmp_path) as branch:
        on: dict[str, Any] = {"credentials": branch.credentials(), "library": branch.library}
        picture = branch.picture("dawn.png")
        branch.fault("file_download_error", match={"route": "submit"}, times=1)
        clip = await render("The sea.", model=MODEL, image=picture, **on)
        assert (branch.meter()["jobs_accepted"], len(links(branch))) == (2, 2)
        assert (await render("The sea.", model=MODEL, image=picture, **on)).sha256 == clip.sha256
        branch.fault("file_download_error", match={"route": "submit"})
        with pytest.raises((GenerationFailed, InvalidRequest)):
            await render("The storm.", model=MODEL, image=picture, **on)
        assert (branch.meter()["jobs_accepted"], len(links(branch))) == (4, 3)


def links(branch: Branch) -> set[str]:
    """The uploads that orders named."""
    return {link for body in branch.submitted() for link in media(body)}


# --- budgets


async def test_a_budget_bounds_one_job_or_all_of_a_reel(
    on: dict[str, Any], prompt: str, bought: Callable[[], int]
) -> None:
    given: dict[str, Any] = {"model": MODEL, "seconds": 4, **on}
    with pytest.raises(OverBudget):
        await generate(prompt, max_cost_usd=0.1, **given)
    assert bought() == 0
    await generate(prompt, max_cost_usd=0.5, **given)
    three = [generate(f"{prompt} {n}", max_cost_usd=0.9, reel=prompt, **given) for n in range(3)]
    ended = await asyncio.gather(*three, return_exceptions=True)
    assert sum(isinstance(each, OverBudget) for each in ended) >= 1
    assert bought() <= 3


def test_only_the_tasks_are_public() -> None:
    public = {name for name in vars(tasks) if not name.startswith("_") and not inspect.ismodule(vars(tasks)[name])}
    assert public == set(tasks.__all__)
