"""Who wrote an intent, and whether that process still runs."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from prefect_storyboard.ledger.records import Owner


_acting: set[str] = set()


@contextmanager
def acting() -> Iterator[Owner]:
    """This process at work on one submit, with a token that no other intent has."""
    pid = os.getpid()
    owner = Owner(token=uuid.uuid4().hex, host=_host(), pid=pid, started=_started(pid))
    _acting.add(owner.token)
    try:
        yield owner
    finally:
        _acting.discard(owner.token)


def alive(owner: Owner) -> bool:
    """Whether the owner may still be at work. A process of another machine counts as alive until its lease is over."""
    if owner.host != _host():
        return True
    if owner.pid == os.getpid() and owner.started == _started(owner.pid):
        return owner.token in _acting
    return bool(owner.started) and _started(owner.pid) == owner.started


@cache
def _host() -> str:
    """Name and boot of this machine: containers that share a kernel differ by name, two boots by id."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()}/{boot.read_text().strip() if boot.exists() else ''}"


def _started(pid: int) -> str:
    """When the process started, in kernel ticks: a reused pid does not pass for the old one. Empty: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() else _seen(pid)


def _seen(pid: int) -> str:
    """Where there is no /proc: that the process exists is all that can be known."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    return "running"
