"""A library's files on any fsspec filesystem: read, write whole, and create once.

`create_once` is what money rests on. It is exclusive on local disk (a hard link), in memory (a lock) and on object
stores with conditional writes (S3, GCS, Azure); any other storage is refused, and so is one whose server ignores the
condition.
"""

import os
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from botocore.exceptions import BotoCoreError
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

_CONDITIONAL = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
_BLOCK = 8 << 20
_CONFLICT_TRIES = 5
_memory = threading.Lock()


class LibraryError(OSError):
    """The library cannot be used as it is; the message says what to change. Nothing was sent or bought."""


@dataclass(frozen=True)
class Storage:
    """One folder of one filesystem, and the URL that a person wrote for it."""

    fs: Any
    root: str
    url: str

    def path(self, *parts: str) -> str:
        """The filesystem's own path of something in the library."""
        return "/".join([self.root.rstrip("/"), *parts])

    def link(self, *parts: str) -> str:
        """The URL of something in the library, in the form in which the library's own was given."""
        return "/".join([self.url.rstrip("/"), *parts])

    def parts(self, link: str) -> tuple[str, ...]:
        """The other way round: a link of this library as parts of its path."""
        return tuple(link.removeprefix(self.url.rstrip("/") + "/").split("/"))

    def read(self, *parts: str) -> bytes | None:
        """The whole file, or None where the storage says that there is none. Any other trouble is raised."""
        path = self.path(*parts)
        try:
            body = self.fs.cat_file(path)
        except FileNotFoundError:
            return None
        return bytes(body)

    def write(self, body: bytes, *parts: str) -> str:
        """Put a whole file, replacing an older one in one step. Returns its link."""
        path = self.path(*parts)
        if isinstance(self.fs, LocalFileSystem):
            part = _part(path, body)
            part.replace(path)
        else:
            self.fs.pipe_file(path, body)
        return self.link(*parts)

    def publish(self, local: Path, *parts: str) -> str:
        """Put a local file, visible only when it is whole. Returns its link."""
        path = self.path(*parts)
        if isinstance(self.fs, LocalFileSystem):
            part = _part(path, local)
            part.replace(path)
        elif isinstance(self.fs, MemoryFileSystem):
            self.fs.pipe_file(path, local.read_bytes())
        else:
            self.fs.put_file(str(local), path)  # an object appears when its last byte has arrived
        return self.link(*parts)

    def fetch(self, local: Path, *parts: str) -> Path:
        """Copy a file of the library to local disk. Raises FileNotFoundError where it is gone."""
        local.parent.mkdir(parents=True, exist_ok=True)
        self.fs.get_file(self.path(*parts), str(local))
        return local

    def exists(self, *parts: str) -> bool:
        """Whether the storage has the file now."""
        return bool(self.fs.exists(self.path(*parts)))

    def create_once(self, body: bytes, *parts: str) -> bytes:
        """Create the file with this body, or return the body that was there first.

        The body must tell its writer from all others (an owner token): whoever lost the race, or the reply to a
        write that arrived, compares what comes back with what it sent.
        """
        if not body:
            raise ValueError("an empty body cannot be created exclusively on S3")
        path = self.path(*parts)
        if isinstance(self.fs, LocalFileSystem):
            return _create_by_link(path, body)
        if isinstance(self.fs, MemoryFileSystem):
            with _memory:
                if self.fs.exists(path):
                    return bytes(self.fs.cat_file(path))
                self.fs.pipe_file(path, body)
                return body
        return _create_by_condition(self.fs, path, body)


def open_storage(url: str, options: Mapping[str, Any] | None = None) -> Storage:
    """Open a library's URL. Raises LibraryError for a storage that cannot create a file exclusively."""
    expanded = url if "://" in url else str(Path(url).expanduser())
    try:
        protocol = fsspec.utils.get_protocol(expanded)
        fixed = {} if protocol in {"file", "local", "memory"} else {"use_listings_cache": False}
        fs, root = url_to_fs(expanded, **{**fixed, **(options or {})})
    except (ValueError, ImportError) as error:
        raise LibraryError(f"library {url}: {error}") from None
    if protocol not in {"file", "local", "memory"} | _CONDITIONAL:
        raise LibraryError(
            f"library {url}: {protocol} cannot create a file exclusively, and a scene could be bought twice; "
            "use a local folder, s3://, gs:// or az://"
        )
    return Storage(fs=fs, root=str(root), url=expanded if "://" in expanded else str(root))


def prove(storage: Storage) -> None:
    """Write a probe twice: the second create must be refused. Raises LibraryError where it is not, or cannot write."""
    name = ("ledger", "probes", f"{uuid.uuid4().hex}.json")
    try:
        first = storage.create_once(b'{"probe": 1}', *name)
        second = storage.create_once(b'{"probe": 2}', *name)
        storage.fs.rm_file(storage.path(*name))
    except (OSError, BotoCoreError) as error:
        raise LibraryError(f"library {storage.url} cannot be written: {_reason(error)}") from error
    if first != second:
        raise LibraryError(
            f"library {storage.url}: the server lets a second writer replace a file (it ignores If-None-Match), and "
            "a scene could be bought twice; use a storage with conditional writes"
        )


def _part(path: str, body: bytes | Path) -> Path:
    """A finished temporary file in the folder of the target: the move that follows is atomic."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        with part.open("xb") as out:
            if isinstance(body, Path):
                with body.open("rb") as source:
                    while block := source.read(_BLOCK):
                        out.write(block)
            else:
                out.write(body)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part


def _create_by_link(path: str, body: bytes) -> bytes:
    """A hard link to a finished file is exclusive and never half; fsspec's own create mode is neither."""
    part = _part(path, body)
    try:
        os.link(part, path)
    except FileExistsError:
        return Path(path).read_bytes()
    finally:
        part.unlink(missing_ok=True)
    return body


def _create_by_condition(fs: Any, path: str, body: bytes) -> bytes:
    for left in reversed(range(_CONFLICT_TRIES)):
        try:
            fs.pipe_file(path, body, mode="create")
        except OSError as error:
            if _lost(error):
                return bytes(fs.cat_file(path))
            if left and _conflict(error):  # two creates at one moment: the server asks both to try again
                time.sleep(0.05 * (_CONFLICT_TRIES - left))
                continue
            raise
        break
    return body


def _lost(error: OSError) -> bool:
    return isinstance(error, FileExistsError) or _code(error) == "PreconditionFailed"


def _conflict(error: OSError) -> bool:
    return _code(error) in {"ConditionalRequestConflict", "ConcurrentModification", "OperationAborted"}


def _code(error: OSError) -> str:
    response = getattr(error.__cause__, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
