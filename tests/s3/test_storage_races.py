"""Of many threads that create one object exactly one wins, on a double of S3."""

from collections.abc import Iterator

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from prefect_storyboard.ledger import Storage, open_storage
from tests.unit import races


@pytest.fixture
def moto() -> Iterator[Storage]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "k", "secret": "s", "endpoint_url": f"http://{host}:{port}", "skip_instance_cache": True}
    fsspec.filesystem("s3", **options).call_s3("create_bucket", Bucket="reels")
    yield open_storage("s3://reels/shelf", options)
    server.stop()


def test_threads_on_a_double_of_s3(moto: Storage) -> None:
    """No proof of S3: that is the real server's part, in tests/s3."""
    races.check(races.of_threads(moto, keys=15), moto)
