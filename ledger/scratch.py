"""Temporary folders that name their process, so that the next run can remove those of a killed one."""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect_storyboard.ledger.owner import host, same_process, started

_NAME = re.compile(r"prefect-storyboard-([0-9a-f]{8})-(\d+)-([\d.]+|running)-\w+")
_STALE = 7 * 86_400  # seconds; after a reboot, or in another container, the owner of a folder is unknown


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder for one piece of work, removed when it ends."""
    pid = os.getpid()
    prefix = f"prefect-storyboard-{_machine()}-{pid}-{started(pid)}-"
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        yield Path(folder)


def sweep() -> int:
    """Remove the folders whose process has exited; returns how many. Other users' folders are left alone."""
    return sum(map(_swept, Path(tempfile.gettempdir()).glob("prefect-storyboard-*")))


def _swept(folder: Path) -> bool:
    named = _NAME.fullmatch(folder.name)
    try:
        facts = folder.lstat()
    except FileNotFoundError:  # its process has just removed it
        return False
    mine = not hasattr(os, "getuid") or facts.st_uid == os.getuid()
    if not named or not mine or folder.is_symlink():
        return False
    if named[1] == _machine():
        gone = not same_process(int(named[2]), named[3])
    else:
        gone = time.time() - facts.st_mtime > _STALE
    if gone:
        shutil.rmtree(folder, ignore_errors=True)
    return gone


def _machine() -> str:
    return hashlib.sha256(host().encode()).hexdigest()[:8]
