"""The two ways to create a file exclusively and whole: a hard link on local disk, a conditional PUT in a bucket."""

import errno
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BLOCK = 1 << 18  # bytes: each of many threads keeps the memory of one
_CONFLICT_TRIES = 5
_PATIENCE = 0.05  # seconds, times the number of the attempt
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_NO_LINKS_TEXT = (
    "this filesystem has no hard links, and a scene could be bought twice without them; use a folder on another disk"
)


@contextmanager
def finished(path: str, body: bytes | Path) -> Iterator[Path]:
    """A complete temporary file in the target's folder, to be moved or linked there in one step."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        with part.open("xb") as out:
            if isinstance(body, Path):
                with body.open("rb") as source:
                    shutil.copyfileobj(source, out, _BLOCK)
            else:
                out.write(body)
            out.flush()
            os.fsync(out.fileno())
        yield part
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Sync the folder, so that a power cut cannot lose the intent of a paid job. Some filesystems cannot."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)


def create_mark(path: str, body: bytes) -> None:
    """Create a file whose name holds all information, exclusively.

    Its content may be torn and need not survive a power cut.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as out:
            out.write(body)
    except FileExistsError:
        return
    _sync_folder(target.parent)


def create_by_link(path: str, body: bytes) -> bytes:
    """A hard link to a complete file is exclusive and never partial; fsspec's own create mode is neither."""
    with finished(path, body) as part:
        try:
            os.link(part, path)
        except FileExistsError:
            return Path(path).read_bytes()
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise OSError(error.errno, _NO_LINKS_TEXT) from error
            raise
    return body


def create_by_condition(fs: Any, path: str, body: bytes, sleep: Callable[[float], object] = time.sleep) -> bytes:
    """A PUT with `If-None-Match: *`, or what the store has for it. Never multipart: the body is small."""
    tries = 0
    while True:
        tries += 1
        try:
            fs.pipe_file(path, body, mode="create")
        except OSError as error:
            if _exists(error):
                return bytes(fs.cat_file(path))
            if not _conflict(error) or tries == _CONFLICT_TRIES:
                raise
            sleep(_PATIENCE * tries)  # two concurrent creates: the server asks both to try again
        else:
            return body


def code_of(error: BaseException) -> str:
    """The S3 server's own error code, such as NoSuchBucket; empty if there is none."""
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _exists(error: OSError) -> bool:
    return isinstance(error, FileExistsError) or code_of(error) in {"PreconditionFailed", "412"}


def _conflict(error: OSError) -> bool:
    return code_of(error) in {"ConditionalRequestConflict", "ConcurrentModification", "OperationAborted", "409"}
