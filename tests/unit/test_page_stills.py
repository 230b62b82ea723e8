"""The page shows each scene's stills with the chosen one, what they cost, and the sheets of the cast."""

from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.media.drawn import Drawn
from prefect_storyboard.media.page import write_page
from prefect_storyboard.storyboards import Clip, Still

from .test_keyframes import planned
from .test_page import NASTY, card, clip, jpeg, reel
from .test_stills_standing import still_of

PICTURE = planned().stills[0]


def still(**facts: Any) -> Still:
    return still_of(PICTURE, "s01").model_copy(update=facts)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "still.jpg"
    file.write_bytes(jpeg())
    return file


def laid_out(tmp_path: Path, stills: tuple[Drawn, ...], sheets: tuple[Drawn, ...] = ()) -> str:
    shown: Clip = clip()
    entry = card(shown).model_copy(update={"stills": stills})
    write_page(tmp_path / "index.html", reel(shown), [entry], sheets=sheets)
    return (tmp_path / "index.html").read_text()


def test_every_still_take_is_there_with_its_price_and_the_chosen_one_has_no_pick(tmp_path: Path, picture: Path) -> None:
    first = Drawn(still=still(), file=picture, chosen=True)
    second = Drawn(still=still(take=2, cost_usd=None, basis={"note": NASTY}), file=picture)
    text = laid_out(tmp_path, (first, second))
    assert '<ol class="stills" aria-label="Stills of s01">' in text
    assert text.count('class="pick-still"') == 1
    assert '<button type="button" class="pick-still" data-take="2">' in text
    assert ("<b>still 1</b> · $0.04\n· chosen" in text, "<b>still 2</b> · price unknown" in text) == (True, True)
    assert text.count('<img src="data:image/jpeg;base64,') == 2
    assert NASTY not in text


def test_the_sheets_of_the_cast_stand_below_with_their_looks(tmp_path: Path, picture: Path) -> None:
    sheet = Drawn(still=still(sheet_of="Mara", look="storm"), file=picture)
    text = laid_out(tmp_path, (), (sheet,))
    assert "<h2>The sheets of the cast</h2>" in text
    assert '<b dir="auto">Mara (storm)</b> · $0.04' in text


def test_a_picture_that_is_gone_leaves_its_line_and_a_reel_without_stills_has_none(tmp_path: Path) -> None:
    assert "<b>still 1</b>" in laid_out(tmp_path, (Drawn(still=still(), file=None),))
    plain = laid_out(tmp_path, ())
    assert 'class="stills"' not in plain
    assert "The sheets of the cast" not in plain
