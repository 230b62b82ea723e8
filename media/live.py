"""The served page: the stored one, with the changes that a run would make today, and the address for picks."""

import re
from typing import NamedTuple

from prefect_storyboard.media.figures import Difference
from prefect_storyboard.media.page import section

_SECTION = re.compile(r'<section id="differences">.*?</section>', re.DOTALL)
_MAIN, _TITLE = "<main>", "<title>"


class Today(NamedTuple):
    """The changes that a run would make now, or the `problem` that prevents a plan."""

    differences: tuple[Difference, ...] = ()
    problem: str = ""


def live(html: str, today: Today, *, pick: str) -> str:
    """The page with today's differences. `pick` is the address to which picks are sent, relative to the page."""
    made = section(today.differences, today.problem)
    if _SECTION.search(html):
        html = _SECTION.sub(lambda _: made, html, count=1)
    else:  # a page of an older version
        html = html.replace(_MAIN, f"{_MAIN}\n{made}", 1)
    return html.replace(_TITLE, f'<meta name="pick" content="{pick}">\n{_TITLE}', 1)
