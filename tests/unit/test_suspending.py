"""A series that waits without a worker is woken once its jobs have ended, whatever comes in between."""

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Running, Scheduled, Suspended

from prefect_storyboard.ledger import Ledger, Outcome, open_storage
from prefect_storyboard.series import suspend as suspending
from prefect_storyboard.series.suspend import Waiting, check_suspendable

from .fakes import KEY, OTHER, Gateway
from .purchases import buy

RUN = uuid4()


class Server:
    """Prefect's server, which knows one run; `resumed` counts how often it was let go on."""

    def __init__(self, state: Any) -> None:
        self.state, self.answer, self.resumed = state, "ACCEPT", 0

    @asynccontextmanager
    async def client(self) -> Any:
        yield self

    async def read_flow_run(self, run: UUID) -> Any:
        if self.state == "gone":
            raise ObjectNotFound(RuntimeError())
        return SimpleNamespace(state=self.state)

    async def resume_flow_run(self, run: UUID) -> Any:
        self.resumed += 1
        if self.answer == "ACCEPT":
            self.state = Scheduled()
        return SimpleNamespace(status=SimpleNamespace(value=self.answer))

    async def suspend_run(self, **options: Any) -> None:
        self.state = Suspended()

    async def suspend(self, ledger: Ledger, keys: tuple[str, ...]) -> None:
        await suspending.suspend(ledger, keys, run_id=str(RUN), suspend_run=self.suspend_run)

    async def wake(self, ledger: Ledger, **options: Any) -> list[str]:
        return await suspending.wake(ledger, client=self.client, **options)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(open_storage(str(tmp_path)))


@pytest.fixture
def server() -> Server:
    return Server(Running())


def end(ledger: Ledger, *keys: str) -> None:
    for key in keys:
        ledger.close(key, 1, Outcome(kind="failed", at=datetime.now(UTC)))


def notes(ledger: Ledger) -> list[str]:
    return ledger.storage.names("ledger", "waiting")


@pytest.fixture
async def two_jobs(ledger: Ledger) -> Ledger:
    gateway = Gateway()
    for key in (KEY, OTHER):
        await buy(gateway, ledger, key)
    return ledger


async def test_a_run_is_resumed_when_all_of_its_jobs_have_ended(two_jobs: Ledger, server: Server) -> None:
    await server.suspend(two_jobs, (KEY, OTHER))
    assert server.state.is_paused()
    assert await server.wake(two_jobs) == []
    end(two_jobs, KEY)
    assert await server.wake(two_jobs) == []
    end(two_jobs, OTHER)
    assert await server.wake(two_jobs) == [str(RUN)]
    assert await server.wake(two_jobs) == []
    assert server.resumed == 1


async def test_a_note_with_a_field_of_a_newer_version_wakes_its_run(two_jobs: Ledger, server: Server) -> None:
    await server.suspend(two_jobs, (KEY, OTHER))
    end(two_jobs, KEY, OTHER)
    place = ("ledger", "waiting", f"{RUN}.json")
    note = json.loads(two_jobs.storage.read(*place) or b"")
    two_jobs.storage.write(json.dumps({**note, "mood": "good"}).encode(), *place)
    assert await server.wake(two_jobs) == [str(RUN)]


async def test_jobs_that_have_ended_by_then_are_not_waited_for(two_jobs: Ledger, server: Server) -> None:
    end(two_jobs, KEY, OTHER)
    await server.suspend(two_jobs, (KEY, OTHER))
    assert server.state.is_running()
    assert notes(two_jobs) == []


async def test_a_job_that_ends_between_the_note_and_the_suspension_is_not_missed(
    two_jobs: Ledger, server: Server
) -> None:
    woken = []

    async def late(**options: Any) -> None:
        end(two_jobs, KEY, OTHER)
        woken.append(
            await server.wake(two_jobs)
        )  # whoever collects comes at the worst moment: the run is still running
        await server.suspend_run()

    await suspending.suspend(two_jobs, (KEY, OTHER), run_id=str(RUN), suspend_run=late)
    assert woken == [[]]
    assert await server.wake(two_jobs) == [str(RUN)]


async def test_the_next_note_of_a_run_that_was_just_resumed_is_not_removed(two_jobs: Ledger, server: Server) -> None:
    """A quick worker may have the run suspended again before whoever woke it has finished."""
    end(two_jobs, KEY)

    class Quick(Server):
        async def resume_flow_run(self, run: UUID) -> Any:
            answer = await super().resume_flow_run(run)
            await server.suspend(two_jobs, (OTHER,))
            return answer

    note = Waiting(keys=(KEY,)).model_dump_json().encode()
    two_jobs.storage.write(note, "ledger", "waiting", f"{RUN}.json")
    assert await suspending.wake(two_jobs, client=Quick(Suspended()).client) == [str(RUN)]
    server.state = Suspended()
    end(two_jobs, OTHER)
    assert await server.wake(two_jobs) == [str(RUN)]


@pytest.mark.parametrize("state", [Completed(), Cancelled()], ids=["completed", "cancelled"])
async def test_the_note_of_a_run_that_is_over_is_removed_and_nobody_is_said_to_be_resumed(
    two_jobs: Ledger, server: Server, state: Any
) -> None:
    await server.suspend(two_jobs, (KEY,))
    end(two_jobs, KEY)
    server.state = state
    assert await server.wake(two_jobs) == []
    assert (notes(two_jobs), server.resumed) == ([], 0)


@pytest.mark.parametrize(
    "state", [Running(), Scheduled(), None, "gone"], ids=["running", "scheduled", "none", "of another server"]
)
async def test_a_run_that_is_not_suspended_is_asked_again(two_jobs: Ledger, server: Server, state: Any) -> None:
    await server.suspend(two_jobs, (KEY,))
    end(two_jobs, KEY)
    server.state = state
    assert await server.wake(two_jobs) == []
    assert notes(two_jobs) == [f"{RUN}.json"]


async def test_a_run_that_the_server_does_not_resume_is_asked_again(two_jobs: Ledger, server: Server) -> None:
    await server.suspend(two_jobs, (KEY,))
    end(two_jobs, KEY)
    server.answer = "REJECT"
    assert await server.wake(two_jobs) == []
    server.answer = "ACCEPT"
    assert await server.wake(two_jobs) == [str(RUN)]


async def test_for_a_job_that_is_stuck_nobody_waits(two_jobs: Ledger, server: Server) -> None:
    await server.suspend(two_jobs, (KEY, OTHER))
    end(two_jobs, KEY)
    assert await server.wake(two_jobs) == []
    assert await server.wake(two_jobs, stuck={OTHER}) == [str(RUN)]


async def test_a_note_that_is_torn_stops_nobody_else(two_jobs: Ledger, server: Server) -> None:
    two_jobs.storage.write(b"{", "ledger", "waiting", "0.json")
    await server.suspend(two_jobs, (KEY,))
    end(two_jobs, KEY)
    assert await server.wake(two_jobs) == [str(RUN)]


async def test_a_job_that_nobody_has_bought_has_not_ended(ledger: Ledger, server: Server) -> None:
    await server.suspend(ledger, (KEY,))
    assert await server.wake(ledger) == []
    assert server.state.is_paused()


def test_only_a_deployment_can_be_started_again() -> None:
    with pytest.raises(ValueError, match=r'^wait="suspend" needs a deployment'):
        check_suspendable(None)
    check_suspendable(str(uuid4()))
