"""Check a library's URL. One that fsspec would silently take for another folder is refused, with the correction."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

from prefect_storyboard.addresses import bare

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!//|:)")
_SECRET = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:/{0,2})(?!arn:)[^/@]*:.*@")
_VARIABLE = re.compile(r"\$\{?\w+|%[A-Za-z_]\w{2,}%")


class LibraryError(OSError):
    """The library cannot be used as it is; the message names the file and what to change, and contains no password."""

    def __init__(self, message: str) -> None:
        super().__init__(bare(message))


def check_location(url: str) -> None:
    """Raise LibraryError for a mistyped URL: fsspec takes all of these for a folder or a bucket's prefix."""
    if not url:
        raise LibraryError("the library has no URL; name a folder, or s3://, gs:// or az://")
    _check_password(url)
    scheme = _SCHEME.match(url)
    if scheme and len(scheme[1]) == 1:
        if os.name != "nt":
            raise LibraryError(
                f"library {url}: this is a Windows path, and this is no Windows machine; name another folder"
            )
    elif scheme:
        raise LibraryError(
            f"library {url}: write {scheme[1]}:// with two slashes, or ./{url} for a folder of that name"
        )
    if "::" in url:
        return  # a chain of protocols; no supported storage needs one
    protocol, _, rest = url.rpartition("://")
    if protocol in {"", "file", "local"}:
        if variable := _VARIABLE.search(rest):
            raise LibraryError(f"library {url}: {variable[0]} is not expanded; write the folder out, or begin with ~")
    elif rest.startswith("/"):
        raise LibraryError(f"library {url}: it names no bucket; write {protocol}://bucket/folder")
    elif "//" in rest:
        raise LibraryError(
            f"library {url}: a folder without a name (//) is kept by some servers and dropped by others; "
            f"write {protocol}://{re.sub('/+', '/', rest)}"
        )


def _check_password(url: str) -> None:
    """Refuse a password in the URL: no supported storage reads it there, and URLs appear in links, tables and logs."""
    if secret := _SECRET.match(url):
        raise LibraryError(
            f"library {secret[1]}{url.rpartition('@')[2]}: a key or password in a URL would be shown with every clip; "
            "take it out, and give it in storage_options of the library's block, or as the machine's own credentials"
        )


def local_folder(url: str, root: str) -> str:
    """The folder of a local library: a `file://` URL may be percent-encoded and names the same folder as the path."""
    if not Path(root).is_absolute():
        raise LibraryError(f"library {url}: there is no such home folder")
    plain = unquote(root) if "://" in url else root
    if plain != root and Path(root).exists():
        raise LibraryError(
            f"library {url}: version 0.1.0 kept it in {root}, and the URL means {plain}; "
            "rename the folder, or give its path without file://"
        )
    return plain
