"""Which files a storyboard may read, and how much of them. The operator decides this, never a storyboard."""

from collections.abc import Iterable
from pathlib import Path

from fsspec.utils import get_protocol

from prefect_storyboard.storyboards import Frozen

PREFIX = "PREFECT_INTEGRATIONS_STORYBOARD_"
ALIASES = {"local": "file", "s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}


class Bounds(Frozen):
    """Limits for reading one source: its size, the total time, and redirects. Each one is a setting."""

    max_media_bytes: int = 200_000_000
    max_media_seconds: float = 300.0
    min_media_bytes_per_second: int = 1_000
    max_redirects: int = 5
    max_storyboard_bytes: int = 4_000_000
    max_scenes: int = 1_000


class Allowed(Frozen):
    """Which files, buckets and private hosts may be read.

    `roots` are folders, and URLs of buckets or of folders in them; None allows every path and bucket, for paths in
    Python code. `hosts` are hosts that may have a private address.
    """

    roots: tuple[str, ...] | None = None
    hosts: tuple[str, ...] = ()
    bounds: Bounds = Bounds()


def refusal(reference: str, allowed: Allowed) -> str:
    """Why a path or a bucket's URL may not be read, and which setting would allow it; empty if it may be read."""
    protocol = _protocol(reference)
    if allowed.roots is None or protocol in {"http", "https"}:
        return ""
    if protocol == "file":
        if _is_below(reference, allowed.roots):
            return ""
        return (
            "it is outside the folders that a storyboard may read; put it beside the storyboard, or add its folder to "
            f"media_roots (of the library's block, or {PREFIX}MEDIA_ROOTS)"
        )
    if any(_is_in(reference, root) for root in allowed.roots):
        return ""
    return (
        "it is outside the buckets that a storyboard may read; put it into the library's bucket, or add its bucket to "
        f"allowed_stores (of the library's block, or {PREFIX}ALLOWED_STORES)"
    )


def local_path(reference: str) -> Path:
    """The path of a local reference."""
    return Path(reference.removeprefix("file://").removeprefix("local://"))


def bucket_of(url: str) -> str:
    """The URL of the bucket that an object's URL is in; a local path is returned unchanged."""
    if _protocol(url) == "file":
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _protocol(reference: str) -> str:
    protocol = str(get_protocol(reference))
    return ALIASES.get(protocol, protocol)


def _is_below(reference: str, roots: Iterable[str]) -> bool:
    """Whether the file, with all symbolic links resolved, is below one of the folders."""
    path = local_path(reference).resolve()
    folders = [local_path(root).expanduser().resolve() for root in roots if root and _protocol(root) == "file"]
    return any(path.is_relative_to(folder) for folder in folders)


def _is_in(reference: str, root: str) -> bool:
    if _protocol(root) != _protocol(reference):
        return False
    place, folder = (url.partition("://")[2].partition("?")[0].strip("/").split("/") for url in (reference, root))
    inside = folder == [""] or place[: len(folder)] == folder
    return inside and ".." not in place
