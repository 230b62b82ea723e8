"""The files that a storyboard names, local, in a bucket or on the web: copied to local disk and hashed by content."""

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
_STORE_SECONDS = 10.0  # longest wait for the next bytes of a store
_CALLERS_OWN = Allowed()
_HALF_URL = re.compile(r"(?:^|/)(?:https?|s3|gs|az):/(?!/)")
_ONE_SLASH = "; a URL has two slashes, as in https://"


class SourceError(OSError):
    """A file that a storyboard names cannot be read; the message says which and why. Nothing was sent or bought."""


class LocalFile(Frozen):
    """A file on local disk, with the sha256 of its content in hex; of a copy also where it comes from."""

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
    """A path or URL as it stands in a storyboard at `base` (a folder or its URL), made absolute."""
    if "://" in reference or Path(reference).expanduser().is_absolute():
        return str(Path(reference).expanduser()) if "://" not in reference else reference
    return f"{base.rstrip('/')}/{reference.removeprefix('./')}" if base else reference


def folder_of(reference: str) -> str:
    """The folder of a file or URL; what relative paths in it are relative to."""
    path = reference if "://" in reference else str(Path(reference).expanduser().absolute())
    return path.rpartition("/")[0] or "/"


def read_text(reference: str, options: Mapping[str, Any], allowed: Allowed = _CALLERS_OWN) -> str:
    """The text of a storyboard's file or URL. Raises SourceError, and StoryboardError for what is no UTF-8."""
    most = allowed.bounds.max_storyboard_bytes
    with TemporaryDirectory(prefix="storyboard-text-") as folder:
        path = _copied(reference, Path(folder), options, allowed, most)
        try:
            body = path.read_bytes()
        except _trouble() as error:
            raise _unreadable(reference, error) from None
    return decoded(body, _shown(reference).rpartition("/")[2])


def fetch(reference: str, folder: Path, options: Mapping[str, Any], allowed: Allowed = _CALLERS_OWN) -> LocalFile:
    """Copy a file once into `folder`, and hash it; later changes of the original have no effect. Raises SourceError.

    `options` are fsspec's, by protocol: {"s3": {...}}. Without `allowed` any path and bucket may be read, as for those
    that the caller's own code names; web addresses must be public.
    """
    path = _copied(reference, folder, options, allowed, allowed.bounds.max_media_bytes)
    try:
        if folder in path.parents:
            return local_file(path)
        copy = copy_once(path, folder / "read")
        return LocalFile(path=copy.path, sha256=copy.sha256, original=path, stamp=copy.stamp)
    except _trouble() as error:
        raise _unreadable(reference, error) from None


def _copied(reference: str, folder: Path, options: Mapping[str, Any], allowed: Allowed, most: int) -> Path:
    """The path of a local file, once it is known to be one, or that of a copy in `folder`."""
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
    except _trouble() as error:
        raise _unreadable(reference, error) from None
    return target


def _copy_from_store(reference: str, target: Path, options: Mapping[str, Any], pace: Pace) -> None:
    """Copy an object, in a thread of its own: a store's client may retry a silent server for minutes."""
    try:
        source = fsspec.open(reference, "rb", **options)
        with target.open("wb") as file, in_thread(lambda: _blocks(source), patience=_STORE_SECONDS) as blocks:
            for block in blocks:
                pace.took(len(block))
                file.write(block)
    except _trouble():
        raise
    except ImportError as error:
        raise OSError(
            f"a package is missing that reads it ({error.name or error}); install it beside this one"
        ) from None
    except Exception as error:  # noqa: BLE001 - each store has errors of its own: of credentials, of names, of quotas
        raise OSError(f"its store raised {type(error).__name__}; check the bucket's name and the credentials") from None


def _blocks(source: Any) -> Iterator[bytes]:
    with source as file:
        while block := file.read(1 << 20):
            yield block


def _trouble() -> tuple[type[Exception], ...]:
    """The exceptions of the stores' clients.

    Python evaluates this only when something is raised; then the clients are loaded.
    """
    from aiohttp import ClientError  # noqa: PLC0415 - half a second that an import of the flows need not take
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - likewise

    return OSError, BotoCoreError, ClientError, ValueError


def _regular(path: Path, most: int) -> Path:
    """The path itself, if it is a file: reading a pipe or a device may never end."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError("it is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is no regular file")
    if found.st_size > most:
        raise OverBounds(f"it has more than {most / 1e6:g} MB ({PREFIX}MAX_MEDIA_BYTES)")
    if not os.access(path, os.R_OK):
        raise PermissionError("this process may not read it")
    return path


def _check_protocol(reference: str) -> None:
    """Refuse protocols that fsspec would interpret: a reference file, for example, can contain a shell command."""
    protocol = "data" if reference.startswith("data:") else get_protocol(reference)
    if "::" in reference.partition("?")[0]:
        raise SourceError(f"{_shown(reference)} cannot be read: it chains protocols with ::; give one path or URL")
    if ALIASES.get(protocol, protocol) not in _READABLE:
        schemes = ", ".join(f"{scheme}://" for scheme in _READABLE[1:-1])
        raise SourceError(
            f"{_shown(reference)} cannot be read: {protocol}:// is not allowed here; give a path, or {schemes}"
        )
    if holds_password(reference) and protocol not in {"http", "https"}:
        raise SourceError(
            f"{_shown(reference)} cannot be read: {protocol}:// takes no key or password in its address; give them in "
            "storage_options of the library's block, or as the machine's own credentials"
        )


def _options(reference: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return dict(options.get(get_protocol(reference), {}))


def _unreadable(reference: str, error: Exception) -> SourceError:
    """Build the error with the URL shortened: the query of a link may be its signature."""
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        why = f"there is no such file{_ONE_SLASH if _HALF_URL.search(reference) else ''}"
    shown = _shown(reference)
    user = reference.partition("://")[2].rpartition("@")[0] if holds_password(reference) else ""
    for part in {reference, reference.removeprefix(shown), user} - {shown, ""}:
        why = why.replace(part, "")
    return SourceError(f"{shown} cannot be read: {bare(why)}")


def _shown(reference: str) -> str:
    """The URL without its query and password; of inline data only the beginning."""
    if reference.startswith("data:"):
        return reference[:32]
    return bare(reference)[:300] if "://" in reference else reference[:300]
