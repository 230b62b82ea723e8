"""Flows as a user writes them, with no cast and no ignore. Checked by tests/cli/test_typing.py, never run."""

import asyncio
from typing import Any, assert_type

from prefect import flow, unmapped
from prefect.cache_policies import INPUTS
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from prefect_storyboard import sync
from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.storyboards import Clip, Reel
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._twin import sync_twin


@node(name="shoot", task_run_name="shoot {prompt}", retries=2, cache_policy=INPUTS)
async def shoot(prompt: str, *, seconds: int = 4, credentials: FalCredentials | None = None) -> Clip | None:
    """A node of a third party."""
    if credentials is None:
        name_state("Cached", f"{prompt} {seconds}")
    return None


@node(name="length")
async def length(clips: list[Clip | None]) -> int:
    """Another one."""
    return len(clips)


plain_shoot, plain_length = sync_twin(shoot), sync_twin(length)


@flow
async def composed(prompts: list[str], credentials: FalCredentials) -> int:
    """Every way to call a node."""
    first = await shoot("The sea.", seconds=8, credentials=credentials)
    _ = assert_type(first, Clip | None)
    rest = await asyncio.gather(*(shoot(prompt, credentials=credentials) for prompt in prompts))
    _ = assert_type(rest, list[Clip | None])
    state = await shoot("The sea.", return_state=True)
    _ = assert_type(state, State[Clip | None])
    future = shoot.submit("The sea.", credentials=credentials)
    _ = assert_type(future, PrefectFuture[Clip | None])
    _ = assert_type(future.result(), Clip | None)
    _ = assert_type(shoot.submit("The sea.", wait_for=[future]).result(), Clip | None)
    _ = assert_type(shoot.submit("The sea.", return_state=True), State[Clip | None])
    mapped = shoot.map(prompts, credentials=unmapped(credentials), seconds=[4] * len(prompts)).result()
    _ = assert_type(mapped, list[Clip | None])
    mine = shoot.with_options(
        name="mine", tags={"paid"}, retries=5, timeout_seconds=0.1, cache_policy=INPUTS, persist_result=True
    )
    _ = assert_type(await mine("The sea."), Clip | None)
    _ = assert_type(await shoot("The sea.", wait_for=[future]), Clip | None)
    return await length([first, *rest, *mapped])


def threads() -> TaskRunner[Any]:
    """Prefect's own types refuse a ThreadPoolTaskRunner to pyright in any other way."""
    return ThreadPoolTaskRunner(max_workers=4)


@flow(task_runner=threads())
def plain(prompts: list[str], credentials: FalCredentials) -> int:
    """Every way to call a plain twin."""
    first = plain_shoot("The sea.", seconds=8, credentials=credentials)
    _ = assert_type(first, Clip | None)
    _ = assert_type(plain_shoot("The sea.", return_state=True), State[Clip | None])
    future = plain_shoot.submit("The sea.")
    _ = assert_type(future.result(), Clip | None)
    mapped = plain_shoot.map(prompts, credentials=unmapped(credentials)).result()
    _ = assert_type(mapped, list[Clip | None])
    _ = assert_type(plain_shoot.with_options(retries=5)("The sea.", wait_for=[future]), Clip | None)
    return plain_length([first, *mapped])


def script(board: str) -> Reel:
    """A flow of ours without await."""
    reel = sync.storyboard_series(board, "fal-credentials/production", max_cost_usd=5)
    _ = assert_type(reel, Reel)
    return reel
