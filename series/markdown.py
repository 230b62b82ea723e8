"""Escape the text of storyboards and providers in Prefect's artifacts.

Prefect's UI reads the text of a Markdown artifact, every description and every cell of a table as Markdown, bare
addresses included. Whatever could load a picture or link elsewhere is escaped; ordinary sentences stay readable.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from prefect_storyboard.providers.errors import clean

T = TypeVar("T")

_MARKS = re.compile(r"[\\`*_\[\]<>&~|@]|:(?=//)|(?<=[wW]{3})\.|^[#+=-]|^\d+[.)]")

_PICTURE = re.compile(r"!\[[^\]]*\]\(data:[^)]*\)")


def escaped(text: str) -> str:
    """The text as one line that Markdown shows literally: without links, pictures, HTML or tables."""
    line = " ".join(clean(text).split())
    return _MARKS.sub(lambda mark: f"{mark[0][:-1]}\\{mark[0][-1]}", line)


def plain(page: str) -> str:
    """A page of Markdown without the pictures that are part of it."""
    return _PICTURE.sub("", page)


def code(text: str) -> str:
    """The text as inline code, with grave accents and bars replaced."""
    return f"`{' '.join(clean(text).split()).replace('`', chr(0x2CB)).replace('|', chr(0x2223))}`"


def table_of(rows: Iterable[Mapping[str, str]]) -> str:
    """The rows as a table of Markdown, whose cells wrap: a table artifact keeps each on one line, and cuts it.

    It takes at least one row; all have the keys of the first one.
    """
    made = [*rows]
    lines = [made[0].keys(), ["---"] * len(made[0]), *(map(escaped, row.values()) for row in made)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def escaped_rows(rows: Iterable[Mapping[str, T]]) -> list[dict[str, T | str]]:
    """The rows of a table artifact with every text in them escaped."""
    return [{key: escaped(value) if isinstance(value, str) else value for key, value in row.items()} for row in rows]
