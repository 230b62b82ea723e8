"""The reel's page: one HTML file beside the videos, which loads nothing from other hosts."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from prefect_storyboard.media.drawn import Drawn
from prefect_storyboard.media.figures import Difference, bill, timeline, total
from prefect_storyboard.media.frames import shrunk
from prefect_storyboard.storyboards import Clip, Frozen, Reel
from prefect_storyboard.storyboards.money import price

_THUMB = 400, 400
_CHARGED = {True: "yes", False: "no", None: "unknown"}


Poster = bytes | Path  # a JPEG, or its file, which is read only when its part of the page is written


class Card(Frozen):
    """A clip on the page: `href` is its file relative to the page; `poster` is empty if there is none.

    `others` are the other takes of its scene, each with its file. `stale` says why the clip does not match today's
    storyboard.
    """

    clip: Clip
    href: str
    poster: Poster
    others: tuple[tuple[Clip, str], ...] = ()
    stale: str | None = None
    stills: tuple[Drawn, ...] = ()


def page(
    reel: Reel,
    cards: Sequence[Card],
    *,
    video: str = "reel.mp4",
    poster: Poster = b"",
    style: str = "",
    cuts: Sequence[float] = (),
    differences: Sequence[Difference] = (),
) -> str:
    """The HTML of a reel's page: the player with the scenes as chapters, then every take, then the failed scenes.

    Cards are in the order of the reel. `cuts` are the seconds at which each clip begins and the last one ends; by
    default they follow from the clips' lengths. `video` is the reel relative to the page, `style` the storyboard's own;
    there is no player if `reel.url` is None. Style sheet, script and pictures are embedded, all texts are escaped, and
    the same input gives the same text. The page opens from disk, from any static server or from a bucket.
    """
    return "".join(_parts(reel, cards, _Extras(video, poster, style, cuts, differences)))


def section(differences: Sequence[Difference], problem: str = "") -> str:
    """The section of a served page that lists the changes that a run would make."""
    return template("differences").render(differences=differences, problem=problem).rstrip()


def write_page(
    out: Path,
    reel: Reel,
    cards: Sequence[Card],
    *,
    poster: Poster = b"",
    style: str = "",
    cuts: Sequence[float] = (),
    differences: Sequence[Difference] = (),
    sheets: Sequence[Drawn] = (),
) -> None:
    """Write the HTML of `page` piece by piece, so that memory does not grow with the number of scenes."""
    with out.open("w", encoding="utf-8") as file:
        file.writelines(_parts(reel, cards, _Extras("reel.mp4", poster, style, cuts, differences, sheets)))


class _Extras(NamedTuple):
    video: str
    poster: Poster
    style: str
    cuts: Sequence[float]
    differences: Sequence[Difference] = ()
    sheets: Sequence[Drawn] = ()


def _parts(reel: Reel, cards: Sequence[Card], extras: _Extras) -> Iterator[str]:
    return template("page").generate(
        reel=reel,
        differences=extras.differences,
        problem="",
        style=extras.style,
        video=extras.video,
        poster=data_uri(_jpeg(extras.poster)),
        entries=list(_entries(cards, extras.cuts)),
        facts=[_scenes(reel), clock_length(reel.seconds), costs(reel.cost_usd, reel.unpriced), *_bought(reel)],
        ratio=_ratio(cards),
        charged=_CHARGED,
        sheets=extras.sheets,
        cast=sorted({casting.character for card in cards for casting in card.clip.characters}),
        bill=bill([clip for card in cards for clip in (card.clip, *(take for take, _ in card.others))], reel.cost_usd),
        stored_in=timeline([clip for card in cards for clip in (card.clip, *(take for take, _ in card.others))]),
        stored=max((card.clip.stored_at for card in cards), default=None),
    )


class _Take(NamedTuple):
    """A take of a scene as the page lists it."""

    clip: Clip
    href: str
    shown: bool


class _Entry(NamedTuple):
    """A card with the seconds of the reel at which it begins and ends."""

    clip: Clip
    href: str
    source: Poster
    start: float
    end: float
    others: tuple[tuple[Clip, str], ...] = ()
    stale: str | None = None
    stills: tuple[Drawn, ...] = ()

    @property
    def takes(self) -> list[_Take]:
        """All takes of the scene by number, including the one in the reel."""
        others = (_Take(clip, href, shown=False) for clip, href in self.others)
        takes = [_Take(self.clip, self.href, shown=True), *others]
        return sorted(takes, key=lambda take: take.clip.take)

    @property
    def states(self) -> str:
        """The words for the page's filter: current or stale, the verdict, and `takes` if there are several."""
        verdict = self.clip.verdict.state if self.clip.verdict else ""
        words = ("stale" if self.stale else "current", verdict, "takes" if self.others else "")
        return " ".join(filter(None, words))

    @property
    def poster(self) -> str:
        """The poster as a data URI."""
        return data_uri(_jpeg(self.source))

    @property
    def thumb(self) -> str:
        """The poster, scaled down for the list of chapters: the page would else contain each poster twice in full."""
        jpeg = _jpeg(self.source)
        return data_uri(shrunk(jpeg, _THUMB, 82)) if jpeg else ""


@cache
def template(name: str) -> Template:
    """A template in this folder; every text in it is escaped."""
    site = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    site.filters |= {"usd": price, "seconds": clock_length, "clock": _clock, "csp": _csp, "total": total}
    return site.get_template(f"{name}.html.jinja")


def _entries(cards: Sequence[Card], cuts: Sequence[float]) -> Iterator[_Entry]:
    moments = [round(cut, 3) for cut in cuts or accumulate((card.clip.seconds for card in cards), initial=0.0)]
    for card, (start, end) in zip(cards, pairwise(moments), strict=True):
        yield _Entry(card.clip, card.href, card.poster, start, end, card.others, card.stale, card.stills)


def _jpeg(poster: Poster) -> bytes:
    return poster.read_bytes() if isinstance(poster, Path) else poster


def data_uri(jpeg: bytes) -> str:
    """A picture as a data URI; empty if there is none."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else ""


def _csp(code: str) -> str:
    """The hash of an inline style or script for the page's CSP, so that the browser runs no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def _ratio(cards: Sequence[Card]) -> float:
    """The aspect ratio of most clips; on a tie the larger size counts, as in the reel."""
    sizes = Counter((card.clip.width, card.clip.height) for card in cards)
    width, height = max(sizes, key=lambda size: (sizes[size], size[0] * size[1], size), default=(16, 9))
    return round(width / height, 4)


def _scenes(reel: Reel) -> str:
    done = len(reel.clips)
    return f"{done} of {count(done + len(reel.failed), 'scene')}" if reel.failed else count(done, "scene")


def clock_length(seconds: float) -> str:
    """8 s, 7.5 s, 2 min 32 s."""
    if seconds < 60:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def costs(usd: float, unpriced: int) -> str:
    """$1.20, or $1.20 + 2 jobs of unknown price: an unknown price is never shown as $0."""
    unknown = f"{count(unpriced, 'job')} of unknown price"
    if not unpriced:
        return price(usd)
    return f"{price(usd)} + {unknown}" if usd else unknown


def _bought(reel: Reel) -> Iterator[str]:
    """What its run bought, if that is known: a flow that composes the tasks tells `assemble` nothing of it."""
    if not reel.bought:
        return
    jobs = f"the run that assembled it bought {count(reel.bought, 'job')}"
    if not reel.unpriced:
        yield f"{jobs} for {price(reel.bought_usd)}"
    else:
        yield f"{jobs} for at least {price(reel.bought_usd)}" if reel.bought_usd else f"{jobs} of unknown price"


def count(number: int, noun: str) -> str:
    """1 scene, 2 scenes."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
