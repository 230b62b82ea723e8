"""The text of a storyboard's file: UTF-8, or a sentence that says what it is instead."""

import codecs

from prefect_storyboard.storyboards.problems import Problem, StoryboardError

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decoded(body: bytes, name: str) -> str:
    """Return the text of a file called `name`. Raises StoryboardError with the line that is no UTF-8."""
    kind = next((kind for mark, kind in _MARKS if body.startswith(mark)), None) or _without_mark(body)
    if kind:
        raise _not_utf8(name, 1, f"is saved as {kind}")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        word = _word(body, error.start)
        raise _not_utf8(
            name, line, f"has a letter that is no UTF-8, in {word!r}; it looks like Windows or Latin-1"
        ) from None


def _not_utf8(name: str, line: int, fact: str) -> StoryboardError:
    return StoryboardError(Problem(source=name, line=line, field="", message=f"{fact}; save the file as UTF-8"))


def _without_mark(body: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of a text in Latin letters is zero, and in UTF-8 none is."""
    head = body[:200]
    return "UTF-16" if head and max(head[::2].count(0), head[1::2].count(0)) > len(head) // 4 else None


def _word(body: bytes, at: int) -> str:
    """The word around a byte, read as Windows does, which is Latin-1 for all letters."""
    start = max(body.rfind(end, 0, at) for end in (b" ", b"\n", b"\t")) + 1
    stop = min((found for end in (b" ", b"\n", b"\r") if (found := body.find(end, at)) >= 0), default=len(body))
    return body[max(start, at - 20) : min(stop, at + 20)].decode("cp1252", errors="replace")
