"""One Ceph for all tests that need a real server, and a folder of its bucket for each."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_storyboard.ledger import Storage, open_storage

from .ceph import BUCKET, Server, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and "ceph" in item.fixturenames:
            item.add_marker(pytest.mark.ceph)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def ceph() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def folder() -> str:
    """A folder of this test's own in the bucket, as a URL."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def storage(ceph: Server, folder: str) -> Storage:
    return open_storage(folder, ceph.options)
