"""Unit tests start no server and no process, and never sleep: whoever tries fails, whatever becomes of the error."""

import asyncio
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3.util.connection  # noqa: F401 - its import binds a socket, to see whether there is IPv6

# Python's own audit events, raised before the thing is done: https://docs.python.org/3/library/audit_events.html
_FORBIDDEN = {
    "os.exec": "starts a process",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.spawn": "starts a process",
    "os.system": "starts a process",
    "subprocess.Popen": "starts a process",
    "socket.bind": "starts a server",
}
_HERE = Path(__file__).parent
_SLEEP = time.sleep
_ASYNCIO_SLEEP = asyncio.sleep


class Guard:
    """What the test that runs now has tried. Threads that were there before it, such as Prefect's, are not its own.

    The thread of our one loop is, whichever test has started it.
    """

    def __init__(self) -> None:
        self.watching = False
        self.tried: list[str] = []
        self._strangers: set[int | None] = set()

    def begin(self) -> None:
        self.tried.clear()
        own = {threading.main_thread().name, "storyboard-loop"}
        self._strangers = {each.ident for each in threading.enumerate() if each.name not in own}
        self.watching = True
        time.sleep, asyncio.sleep = _sleep, _asyncio_sleep

    def end(self) -> None:
        self.watching = False
        time.sleep, asyncio.sleep = _SLEEP, _ASYNCIO_SLEEP

    def refuse(self, what: str) -> None:
        """Note it, and raise: the error may get lost in a thread or an `except`."""
        if self.watching and threading.get_ident() not in self._strangers:
            self.tried.append(what)
            raise RuntimeError(f"a unit test {what}; pass the clock in, or move the test out of tests/unit")


guard = Guard()


def _audit(event: str, _: tuple[Any, ...]) -> None:
    if guard.watching and event in _FORBIDDEN:
        guard.refuse(f"{_FORBIDDEN[event]} ({event})")


def _sleep(seconds: float) -> None:
    """`time.sleep` raises an audit event from Python 3.13 on only."""
    guard.refuse(f"sleeps (time.sleep({seconds}))")
    _SLEEP(seconds)


def _asyncio_sleep(delay: float, result: Any = None) -> Coroutine[Any, Any, Any]:
    """`asyncio.sleep` raises no audit event. Waiting for one turn of the loop is no sleep."""
    if delay > 0:
        guard.refuse(f"sleeps (asyncio.sleep({delay}))")
    return _ASYNCIO_SLEEP(delay, result)


sys.addaudithook(_audit)  # for the rest of the process; silent while no unit test runs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Watch the fixtures of the test too, those of the session included. Pytest calls this for tests elsewhere as well."""
    if not item.path.is_relative_to(_HERE):
        return (yield)
    guard.begin()
    try:
        return (yield)
    finally:
        guard.end()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    if nextitem is None or not nextitem.path.is_relative_to(_HERE):
        guard.end()  # the last test here also ends the fixtures that tests elsewhere have begun
    result = yield
    if guard.tried:
        tried = ", ".join(dict.fromkeys(guard.tried))
        guard.tried.clear()
        pytest.fail(f"this unit test {tried}", pytrace=False)
    return result


@pytest.fixture
def tried() -> list[str]:
    """What the guard has noted; whoever empties it has meant it."""
    return guard.tried
