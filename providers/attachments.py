"""Files that are sent with an order, as parts of its form."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from prefect_storyboard.storyboards import Frozen

_SCHEME = "file"
_KINDS = {  # offset and magic bytes
    "image/png": (0, b"\x89PNG"),
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/webp": (8, b"WEBP"),
    "video/mp4": (4, b"ftyp"),
}


class Attachment(Frozen):
    """A file under the name of a form's field."""

    field: str
    path: Path
    content_type: str

    @property
    def sha256(self) -> str:
        """The checksum of the file's content, in hex."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def local_path(link: str | None) -> Path | None:
    """The file that a link of a request leads to; None for a link to the provider's or another host."""
    parts = urlsplit(link or "")
    return Path(url2pathname(parts.path)) if parts.scheme == _SCHEME else None


def attached(field: str, path: Path) -> Attachment:
    """The file as a part of a form, with the type that its content has."""
    return Attachment(field=field, path=path, content_type=content_type(path))


def content_type(path: Path) -> str:
    """The type by the first bytes: the file's name may be wrong, and some servers refuse a picture without a type."""
    with path.open("rb") as file:
        head = file.read(16)
    return next(
        (kind for kind, (at, mark) in _KINDS.items() if head[at : at + len(mark)] == mark), "application/octet-stream"
    )


def parts(files: Iterable[Attachment]) -> list[tuple[str, tuple[str, bytes, str]]]:
    """The files in the form that httpx takes. Reads them whole, and blocks."""
    return [(each.field, (each.path.name, each.path.read_bytes(), each.content_type)) for each in files]
