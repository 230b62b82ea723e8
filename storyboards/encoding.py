"""Decode a storyboard's file: UTF-8, or an error that names its actual encoding."""

import codecs

from prefect_storyboard.storyboards.problems import Problem, StoryboardError

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decoded(body: bytes, name: str) -> str:
    """Return the text of the file `name`. Raises StoryboardError with the line that is not UTF-8."""
    kind = next((kind for mark, kind in _MARKS if body.startswith(mark)), None) or _without_mark(body)
    if kind:
        raise _not_utf8(name, 1, f"is saved as {kind}")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        word = _word(body, error.start)
        raise _not_utf8(
            name, line, f"has a character that is not UTF-8, in {word!r}; it looks like Windows or Latin-1"
        ) from None


def _not_utf8(name: str, line: int, fact: str) -> StoryboardError:
    return StoryboardError(Problem(source=name, line=line, field="", message=f"{fact}; save the file as UTF-8"))


def _without_mark(body: bytes) -> str | None:
    """Detect UTF-16 without a byte order mark: in Latin text every other byte is zero, and in UTF-8 none is."""
    head = body[:200]
    return "UTF-16" if head and max(head[::2].count(0), head[1::2].count(0)) > len(head) // 4 else None


def _word(body: bytes, at: int) -> str:
    """The word around a byte, decoded as Windows-1252, which equals Latin-1 for all letters."""
    start = max(body.rfind(end, 0, at) for end in (b" ", b"\n", b"\t")) + 1
    stop = min((found for end in (b" ", b"\n", b"\r") if (found := body.find(end, at)) >= 0), default=len(body))
    return body[max(start, at - 20) : min(stop, at + 20)].decode("cp1252", errors="replace")
