"""The `Range` header of a request: to seek in a video, a browser asks for the bytes from there on."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Span(NamedTuple):
    """The bytes from `start` up to, but without, `stop`. `whole` if no part was asked for."""

    start: int
    stop: int
    whole: bool = False


def span(asked: str | None, size: int) -> Span | None:
    """The part of a file that is asked for; None if it begins after the end of the file.

    For several parts, or a header that cannot be parsed, the whole file, as HTTP allows.
    """
    found = _RANGE.fullmatch((asked or "").strip())
    first, last = found.groups() if found else ("", "")
    if not first and not last:
        return Span(0, size, whole=True)
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return Span(0, size, whole=True)
    return Span(start, stop) if start < stop else None
