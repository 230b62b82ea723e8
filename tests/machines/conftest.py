"""A studio with two machines: a server on PostgreSQL, a library in Ceph's bucket, a worker on each machine.

The machines have names, homes and folders of their own, and know of each other only what is in the bucket and on the
server: the ledger takes a process of the other one for alive until its lease is over.
"""

import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_storyboard.blocks import Library
from tests.deployments.studio_server import LIMIT, Process, StudioServer, founded, wait_for, working
from tests.machines.postgres import postgres
from tests.s3.ceph import BUCKET, Server, serving

_SERVER = {"PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1"}  # how often it looks for leases that are over


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.ceph)
            # Prefect never closes the client that it asks for the default result storage (results.py:117).
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning"))


@dataclass
class Machines:
    """A studio's two machines; each runs two flows at most, so that four flows are for both."""

    studio: StudioServer
    stack: ExitStack
    workers: dict[str, Process] = field(default_factory=dict)

    def boot(self, name: str) -> None:
        """Start a worker on a machine of that name, with a home of its own."""
        named = ("unshare", "--uts", "sh", "-c", f'hostname {name} && exec "$@"', name)
        home = self.studio.folder / f"home-{name}"
        env = {"PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "profiles.toml")}
        worker = working(self.studio, name, "--limit", "2", on=named, **env)
        self.workers[name] = self.stack.enter_context(worker)

    def cut(self, name: str, run: UUID) -> None:
        """The power fails: worker and flow are gone in the same moment, and nobody tells the server."""
        os.killpg(self.workers[name].pid, signal.SIGKILL)
        for process in self.studio.processes(run):
            os.kill(process, signal.SIGKILL)
        self.workers[name].wait()
        wait_for(lambda: not self.studio.processes(run), 30, f"the end of {run}")


@pytest.fixture(scope="session")
def ceph() -> Iterator[Server]:
    if os.geteuid() != 0:
        pytest.skip("two machines with names of their own need root")
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, ceph: Server) -> Iterator[StudioServer]:
    with postgres() as url:
        server = {**_SERVER, "PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        with founded(tmp_path_factory.mktemp("machines"), f"s3://{BUCKET}/main", server) as made:
            yield made


@pytest.fixture(autouse=True)
def _served(studio: StudioServer) -> Iterator[None]:
    """This process talks to the studio's server too."""
    with temporary_settings({PREFECT_API_URL: studio.api}):
        yield


@pytest.fixture(scope="session")
def machines(studio: StudioServer) -> Iterator[Machines]:
    with ExitStack() as stack:
        both = Machines(studio, stack)
        both.boot("north")
        both.boot("south")
        studio.deploy()
        yield both


@pytest.fixture
async def library(ceph: Server) -> Library:
    """The library of the deployments, in a folder of this test's own."""
    shelf = Library(url=f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}", storage_options=ceph.options)
    await shelf.asave("main", overwrite=True)
    return shelf


@pytest.fixture
async def three_at_once(studio: StudioServer) -> AsyncIterator[None]:
    """The account may have three jobs at once, until the end of the test."""
    async with get_client() as client:
        await client.update_global_concurrency_limit(LIMIT, GlobalConcurrencyLimitUpdate(limit=3))
        yield
        await client.update_global_concurrency_limit(LIMIT, GlobalConcurrencyLimitUpdate(limit=40))
