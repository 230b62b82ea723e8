"""Fetch the files that a storyboard names, from disk, a bucket or the web: copied to local disk and hashed."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec
from fsspec.utils import get_protocol

from prefect_storyboard.addresses import bare, holds_password
from prefect_storyboard.media.bounds import ALIASES, PREFIX, Allowed, local_path, refusal
from prefect_storyboard.media.copies import Stamp, as_stored, changed, copy_once, short_name
from prefect_storyboard.media.patience import in_thread
from prefect_storyboard.media.web import OverBounds, Pace, copy_from_web
from prefect_storyboard.storyboards import Frozen
from prefect_storyboard.storyboards.encoding import decoded

_READABLE = ("file", "http", "https", "s3", "gs", "az", "memory")
_STORE_SECONDS = 10.0  # longest wait for the next bytes from a bucket
_UNRESTRICTED = Allowed()
_HALF_URL = re.compile(r"(?:^|/)(?:https?|s3|gs|az):/(?!/)")
_SLASH_HINT = "; a URL has two slashes, as in https://"


class SourceError(OSError):
    """A file of a storyboard cannot be read; the message says which one and why. Nothing was sent or bought."""


class LocalFile(Frozen):
    """A file on local disk, with the sha256 of its content in hex; a copy also has its `original`."""

    path: Path
    sha256: str
    original: Path | None = None
    stamp: Stamp | None = None

    @property
    def changed(self) -> bool:
        """Whether the original has changed since it was copied."""
        return self.original is not None and self.stamp is not None and changed(self.original, self.stamp)


def local_file(path: Path) -> LocalFile:
    """Hash a local file in place."""
    with path.open("rb") as file:
        return LocalFile(path=path, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def absolute(reference: str, base: str) -> str:
    """Make a path or URL absolute that is relative to the storyboard's folder `base` (a path or URL)."""
    if "://" in reference or Path(reference).expanduser().is_absolute():
        return str(Path(reference).expanduser()) if "://" not in reference else reference
    return f"{base.rstrip('/')}/{reference.removeprefix('./')}" if base else reference


def folder_of(reference: str) -> str:
    """The folder of a file or URL, to which the relative paths in the file refer."""
    path = reference if "://" in reference else str(Path(reference).expanduser().absolute())
    return path.rpartition("/")[0] or "/"


def read_text(reference: str, options: Mapping[str, Any], allowed: Allowed = _UNRESTRICTED) -> str:
    """The text of a storyboard's file or URL. Raises SourceError, and StoryboardError if the text is not UTF-8."""
    most = allowed.bounds.max_storyboard_bytes
    with TemporaryDirectory(prefix="storyboard-text-") as folder:
        path = _copied(reference, Path(folder), options, allowed, most)
        try:
            body = path.read_bytes()
        except _read_errors() as error:
            raise _unreadable(reference, error) from None
    return decoded(body, _redacted(reference).rpartition("/")[2])


def fetch(reference: str, folder: Path, options: Mapping[str, Any], allowed: Allowed = _UNRESTRICTED) -> LocalFile:
    """Copy a file once into `folder`, and hash it; later changes of the original have no effect. Raises SourceError.

    `options` are fsspec's, by protocol: {"s3": {...}}. Without `allowed`, any path and bucket may be read, which is for
    paths in the caller's own code; web addresses must be public.
    """
    path = _copied(reference, folder, options, allowed, allowed.bounds.max_media_bytes)
    try:
        if folder in path.parents:
            return local_file(path)
        copy = copy_once(path, folder / "read")
        return LocalFile(path=copy.path, sha256=copy.sha256, original=path, stamp=copy.stamp)
    except _read_errors() as error:
        raise _unreadable(reference, error) from None


def _copied(reference: str, folder: Path, options: Mapping[str, Any], allowed: Allowed, most: int) -> Path:
    """The path of a local file, after a check that it is a regular file, or the path of a copy in `folder`."""
    _check_protocol(reference)
    try:
        if why := refusal(reference, allowed):
            raise PermissionError(why)
        protocol = get_protocol(reference)
        if protocol in {"file", "local"}:
            return _regular(as_stored(local_path(reference)), most)
        name = reference.partition("?")[0].rpartition("/")[2] or "media"
        target = folder / hashlib.sha256(reference.encode()).hexdigest()[:16] / short_name(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if protocol in {"http", "https"}:
            copy_from_web(reference, target, most, hosts=allowed.hosts, bounds=allowed.bounds)
        else:
            _copy_from_store(reference, target, _options(reference, options), Pace(most, allowed.bounds))
    except _read_errors() as error:
        raise _unreadable(reference, error) from None
    return target


def _copy_from_store(reference: str, target: Path, options: Mapping[str, Any], pace: Pace) -> None:
    """Copy an object in a separate thread: the client may retry a silent server for minutes."""
    try:
        source = fsspec.open(reference, "rb", **options)
        with target.open("wb") as file, in_thread(lambda: _blocks(source), patience=_STORE_SECONDS) as blocks:
            for block in blocks:
                pace.add(len(block))
                file.write(block)
    except _read_errors():
        raise
    except ImportError as error:
        raise OSError(
            f"the package that reads it is missing ({error.name or error}); install it in the same environment"
        ) from None
    except Exception as error:  # noqa: BLE001 - each store's client has its own errors for credentials, names and quotas
        raise OSError(f"its bucket raised {type(error).__name__}; check its name and the credentials") from None


def _blocks(source: Any) -> Iterator[bytes]:
    with source as file:
        while block := file.read(1 << 20):
            yield block


def _read_errors() -> tuple[type[Exception], ...]:
    """The exceptions of the clients for web and buckets.

    Python evaluates an `except` expression only after an exception, so the clients are loaded only then.
    """
    from aiohttp import ClientError  # noqa: PLC0415 - saves half a second in imports of the flows
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - likewise

    return OSError, BotoCoreError, ClientError, ValueError


def _regular(path: Path, most: int) -> Path:
    """The path itself, if it is a regular file: reading a pipe or a device may never end."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError("it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is not a regular file")
    if found.st_size > most:
        raise OverBounds(f"it has more than {most / 1e6:g} MB ({PREFIX}MAX_MEDIA_BYTES)")
    if not os.access(path, os.R_OK):
        raise PermissionError("this process has no permission to read it")
    return path


def _check_protocol(reference: str) -> None:
    """Refuse protocols that fsspec would interpret: a reference file, for example, can contain a shell command."""
    protocol = "data" if reference.startswith("data:") else get_protocol(reference)
    if "::" in reference.partition("?")[0]:
        raise SourceError(f"{_redacted(reference)} cannot be read: it chains protocols with ::; give one path or URL")
    if ALIASES.get(protocol, protocol) not in _READABLE:
        schemes = ", ".join(f"{scheme}://" for scheme in _READABLE[1:-1])
        raise SourceError(
            f"{_redacted(reference)} cannot be read: {protocol}:// is not allowed here; give a path, or {schemes}"
        )
    if holds_password(reference) and protocol not in {"http", "https"}:
        raise SourceError(
            f"{_redacted(reference)} cannot be read: {protocol}:// must not contain a key or password; put them "
            "into storage_options of the library's block, or use the machine's own credentials"
        )


def _options(reference: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return dict(options.get(get_protocol(reference), {}))


def _unreadable(reference: str, error: Exception) -> SourceError:
    """The error, with the query removed from the URL, because it may be a signature."""
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        why = f"there is no such file{_SLASH_HINT if _HALF_URL.search(reference) else ''}"
    shown = _redacted(reference)
    user = reference.partition("://")[2].rpartition("@")[0] if holds_password(reference) else ""
    for part in {reference, reference.removeprefix(shown), user} - {shown, ""}:
        why = why.replace(part, "")
    return SourceError(f"{shown} cannot be read: {bare(why)}")


def _redacted(reference: str) -> str:
    """The URL without query and password; for inline data only its beginning."""
    if reference.startswith("data:"):
        return reference[:32]
    return bare(reference)[:300] if "://" in reference else reference[:300]
