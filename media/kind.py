"""The MIME type of a file by its first bytes: file names may be wrong, and mimetypes differ between machines."""

import mimetypes
from pathlib import Path

_MAGIC = (
    (0, b"\x89PNG", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
)


def content_type(path: Path) -> str:
    """The MIME type of a picture or a clip, from its first bytes or, if these are unknown, from its name."""
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    found = next((kind for at, magic, kind in _MAGIC if head[at:].startswith(magic)), None)
    return found or mimetypes.guess_type(path.name, strict=False)[0] or "application/octet-stream"
