"""One studio for all tests here: a server on SQLite, one worker, a library on disk."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.browser import browser  # noqa: F401 - a fixture

from .studio_server import LIMIT, StudioServer, founded, working


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.engine)
            # Prefect never closes the client that it asks for the default result storage (results.py:117).
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning"))


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """Server, pool, deployments and worker, made as the README says; `said` is what the set-up printed, twice."""
    folder = tmp_path_factory.mktemp("studio")
    with (
        founded(folder, str(folder / "libraries" / "main"), {}) as made,
        working(made, "one", PREFECT_LOGGING_LEVEL="INFO"),
    ):
        with ThreadPoolExecutor() as both:
            deployed, again = both.submit(made.deploy), both.submit(made.setup)
        deployed.result()
        made.said.append(again.result())
        yield made


class Clock:
    """The gateway's own time, which a test may put forward: nobody sits a render out."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def limit(studio: StudioServer) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Let the account have that many jobs at once, until the end of the test."""

    async def to(jobs: int) -> None:
        async with get_client() as client:
            await client.update_global_concurrency_limit(LIMIT, GlobalConcurrencyLimitUpdate(limit=jobs))

    yield to
    await to(40)


@pytest.fixture(autouse=True)
def _served(studio: StudioServer) -> Iterator[None]:
    """This process talks to the studio's server too."""
    with temporary_settings({PREFECT_API_URL: studio.api}):
        yield
