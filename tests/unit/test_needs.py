"""`storyboard models`: which models sell a scene, for how much, and what programs read of it."""

import json
from typing import Any

import pytest

from prefect_storyboard.cli import models as command
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards.needs import Need


def names(*providers: str, **need: Any) -> list[str]:
    return [f"{each.model.provider} {each.model.name}" for each in command.select(providers, Need(**need))]


def test_without_a_wish_every_living_model_is_listed_with_provider_model_date_and_price(capsys: Any) -> None:
    assert command.show((), Need(), as_json=True) == 0
    entries = json.loads(capsys.readouterr().out)
    living = {(model.provider, model.name) for sold in models().values() for model in sold.values() if not model.ended}
    assert {(each["provider"], each["model"]) for each in entries} == living
    assert len(entries) >= 20
    assert all({"price", "retires_on", "prices"} <= each.keys() for each in entries)


def test_the_cheapest_comes_first_and_unknown_prices_last() -> None:
    prices = [offer.usd for offer in command.select((), Need(seconds=8))]
    known = [usd for usd in prices if usd is not None]
    assert known == sorted(known)
    assert prices == known + [None] * (len(prices) - len(known))


def test_each_wish_leaves_out_what_does_not_sell_it() -> None:
    wide = set(names("fal", characters=3, seconds=8, aspect="21:9"))
    assert "fal seedance-2" in wide
    assert "fal kling-o3" not in wide
    assert "fal veo-3.1" not in names("fal", seconds=12)
    assert "fal veo-3.1" not in names("fal", characters=4, seconds=8)
    assert {*names("fal", characters=1, seconds=8, resolution="1080p")} < {*names("fal", characters=1, seconds=8)}


def test_silence_has_its_own_price_and_leaves_out_what_cannot_be_silent() -> None:
    loud, quiet = ({each.model.name: each.usd for each in command.select(["fal"], Need(seconds=8, silent=silent))}
                   for silent in (False, True))  # fmt: skip
    assert quiet["veo-3.1"] * 2 == pytest.approx(loud["veo-3.1"])
    assert quiet.keys() == {name for name in loud if models()["fal"][name].sound != "always"}


def test_under_a_highest_price_what_nobody_publishes_is_left_out() -> None:
    found = command.select((), Need(seconds=8, max_usd=1))
    assert found
    assert all(offer.usd is not None and offer.usd <= 1 for offer in found)


def test_the_list_fits_a_screen_and_says_how_characters_are_shown_and_what_clips_cost(capsys: Any) -> None:
    command.show(["fal"], Need(characters=2, seconds=8), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 90
    said = " ".join(line.strip() for line in lines)
    assert "shown: 1 to 3 pictures each, or a clip" in said
    assert "720p with clips: $0.1814/s in and out" in said


def test_where_nothing_is_sold_and_where_no_such_gateway_is_the_exit_code_is_1(capsys: Any) -> None:
    assert command.show((), Need(characters=40), as_json=False) == 1
    assert "no model can render such a scene" in capsys.readouterr().out
    assert command.show(["fall"], Need(), as_json=False) == 1
    assert "fall is not a known gateway; choose from fal" in capsys.readouterr().err
    assert command.show((), Need(aspect="wide"), as_json=False) == 1
    assert "aspect: " in capsys.readouterr().err
