"""The `Range` of a request: a browser seeks in a film by asking for the bytes from there on."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Span(NamedTuple):
    """Bytes from `start` up to `stop`, which is not among them. `whole` where no part was asked for."""

    start: int
    stop: int
    whole: bool = False


def span(asked: str | None, size: int) -> Span | None:
    """The part of a file that is asked for; None for one that lies behind its end.

    Several parts at once, and what cannot be read, are answered with the whole file, as HTTP allows.
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
