"""SIGTERM cancels the flows of a process, lets them finish what they must, and is then Prefect's again."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
from prefect.exceptions import TerminationSignal
from prefect.utilities import engine

from prefect_storyboard.series.stop import stoppable


@pytest.fixture
def prefects() -> Iterator[object]:
    """Prefect's handler, as while a flow runs."""
    theirs, before = engine._prefect_sigterm_handler, signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, theirs)
    yield theirs
    assert signal.getsignal(signal.SIGTERM) is engine._prefect_sigterm_handler is theirs
    signal.signal(signal.SIGTERM, before)


async def ended(begun: asyncio.Barrier | None = None) -> str:
    """A flow that is stopped, and has to say something before it ends."""
    said = ""
    try:
        with stoppable():
            try:
                if begun:
                    await begun.wait()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                said = "recorded"
    except TerminationSignal:
        return said
    return "went on"


async def test_a_flow_that_is_stopped_records_first(prefects: object) -> None:
    begun = asyncio.Barrier(2)
    flow = asyncio.create_task(ended(begun))
    await begun.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await flow == "recorded"


async def test_all_flows_of_the_process_are_stopped_and_no_other_task(prefects: object) -> None:
    begun, stopped = asyncio.Barrier(4), asyncio.Event()
    other = asyncio.create_task(stopped.wait())
    flows = [asyncio.create_task(ended(begun)) for _ in range(3)]
    await begun.wait()
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.gather(*flows) == ["recorded"] * 3
    stopped.set()
    assert await other


async def test_a_signal_while_other_code_runs_is_raised_in_nobody(prefects: object) -> None:
    """Prefect's handler would raise in this task, which is no flow."""
    begun = asyncio.Barrier(2)
    flow = asyncio.create_task(ended(begun))
    await begun.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    busy = sum(number * number for number in range(10_000))
    assert busy > 0
    assert await flow == "recorded"


async def test_a_cancellation_is_no_signal(prefects: object) -> None:
    begun = asyncio.Event()

    async def flow() -> None:
        with stoppable():
            begun.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(flow())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_worker_may_still_announce_that_it_cancels(prefects: object) -> None:
    """Prefect acknowledges only where it finds its handler by its name."""
    with stoppable():
        assert signal.getsignal(signal.SIGTERM) is not prefects
        assert engine.can_ack_control_intent()


async def test_outside_of_prefects_engine_nothing_is_changed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stoppable():
        assert signal.getsignal(signal.SIGTERM) is before
    assert signal.getsignal(signal.SIGTERM) is before
