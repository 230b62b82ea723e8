"""A store that is silent is given up, whatever its client goes on trying."""

from threading import Event

import pytest

from prefect_storyboard.media.patience import in_thread


def test_what_is_read_in_the_thread_arrives_in_order():
    with in_thread(lambda: iter([b"a", b"b", b"c", b"d"]), patience=60) as blocks:
        assert list(blocks) == [b"a", b"b", b"c", b"d"]


def test_a_silent_store_is_given_up_while_its_client_still_waits():
    released = Event()

    def silent():
        yield b"a"
        released.wait(60)

    with in_thread(silent, patience=0.01) as blocks:
        assert next(blocks) == b"a"
        with pytest.raises(OSError, match=r"its bucket sent nothing for 0.01 s; try again later"):
            next(blocks)
    assert not released.is_set()
    released.set()


def test_what_the_store_raises_is_raised_where_it_is_read():
    def refusing():
        yield b"a"
        raise PermissionError("Access Denied")

    with in_thread(refusing, patience=60) as blocks, pytest.raises(PermissionError, match="Access Denied"):
        list(blocks)


def test_who_reads_no_further_leaves_no_endless_reader_behind():
    ended = Event()

    def endless():
        try:
            while True:
                yield b"x"
        finally:
            ended.set()

    with in_thread(endless, patience=60) as blocks:
        next(blocks)
    assert ended.wait(60)
