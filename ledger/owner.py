"""Who wrote an intent, and whether that process still runs."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from prefect_storyboard.ledger.records import Owner

_GONE, _UNSEEN = "", "running"  # in the place of a start time
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
    seen = _started(owner.pid)
    if owner.pid == os.getpid() and owner.started == seen:
        return owner.token in _acting
    return seen in {owner.started, _UNSEEN} and seen != _GONE


@cache
def _host() -> str:
    """Name, boot and pid namespace of this machine: where a pid means something. Two containers may share the name."""
    boot, pids = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    facts = (boot.read_text().strip(), pids.readlink().name) if boot.exists() and pids.is_symlink() else ()
    return "/".join((socket.gethostname(), *facts))


def _started(pid: int) -> str:
    """When the process started, in kernel ticks: a reused pid does not pass for the old one."""
    try:
        state, *facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # no /proc, or one that hides the processes of others
        return _seen(pid)
    return _GONE if state in "ZX" else facts[18]  # killed, and its parent has not asked for it yet


def _seen(pid: int) -> str:
    """Where /proc does not tell: that the process exists is all that can be known."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return _GONE
    except PermissionError:
        return _UNSEEN  # somebody else's, and there
    return _UNSEEN
