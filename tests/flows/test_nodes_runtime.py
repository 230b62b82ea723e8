"""Nodes under what Prefect users do to tasks. A toy gateway counts its POSTs, and a toy ledger stands in front of it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prefect import allow_failure, flow, get_run_logger, task, unmapped
from prefect.cache_policies import INPUTS
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.filesystems import LocalFileSystem
from prefect.runtime import task_run
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.task_worker import TaskWorker
from prefect.transactions import transaction

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.jobs.paid import uninterrupted
from prefect_storyboard.providers.errors import Busy, GenerationFailed
from prefect_storyboard.storyboards import Frozen
from prefect_storyboard.tasks._loop import on_loop
from prefect_storyboard.tasks._node import Node, name_state, node
from prefect_storyboard.tasks._retries import RetryAfter, retry_safely
from prefect_storyboard.tasks._twin import sync_twin

pytestmark = pytest.mark.usefixtures("engine")


class Bought(Frozen):
    """What a toy job gives."""

    key: str
    number: int


@dataclass
class Gateway:
    """Counts what it is sent, on which loop, and how many POSTs were under way at once."""

    posts: list[str] = field(default_factory=list)
    ledger: dict[str, Bought] = field(default_factory=dict)
    loops: set[int] = field(default_factory=set)
    seconds: float = 0.0
    under_way: int = 0
    most: int = 0
    refusals: list[Exception] = field(default_factory=list)
    awaited: int = 1  # POSTs until it has begun
    begun: threading.Event = field(default_factory=threading.Event)

    async def post(self, key: str) -> None:
        self.posts.append(key)
        self.loops.add(id(asyncio.get_running_loop()))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if len(self.posts) >= self.awaited:
            self.begun.set()
        if self.refusals:
            self.under_way -= 1
            raise self.refusals.pop(0)
        await asyncio.sleep(self.seconds)
        self.under_way -= 1
        self.ledger[key] = Bought(key=key, number=len(self.posts))


gateway = Gateway()
NAMES: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    vars(gateway).update(vars(Gateway()))
    NAMES.clear()
    yield
    assert gateway.under_way == 0, "somebody left a POST behind"


@node(
    name="buy",
    task_run_name="buy {key}",
    retries=2,
    retry_delay_seconds=RetryAfter([0.0]),
    retry_condition_fn=retry_safely,
)
async def buy(key: str, *, credentials: FalCredentials | None = None) -> Bought:
    """Buy it once."""
    NAMES.append(str(task_run.name))
    if task_run.id:
        get_run_logger().debug("buying")  # the run's logger travels along; there is none outside of a run
    if key in gateway.ledger:
        name_state("Reattached", f"{key} was paid for before")
        return gateway.ledger[key]
    await uninterrupted(gateway.post(key))
    return gateway.ledger[key]


@node(name="other", retry_condition_fn=retry_safely)
async def other(key: str, *, credentials: FalCredentials | None = None) -> str:
    """The same arguments as `buy`, another value."""
    return f"other {key}"


@node(name="both")
async def both(key: str) -> list[Bought]:
    """A node that calls nodes."""
    return list(await asyncio.gather(buy(f"{key}-1"), buy(f"{key}-2")))


plain_buy, plain_both = sync_twin(buy), sync_twin(both)


async def state_of(call: Coroutine[Any, Any, State[Any]]) -> tuple[str, object]:
    state = await call
    return state.name or "", await state.aresult()


# --- values and names


async def test_every_way_to_call_a_node_gives_the_plain_value_on_the_first_run_and_on_the_second() -> None:
    @flow
    async def everything() -> list[Any]:
        first = await buy("a")
        gathered = await asyncio.gather(buy("a"), buy("a", wait_for=[first]))
        submitted = buy.submit("a").result()
        mapped = buy.map(["a", "a"]).result()
        failing = buy.submit("a", wait_for=[allow_failure(buy.submit("a"))]).result()
        return [first, *gathered, submitted, *mapped, failing]

    for _ in range(2):
        assert set(await everything()) == {Bought(key="a", number=1)}
    assert gateway.posts == ["a"]


def test_every_way_to_call_a_plain_twin_gives_the_plain_value_on_the_first_run_and_on_the_second() -> None:
    @flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
    def everything() -> list[Any]:
        first = plain_buy("a")
        submitted = plain_buy.submit("a", wait_for=[first]).result()
        return [first, submitted, *plain_buy.map(["a", "a"], credentials=unmapped(None)).result()]

    for _ in range(2):
        assert set(everything()) == {Bought(key="a", number=1)}
    assert gateway.posts == ["a"]


async def test_the_state_has_the_name_and_the_value() -> None:
    @flow
    async def states() -> list[tuple[str, object]]:
        return [await state_of(buy("a", return_state=True)) for _ in range(2)]

    value = Bought(key="a", number=1)
    assert await states() == [("Completed", value), ("Reattached", value)]


def test_the_state_of_a_plain_twin_has_the_name_and_the_value() -> None:
    @flow
    def states() -> list[tuple[str | None, Bought]]:
        both = [plain_buy("a", return_state=True), plain_buy.submit("a", return_state=True)]
        return [(state.name, state.result()) for state in both]

    value = Bought(key="a", number=1)
    assert states() == [("Completed", value), ("Reattached", value)]


async def test_outside_of_any_flow_a_node_gives_the_value() -> None:
    assert await buy("a") == await buy("a") == Bought(key="a", number=1)
    assert await asyncio.to_thread(plain_buy, "a") == Bought(key="a", number=1)


async def test_the_body_alone_gives_the_value_and_no_state() -> None:
    gateway.ledger["a"] = Bought(key="a", number=7)
    assert await buy.fn("a") == Bought(key="a", number=7)


async def test_a_state_and_a_future_are_arguments_like_their_values() -> None:
    @node(name="key")
    async def key_of(bought: Bought) -> str:
        return bought.key

    @flow
    async def chained() -> list[str]:
        await buy("a")
        state, future = await buy("a", return_state=True), buy.submit("a")
        again: Any = key_of
        return [await again(state), again.submit(future).result(), await again(allow_failure(future))]

    assert await chained() == ["a", "a", "a"]


async def test_runs_are_named_on_the_loop_as_anywhere() -> None:
    await buy("a")
    assert NAMES == ["buy a"]


# --- one loop


async def test_all_calls_run_on_one_loop_however_they_are_made() -> None:
    @flow
    async def everything() -> None:
        await asyncio.gather(buy("a"), both("b"))
        buy.map(["c", "d"]).result()
        buy.submit("e").result()
        await asyncio.to_thread(plain_buy, "f")

    await everything()
    with ThreadPoolExecutor() as threads:
        assert [each.key for each in threads.map(plain_buy, ["g", "h"])] == ["g", "h"]
    assert (len(gateway.posts), len(gateway.loops)) == (9, 1)


async def test_a_plain_twin_called_on_that_loop_says_so_and_sends_nothing() -> None:
    async def work() -> None:
        plain_buy.fn("a")

    with pytest.raises(RuntimeError, match="nothing was sent"):
        await on_loop(work)
    assert not gateway.posts


# --- options


async def test_options_keep_the_class_the_value_and_the_name_of_the_state() -> None:
    mine = buy.with_options(name="mine", tags={"paid"}, retries=5, version="2").with_options(persist_result=True)
    assert isinstance(mine, Node)
    assert (mine.name, mine.tags, mine.retries, mine.version, mine.retry_condition_fn) == (
        "mine", {"paid"}, 5, "2", retry_safely,
    )  # fmt: skip
    assert [await state_of(mine("a", return_state=True)) for _ in range(2)] == [
        ("Completed", Bought(key="a", number=1)),
        ("Reattached", Bought(key="a", number=1)),
    ]
    assert await mine("a") == Bought(key="a", number=1)


@pytest.mark.parametrize("way", ["await", "submit", "plain", "plain submit"])
async def test_a_time_out_with_retries_left_sends_one_post_and_ends_with_the_job(way: str) -> None:
    gateway.seconds = 0.6
    options: Any = {"timeout_seconds": 0.3, "retries": 5, "retry_delay_seconds": 0}
    hasty, plain = buy.with_options(**options), plain_buy.with_options(**options)

    @flow
    async def run() -> Bought:
        return await hasty("a") if way == "await" else hasty.submit("a").result()

    @flow
    def plain_run() -> Bought:
        return plain("a") if way == "plain" else plain.submit("a").result()

    assert (await asyncio.to_thread(plain_run) if "plain" in way else await run()) == Bought(key="a", number=1)
    assert (gateway.posts, gateway.most) == (["a"], 1)


async def test_a_time_out_without_retries_ends_timed_out_and_the_next_run_has_the_job() -> None:
    gateway.seconds = 0.6
    hasty = buy.with_options(timeout_seconds=0.3, retries=0)
    state = await hasty("a", return_state=True)
    assert (state.name, gateway.posts) == ("TimedOut", ["a"])
    assert await buy("a") == Bought(key="a", number=1)
    assert gateway.posts == ["a"]


async def test_in_a_task_worker_a_node_buys_once_and_gives_the_plain_value(tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=str(tmp_path))
    await storage.asave("worker", overwrite=True)
    kept = buy.with_options(persist_result=True, result_storage=storage)
    futures = [kept.delay("a"), kept.delay("a")]
    worker = TaskWorker(kept)
    async with worker, get_client() as client:
        for future in futures:
            await worker.execute_task_run(await client.read_task_run(future.task_run_id))
    assert [await future.result_async(timeout=60) for future in futures] == [Bought(key="a", number=1)] * 2
    assert gateway.posts == ["a"]


async def test_tasks_with_equal_arguments_share_no_cached_result(tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=str(tmp_path))
    await storage.asave("nodes", overwrite=True)
    options: Any = {"cache_policy": INPUTS, "persist_result": True, "result_storage": storage}
    mine, yours = buy.with_options(**options), other.with_options(**options)
    assert [await mine("a"), await yours("a")] == [Bought(key="a", number=1), "other a"]
    assert await state_of(mine("a", return_state=True)) == ("Cached", Bought(key="a", number=1))
    assert await state_of(yours("a", return_state=True)) == ("Cached", "other a")


async def test_two_accounts_share_no_cached_result_and_a_new_key_of_one_does(tmp_path: Path) -> None:
    storage = LocalFileSystem(basepath=str(tmp_path))
    await storage.asave("accounts", overwrite=True)
    mine = other.with_options(cache_policy=INPUTS, result_storage=storage)
    one, two = (FalCredentials(api_key="id:secret-of-both", account=name) for name in ("one", "two"))
    rotated = one.model_copy(update={"api_key": FalCredentials(api_key="id:new").api_key, "in_flight": 3})
    names = [(await mine("a", credentials=each, return_state=True)).name for each in (one, two, rotated)]
    assert names == ["Completed", "Completed", "Cached"]


async def test_a_wrong_argument_makes_no_noise_about_the_name(caplog: pytest.LogCaptureFixture) -> None:
    @node(name="wrong", task_run_name="wrong {key.nothing.here}")
    async def wrong(key: object) -> str:
        return f"{task_run.name}: {key}"

    assert await wrong(3) == "wrong: 3"
    assert "Traceback" not in caplog.text


# --- retries


async def test_only_what_bought_nothing_is_retried() -> None:
    gateway.refusals = [Busy("later"), Busy("later")]
    assert (await buy("a")).number == 3
    gateway.refusals = [GenerationFailed("gone", charged=True)]
    with pytest.raises(GenerationFailed):
        await buy("b")
    assert gateway.posts == ["a", "a", "a", "b"]


async def test_the_providers_retry_after_is_the_delay_of_its_own_task() -> None:
    waits: dict[str, float] = {}

    class Recorded(RetryAfter):
        def __getitem__(self, index: Any) -> Any:
            waits[str(task_run.name)] = super().__getitem__(index)
            return 0.0

    asked = {"patient": 30.0, "quick": 0.2, "silent": None}

    @node(name="ask", task_run_name="{key}", retries=1, retry_delay_seconds=Recorded([1.0]))
    async def ask(key: str) -> str:
        if key in waits:
            return key
        raise Busy("later", retry_after=asked[key])

    assert await asyncio.gather(*map(ask, asked)) == list(asked)
    assert waits == {"patient": 30.0, "quick": 1.0, "silent": 1.0}


# --- where it runs


async def test_in_a_subflow_and_in_a_transaction() -> None:
    @flow
    async def inner() -> Bought:
        return await buy("a")

    @flow
    async def outer() -> list[Bought]:
        first = await inner()
        with transaction():
            return [first, await buy("a"), await inner()]

    assert set(await outer()) == {Bought(key="a", number=1)}
    assert gateway.posts == ["a"]


async def test_in_a_transaction_that_rolls_back_the_job_stays_bought() -> None:
    @flow
    async def rolled_back() -> None:
        with transaction():
            await buy("a")
            raise ValueError("after the purchase")

    with pytest.raises(ValueError, match="after the purchase"):
        await rolled_back()
    assert await buy("a") == Bought(key="a", number=1)
    assert gateway.posts == ["a"]


async def test_from_a_task_of_ones_own() -> None:
    @task
    async def mine(key: str) -> Bought:
        return await buy(key)

    @task
    def my_plain(key: str) -> Bought:
        return plain_buy(key)

    @flow
    async def run() -> list[Bought]:
        return [await mine("a"), *my_plain.map(["a", "a"]).result()]

    assert set(await run()) == {Bought(key="a", number=1)}


async def test_a_retried_flow_run_has_the_job() -> None:
    attempts: list[int] = []

    @flow(retries=1)
    async def unlucky() -> Bought:
        bought = await buy("a")
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("bad luck")
        return bought

    assert await unlucky() == Bought(key="a", number=1)
    assert gateway.posts == ["a"]


async def test_a_failure_reaches_who_waits_for_it_and_allow_failure_lets_it_through() -> None:
    @flow
    async def run() -> str:
        gateway.refusals = [GenerationFailed("gone", charged=True)]
        failed = buy.submit("a")
        failed.wait()
        return await other("b", wait_for=[allow_failure(failed)])

    assert await run() == "other b"


# --- cancelled


@pytest.mark.parametrize("times", [1, 3])
async def test_cancelled_in_the_middle_what_was_sent_is_recorded_before_the_caller_goes_on(times: int) -> None:
    gateway.seconds = 0.3
    running = asyncio.create_task(buy("a"))
    await asyncio.to_thread(gateway.begun.wait)
    for _ in range(times):
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gateway.ledger == {"a": Bought(key="a", number=1)}
    assert await buy("a") == Bought(key="a", number=1)


async def test_a_sibling_that_fails_cancels_nothing_that_was_sent() -> None:
    gateway.seconds = 0.3

    @node(name="fails")
    async def fails() -> None:
        await asyncio.to_thread(gateway.begun.wait)
        raise ValueError("no")

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(buy("a"))
            group.create_task(fails())

    with pytest.raises(ExceptionGroup):
        await together()
    assert "a" in gateway.ledger


async def test_a_node_inside_a_cancelled_node_records_too() -> None:
    gateway.seconds, gateway.awaited = 2.0, 2
    running = asyncio.create_task(both("a"))
    await asyncio.to_thread(gateway.begun.wait)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert set(gateway.ledger) == {"a-1", "a-2"}


@pytest.mark.parametrize("plain", [False, True])
async def test_a_flow_that_ends_before_its_futures_leaves_nothing_unrecorded(plain: bool) -> None:  # noqa: FBT001
    gateway.seconds = 0.3
    submit: Callable[[str], Any] = plain_buy.submit if plain else buy.submit

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def careless() -> str:
        submit("a")
        gateway.begun.wait()
        return "done"

    assert await asyncio.to_thread(careless) == "done"
    assert gateway.ledger == {"a": Bought(key="a", number=1)}


# --- what the server holds


async def test_the_ui_shows_the_name() -> None:
    await buy("a")
    state = await buy("a", return_state=True)
    run_id = state.state_details.task_run_id
    assert run_id
    async with get_client() as client:
        for _ in range(1200):
            try:
                run = await client.read_task_run(run_id)
            except Exception:  # noqa: BLE001 - the recorder is behind
                run = None
            if run and run.state and run.state.is_final():
                break
            await asyncio.sleep(0.1)
    assert run
    assert run.state
    assert (run.state.name, run.state.message) == ("Reattached", "a was paid for before")
