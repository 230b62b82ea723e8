"""The process that wrote an intent, and whether it still runs."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from prefect_storyboard.ledger.records import Owner

_GONE, _UNSEEN = "", "running"  # in place of a start time
_TOLERANCE = 2.0  # seconds; the kernel rounds the boot time, up or down
_acting: set[str] = set()


@contextmanager
def acting() -> Iterator[Owner]:
    """This process, as the owner of one submit, with a unique token."""
    pid = os.getpid()
    owner = Owner(token=uuid.uuid4().hex, host=host(), pid=pid, started=_own_start(pid))
    _acting.add(owner.token)
    try:
        yield owner
    finally:
        _acting.discard(owner.token)


def alive(owner: Owner) -> bool:
    """Whether the owner may still be running.

    A process that cannot be compared counts as alive until its lease ends: one of another machine, one that the system
    hides, and one that version 0.1.0 recorded, which counted kernel ticks.
    """
    if owner.host != host():
        return True
    if owner.pid == os.getpid():
        return owner.token in _acting
    return same_process(owner.pid, owner.started)


def same_process(pid: int, since: str) -> bool:
    """Whether the process that `started` described still runs, or may still run."""
    now = started(pid)
    if now == _GONE:
        return False
    if now == _UNSEEN or "." not in since:
        return True
    return abs(float(now) - float(since)) < _TOLERANCE


def started(pid: int) -> str:
    """When the process started, so that a reused pid is not taken for the old process.

    On Linux in seconds since boot, which setting the clock does not change; elsewhere in seconds since the epoch.
    """
    import psutil  # noqa: PLC0415 - it takes as long to load as the rest of the ledger

    try:
        process = psutil.Process(pid)
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return _GONE  # a zombie: killed, and not yet reaped by its parent
        since = process.create_time() - (psutil.boot_time() if psutil.LINUX else 0.0)
    except psutil.AccessDenied:
        return _UNSEEN
    except psutil.NoSuchProcess:
        return _UNSEEN if _hidden(pid) else _GONE
    return f"{since:.2f}"


@cache
def _own_start(pid: int) -> str:
    """When this process started: asking the system takes as long as building the order."""
    return started(pid)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_own_start.cache_clear)  # a child may get the number of one that is gone


def _hidden(pid: int) -> bool:
    """Whether the process exists although the system does not show it: /proc may hide other users' processes."""
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True


@cache
def host() -> str:
    """Name, boot id and pid namespace of this machine, within which a pid is valid.

    Two containers may share a host name.
    """
    boot, pids = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    facts = (boot.read_text().strip(), pids.readlink().name) if boot.exists() and pids.is_symlink() else ()
    return "/".join((socket.gethostname(), *facts))
