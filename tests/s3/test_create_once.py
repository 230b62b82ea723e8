"""Exclusiveness on a real S3 server, with its dialect, its conflicts and lost replies."""

import errno

import pytest
import s3fs

from prefect_storyboard.ledger import Storage, open_storage, prove
from tests.cli import racers
from tests.unit import races

from .ceph import Server
from .proxy import losing

KEYS = 50


def test_of_eight_threads_one_wins_each_of_fifty_keys(storage: Storage) -> None:
    races.check(races.of_threads(storage, writers=8, keys=KEYS), storage)


def test_of_four_processes_one_wins_each_of_fifty_keys(ceph: Server, folder: str, storage: Storage) -> None:
    races.check(racers.of_processes(folder, ceph.options, writers=4, keys=KEYS), storage)


def test_who_lost_the_reply_is_told_that_it_is_theirs(ceph: Server, folder: str, storage: Storage) -> None:
    with losing(ceph.endpoint) as (endpoint, seen):
        behind = open_storage(folder, {**ceph.options, "endpoint_url": endpoint})
        assert behind.create_once(b"mine", "a.json") == b"mine"
    assert seen == [200, 412], "it was stored, and the client's own second try was refused"
    assert storage.read("a.json") == b"mine"


def test_who_lost_the_reply_after_another_one_won_is_told_so(ceph: Server, folder: str, storage: Storage) -> None:
    storage.create_once(b"theirs", "a.json")
    with losing(ceph.endpoint) as (endpoint, seen):
        behind = open_storage(folder, {**ceph.options, "endpoint_url": endpoint})
        assert behind.create_once(b"mine", "a.json") == b"theirs"
    assert seen == [412]


def test_the_server_is_proved(storage: Storage) -> None:
    prove(storage)
    prove(storage)


def test_the_refusal_of_this_server_is_not_a_file_exists_error(ceph: Server, storage: Storage) -> None:
    """Why `create_once` reads the code behind the error: Ceph sends no <Condition>, and s3fs says EINVAL."""
    fs = s3fs.S3FileSystem(**ceph.options)
    fs.pipe_file(storage.path("a.json"), b"first", mode="create")
    with pytest.raises(OSError) as refused:
        fs.pipe_file(storage.path("a.json"), b"second", mode="create")
    assert not isinstance(refused.value, FileExistsError)
    assert refused.value.errno == errno.EINVAL
    assert storage.create_once(b"third", "a.json") == b"first"
