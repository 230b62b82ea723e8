"""A library's files on any fsspec filesystem: read, write whole, and create once.

Pay once depends on `create_once`. It is exclusive on local disk (a hard link), in memory (a lock) and on object stores
with conditional writes (S3, GCS, Azure); any other storage is refused, and so is one whose server ignores the
condition. Every storage error becomes a LibraryError that names the file; a file is absent only if the storage says so.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.utils import get_protocol

from prefect_storyboard.ledger.exclusive import code_of, create_by_condition, create_by_link, create_mark, finished
from prefect_storyboard.ledger.location import LibraryError, check_location, local_folder

_LOCAL = {"file", "local"}
_CONDITIONAL = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"}
_S3 = {"s3", "s3a"}
_FETCH_AGAIN = 0.2  # seconds; an object store may answer 404 for a file that another of its servers has just stored
_REMEDIES = {
    "RequestTimeTooSkewed": "set this machine's clock",
    "ExpiredToken": "renew the storage's credentials",
    "AccessDenied": "the key must be allowed to list the bucket, and to read and write in it",
    "InvalidAccessKeyId": "check the storage's key",
    "SignatureDoesNotMatch": "check the storage's secret",
    "NoSuchBucket": "create the bucket, or correct its name",
}
_MARK = b"{}"
_memory = threading.Lock()


@dataclass(frozen=True)
class Storage:
    """One folder of one filesystem, and the URL that the user gave for it."""

    fs: Any
    root: str
    url: str

    def path(self, *parts: str) -> str:
        """The filesystem's own path of a file in the library."""
        return "/".join([self.root.rstrip("/"), *parts])

    def link(self, *parts: str) -> str:
        """The URL of a file in the library, in the form of the library's own URL."""
        return "/".join([self.url.rstrip("/"), *parts])

    def parts(self, link: str) -> tuple[str, ...]:
        """The inverse of `link`: a URL of this library as the parts of its path."""
        return tuple(link.removeprefix(self.url.rstrip("/") + "/").split("/"))

    def read(self, *parts: str) -> bytes | None:
        """The whole file, or None if the storage says that there is none. Any other error is raised."""
        path = self.path(*parts)
        with self._named("read", parts), suppress(FileNotFoundError):
            if isinstance(self.fs, LocalFileSystem):  # fsspec's own read takes ten times as long
                return Path(path).read_bytes()
            return bytes(self.fs.cat_file(path, **self._one_request))
        return None

    def part(self, start: int, stop: int, *parts: str) -> bytes:
        """The bytes of a file from `start` up to `stop`. Raises LibraryError also where it is gone."""
        path = self.path(*parts)
        with self._named("read", parts):
            if isinstance(self.fs, LocalFileSystem):
                with Path(path).open("rb") as file:
                    file.seek(start)
                    return file.read(stop - start)
            return bytes(self.fs.cat_file(path, start=start, end=stop, **self._one_request))

    def write(self, body: bytes, *parts: str) -> str:
        """Write a whole file, replacing an older one atomically. Returns its link."""
        path = self.path(*parts)
        with self._named("written", parts):
            if isinstance(self.fs, LocalFileSystem):
                with finished(path, body) as part:
                    part.replace(path)
            else:
                self.fs.pipe_file(path, body)
        return self.link(*parts)

    def publish(self, local: Path, *parts: str) -> str:
        """Copy a local file into the library; it becomes visible only when complete. Returns its link."""
        path = self.path(*parts)
        with self._named("written", parts):
            if isinstance(self.fs, LocalFileSystem):
                with finished(path, local) as part:
                    part.replace(path)
            elif isinstance(self.fs, MemoryFileSystem):
                self.fs.pipe_file(path, local.read_bytes())
            else:
                self.fs.put_file(str(local), path)  # an object becomes visible when its last byte has arrived
        return self.link(*parts)

    def local(self, *parts: str) -> Path | None:
        """The file's path if the library is on this machine's disk, for reading only; None in a bucket.

        Raises FileNotFoundError if the file is gone.
        """
        if not isinstance(self.fs, LocalFileSystem):
            return None
        path = Path(self.path(*parts))
        if not path.is_file():
            raise FileNotFoundError(f"{self.link(*parts)} is gone")
        return path

    def fetch(self, local: Path, *parts: str) -> Path:
        """Copy a file of the library to local disk. Raises FileNotFoundError if it is gone."""
        local.parent.mkdir(parents=True, exist_ok=True)
        for wait in (_FETCH_AGAIN, 0.0):
            with self._named("read", parts), suppress(FileNotFoundError):
                self.fs.get_file(self.path(*parts), str(local))
                return local
            if isinstance(self.fs, LocalFileSystem | MemoryFileSystem):
                break
            time.sleep(wait)
        raise FileNotFoundError(f"{self.link(*parts)} is gone")

    def exists(self, *parts: str) -> bool:
        """Whether the storage has the file now."""
        return self.size(*parts) is not None

    def size(self, *parts: str) -> int | None:
        """Size of the file in bytes, or None if there is none. fsspec's own `exists` returns False on any error."""
        with self._named("read", parts), suppress(FileNotFoundError):
            try:
                return int(self.fs.info(self.path(*parts))["size"] or 0)
            except OSError as error:
                if code_of(error).isdecimal():  # the response to a HEAD has no body that could say why
                    self.fs.cat_file(self.path(*parts), **self._one_request)
                raise
        return None

    def names(self, *parts: str, prefix: str = "") -> list[str]:
        """The names in a folder, sorted; empty if there is no such folder.

        A bucket lists a thousand names a request; with `prefix`, it lists the names with that prefix and everything
        below them. A local disk may return all names.
        """
        if prefix and not isinstance(self.fs, LocalFileSystem | MemoryFileSystem):
            return sorted({place[0] for place in self.below(*parts, prefix=prefix)})
        with self._named("listed", parts), suppress(FileNotFoundError):
            found = self.fs.ls(self.path(*parts), detail=False)
            return sorted(name for path in found if (name := str(path).rstrip("/").rpartition("/")[2]))
        return []

    def below(self, *parts: str, prefix: str) -> list[tuple[str, ...]]:
        """Every file below a folder whose path from there begins with the prefix, as parts of that path.

        One request.
        """
        with self._named("listed", parts), suppress(FileNotFoundError):
            folder = self.path(*parts).strip("/") + "/"
            found = self.fs.find(self.path(*parts), prefix=prefix)
            inner = (str(path).lstrip("/").removeprefix(folder) for path in found)
            return sorted(tuple(name.split("/")) for name in inner if name.startswith(prefix))
        return []

    def sizes(self, *parts: str) -> dict[tuple[str, ...], int]:
        """Size in bytes of every file below a folder, by its path from there. One request for a thousand files."""
        with self._named("listed", parts), suppress(FileNotFoundError):
            folder = self.path(*parts).strip("/") + "/"
            found = self.fs.find(self.path(*parts), detail=True)
            return {
                tuple(str(path).lstrip("/").removeprefix(folder).split("/")): int(facts["size"] or 0)
                for path, facts in found.items()
            }
        return {}

    def remove(self, *parts: str) -> None:
        """Remove a file, if it is there."""
        with self._named("removed", parts), suppress(FileNotFoundError):
            self.fs.rm_file(self.path(*parts))

    def mark(self, *parts: str) -> None:
        """Create a file whose name holds all information. An existing one is left alone."""
        if isinstance(self.fs, LocalFileSystem):
            with self._named("created", parts):
                create_mark(self.path(*parts), _MARK)
        else:
            self.create_once(_MARK, *parts)

    def create_once(self, body: bytes, *parts: str) -> bytes:
        """Create the file with this body, or return the body that was there first.

        The body must identify its writer (an owner token): a writer that lost the race, or lost the reply to a
        successful write, compares the returned body with its own.
        """
        if not body:
            raise ValueError("an empty body cannot be created exclusively on S3")
        path = self.path(*parts)
        with self._named("created", parts):
            if isinstance(self.fs, LocalFileSystem):
                return create_by_link(path, body)
            if isinstance(self.fs, MemoryFileSystem):
                with _memory:
                    if not self.fs.exists(path):
                        self.fs.pipe_file(path, body)
                    return bytes(self.fs.cat_file(path))
            return create_by_condition(self.fs, path, body)

    @property
    def _one_request(self) -> dict[str, int]:
        """Read in one request: s3fs would ask for the size first, and its errors would then have no reason."""
        protocol = self.fs.protocol
        return {"max_concurrency": 1} if _S3 & {*([protocol] if isinstance(protocol, str) else protocol)} else {}

    @contextmanager
    def _named(self, done: str, parts: tuple[str, ...]) -> Iterator[None]:
        """Turn any error of the storage into a LibraryError that names the file and keeps the cause."""
        try:
            yield
        except Exception as error:  # fsspec promises no type: OSError, botocore's, aiohttp's and others occur
            refused = isinstance(error, PermissionError) and not isinstance(self.fs, LocalFileSystem)
            hint = _REMEDIES.get(code_of(error), _REMEDIES["AccessDenied"] if refused else "")
            hint = hint and f"; {hint}"
            raise LibraryError(f"{self.link(*parts)} cannot be {done}: {_reason(error)}{hint}") from error


def open_storage(url: str, options: Mapping[str, Any] | None = None) -> Storage:
    """Open a library's URL. Raises LibraryError for a storage that cannot create a file exclusively."""
    protocol = get_protocol(url)
    if protocol not in _LOCAL | _CONDITIONAL | {"memory"}:
        raise LibraryError(
            f"library {url}: {protocol} cannot create a file exclusively, and a scene could be bought twice; "
            "use a local folder, s3://, gs:// or az://"
        )
    check_location(url)
    fixed = {"use_listings_cache": False} if protocol in _CONDITIONAL else {}
    try:
        fs, root = url_to_fs(url, **{**(options or {}), **fixed})
    except (ValueError, TypeError, ImportError) as error:
        raise LibraryError(f"library {url}: {error}") from None
    if protocol in _LOCAL:
        folder = local_folder(url, str(root))
        return Storage(fs=fs, root=folder, url=f"file://{folder}" if "://" in url else folder)
    return Storage(fs=fs, root=str(root), url=url)


def _reason(error: Exception) -> str:
    """The storage's own message with its code; Ceph sends a code without a message."""
    code = code_of(error)
    words = (getattr(error, "strerror", None), str(error), code, type(error).__name__)
    text = next(str(word) for word in words if word and word != "None")
    return text if code in text or code.isdecimal() else f"{code}: {text}"
