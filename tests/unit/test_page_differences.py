"""What a run would change, on the page that is stored and on the one that is served; and colours that can be read."""

import re
from pathlib import Path

import pytest

from prefect_storyboard.media import catalogue, page
from prefect_storyboard.media.figures import Difference, total
from prefect_storyboard.media.live import Today, live
from prefect_storyboard.storyboards import FailedScene, Plan
from prefect_storyboard.tasks.assemble import _differences

from .test_page import clip, reel

STALE = Difference("s01", "stale", "its <prompt> has changed", "the next run renders it for $0.40", 0.4)
GONE = Difference("s02", "in doubt", "its job may have been bought", "storyboard jobs says how to settle it")
COLOUR = re.compile(r"--(\w+): (#[0-9a-f]{6});")


def stored(*differences: Difference) -> str:
    return page.page(reel(clip()), [page.Card(clip=clip(), href="a.mp4", poster=b"")], differences=differences)


def test_a_page_whose_scenes_are_current_says_nothing_of_changes() -> None:
    assert "What a run would change" not in stored()
    assert "What a run would change" not in live(stored(STALE), Today(), pick="pick")


def test_each_difference_has_its_reason_and_its_price() -> None:
    html = stored(STALE, GONE)
    assert "its &lt;prompt&gt; has changed<small>the next run renders it for $0.40</small>" in html
    assert '<mark class="in doubt">in doubt</mark>' in html
    assert "<td>unknown</td>" in html
    assert "<td>$0.40 and 1 of unknown price</td>" in html
    assert total([STALE, STALE]) == "$0.80"


def test_a_served_page_says_what_differs_today_and_where_picks_go() -> None:
    html = live(stored(STALE), Today((GONE,)), pick="pick")
    assert html.count('<section id="differences">') == 1
    assert "has changed" not in html
    assert "its job may have been bought" in html
    assert html.count('<meta name="pick" content="pick">\n<title>') == 1
    assert html.replace('<meta name="pick" content="pick">\n', "") == stored(GONE)


def test_what_a_reel_lacks_is_on_its_page(tmp_path: Path) -> None:
    facts = {"warnings": (), "storyboard": None}
    scenes = [_Planned("s01", "is made of another s00", 0.4), _Planned("s02", None, 1.2), _Planned("s03", None, 0.8)]
    plan = Plan.model_construct(scenes=scenes, **facts)
    failed = FailedScene(scene="s03", state="failed", error="it is too dark", charged=False, remedy="run it again")
    assert _differences(plan, [failed]) == [
        Difference("s01", "stale", "is made of another s00", "", 0.4),
        Difference("s03", "missing", "it is too dark", "run it again", 0.8),
    ]


class _Planned:
    """As much of a planned scene as is looked at."""

    def __init__(self, name: str, stale: str | None, usd: float) -> None:
        self.scene, self.stale, self.usd = type("Scene", (), {"id": name}), stale, usd


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_every_text_can_be_read_in_both_colours(scheme: str) -> None:
    """WCAG 2.1 AA: 4.5 to 1 for text, on the ground and on panels."""
    css = Path(page.__file__).with_name("ground.css").read_text(encoding="utf-8")
    dark, _, light = css.partition("@media (prefers-color-scheme: light)")
    colours = dict(COLOUR.findall(dark if scheme == "dark" else light))
    assert {*colours} == {"ground", "panel", "rule", "ink", "soft", "quiet", "gold", "rust"}
    for text in ("ink", "soft", "quiet", "gold", "rust"):
        for ground in ("ground", "panel"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def test_page_and_catalogue_follow_the_system_to_light_colours() -> None:
    for html in (stored(), "".join(catalogue.catalogue([], "library"))):
        assert '<meta name="color-scheme" content="dark light">' in html
        assert "@media (prefers-color-scheme: light)" in html


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted(map(_luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
