"""The guards of the suite work: no process, no server and no sleep here, and no traffic but loopback anywhere."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from pytest_socket import SocketConnectBlockedError


def spawned() -> None:
    os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})


TRIES: dict[str, tuple[Callable[[], Any], str]] = {
    "subprocess": (lambda: subprocess.run([sys.executable, "-c", ""]), "starts a process (subprocess.Popen)"),
    "spawn": (spawned, "starts a process (os.posix_spawn)"),
    "fork": (os.fork, "starts a process (os.fork)"),
    "system": (lambda: os.system("true"), "starts a process (os.system)"),  # noqa: S605 - it is refused
    "server": (lambda: HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler), "starts a server (socket.bind)"),
    "sleep": (lambda: time.sleep(0.001), "sleeps (time.sleep(0.001))"),
    "sleep in a loop": (lambda: asyncio.sleep(0.001), "sleeps (asyncio.sleep(0.001))"),
}


@pytest.mark.parametrize(("work", "what"), TRIES.values(), ids=TRIES)
def test_a_test_that_tries_is_stopped_and_noted(tried: list[str], work: Callable[[], Any], what: str) -> None:
    with pytest.raises(RuntimeError, match="a unit test "):
        work()
    assert tried == [what]
    tried.clear()


def test_an_error_that_is_lost_in_a_thread_is_noted(tried: list[str]) -> None:
    def sleeps() -> None:
        with suppress(Exception):
            time.sleep(0.001)

    thread = Thread(target=sleeps)
    thread.start()
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(time.sleep, 0.001).exception(), RuntimeError)
    assert tried == ["sleeps (time.sleep(0.001))"] * 2
    tried.clear()


async def test_a_turn_of_the_loop_is_no_sleep(tried: list[str]) -> None:
    await asyncio.sleep(0)
    assert tried == []


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
@pytest.mark.parametrize("address", ["192.0.2.1", "198.51.100.7"])  # for documentation only; nobody answers there
def test_no_test_reaches_another_host(address: str) -> None:
    with socket.socket() as outside, pytest.raises(SocketConnectBlockedError):
        outside.connect((address, 80))
