"""The catalogue of a library: one HTML file with all reels and their cast, which loads nothing from other hosts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from pydantic import Base64Bytes, BaseModel, Field

from prefect_storyboard.media.page import clock_length, costs, count, data_uri, template

MARK = '<meta name="generator" content="prefect-storyboard catalogue">'  # near the beginning of every catalogue


class Portrayed(BaseModel):
    """A character of a reel. Characters with the same name are distinguished by their fingerprints."""

    name: str
    fingerprint: str = ""
    picture: Base64Bytes = b""


class Listed(BaseModel):
    """A reel's entry in the catalogue, stored as `catalogue/<reel>.json`. Pictures are small JPEGs."""

    reel: str = Field(description="Name of the reel's folder.")
    title: str
    seconds: float = 0.0
    scenes: int = 0
    missing: int = 0
    cost_usd: float | None = None
    unpriced: int = 0
    at: datetime | None = Field(default=None, description="When its last clip was stored.")
    tall: bool = False
    picture: Base64Bytes = b""
    cast: tuple[Portrayed, ...] = ()

    @property
    def page(self) -> str:
        """The address of its page, relative to the catalogue."""
        return f"reels/{quote(self.reel)}/index.html"

    @property
    def film(self) -> str:
        """The address of its film, relative to the catalogue."""
        return f"reels/{quote(self.reel)}/reel.mp4"

    @property
    def poster(self) -> str:
        """Its picture as a data URI."""
        return data_uri(self.picture)

    @property
    def facts(self) -> list[str]:
        """Length, scenes, cost and date, if they are known."""
        said = f"{self.scenes} of {count(self.scenes + self.missing, 'scene')}" if self.missing else ""
        known = [clock_length(self.seconds) if self.seconds else "", said or count(self.scenes, "scene")]
        known.append("" if self.cost_usd is None else costs(self.cost_usd, self.unpriced))
        return [*filter(None, known), *([str(self.at.date())] if self.at else [])]


class _Member:
    """A character, and the reels in which it appears."""

    def __init__(self, who: Portrayed) -> None:
        self.name, self.reels = who.name, list[Listed]()
        self.portrait = data_uri(who.picture)


def catalogue(reels: Sequence[Listed], name: str) -> Iterator[str]:
    """Yield the HTML piece by piece: the reels, newest first, then the cast by name. All texts are escaped."""
    newest = sorted(reels, key=lambda each: (each.at.timestamp() if each.at else 0.0, each.title), reverse=True)
    shown = [each for each in newest if each.cost_usd is not None]
    return template("catalogue").generate(
        mark=MARK,
        name=name,
        reels=newest,
        cast=_cast(newest),
        facts=[
            count(len(newest), "reel"),
            clock_length(sum(each.seconds for each in newest)),
            costs(sum(each.cost_usd or 0.0 for each in shown), sum(each.unpriced for each in shown)),
        ],
    )


def write_catalogue(out: Path, reels: Sequence[Listed], name: str) -> None:
    """Write the HTML of `catalogue` to a file."""
    with out.open("w", encoding="utf-8") as file:
        file.writelines(catalogue(reels, name))


def _cast(reels: Iterable[Listed]) -> list[_Member]:
    found: dict[tuple[str, str], _Member] = {}
    for reel in reels:
        for who in reel.cast:
            found.setdefault((who.name, who.fingerprint), _Member(who)).reels.append(reel)
    return [found[key] for key in sorted(found, key=lambda key: (key[0].casefold(), key[1]))]
