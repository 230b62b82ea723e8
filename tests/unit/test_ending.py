"""Which models are in use, and which of them end soon enough to fail a weekly check."""

import json
from datetime import date
from pathlib import Path

from prefect_storyboard.ledger import open_storage
from prefect_storyboard.providers.images import image_models
from prefect_storyboard.providers.table import models
from prefect_storyboard.series.ending import endings, uses

SORA = models()["fal"]["sora-2"]
END = date(2026, 9, 24)


def plan_of(*names: str, provider: str = "fal") -> bytes:
    scenes = [{"model": {"name": name}} for name in names]
    return json.dumps({"provider": provider, "scenes": scenes}).encode()


def test_what_the_reels_of_the_library_are_rendered_with_is_in_use(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "library"))
    storage.write(plan_of("sora-2", "seedance-2", "sora-2"), "reels", "one", "plan.json")
    storage.write(plan_of("sora-2"), "reels", "two", "plan.json")
    storage.write(plan_of("seedance-2", provider="kie"), "reels", "three", "plan.json")
    storage.write(b"{ torn", "reels", "four", "plan.json")
    storage.write(b"no plan", "reels", "five", "reel.mp4")
    assert uses(storage, ["fal"]) == {("fal", "sora-2"): ("one", "two"), ("fal", "seedance-2"): ("one",)}


def test_a_model_is_named_from_so_many_days_before_its_end_to_so_many_after() -> None:
    assert SORA.retires_on == END
    used = {("fal", "sora-2"): ("one",), ("fal", "seedance-2"): ("one",), ("fal", "of a newer version"): ("one",)}
    days = [date(2026, 7, 25), date(2026, 7, 26), date(2026, 9, 24), date(2026, 11, 23), date(2026, 11, 24)]
    found = [[each.model for each in endings(used, today=day, days=60)] for day in days]
    assert found == [[], ["sora-2"], ["sora-2"], ["sora-2"], []]


def test_the_sentence_names_date_reels_and_successor() -> None:
    (ending,) = endings({("fal", "sora-2"): ("one", "two")}, today=END, days=0)
    assert str(ending) == (
        f"sora-2 at fal is switched off by its maker on 2026-09-24, and renders one, two; move to {SORA.successor}"
    )


def test_the_image_model_of_a_reels_stills_is_in_use_too(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "library"))
    drawn = json.loads(plan_of("seedance-2")) | {"stills": [{"drawing": {"model": {"name": "nano-banana-2.1"}}}]}
    storage.write(json.dumps(drawn).encode(), "reels", "one", "plan.json")
    assert uses(storage, ["fal"]) == {("fal", "seedance-2"): ("one",), ("fal", "nano-banana-2.1"): ("one",)}
    assert endings({("fal", "nano-banana-2.1"): ("one",)}, today=END, days=9999) == ()


def test_one_rule_says_when_models_of_clips_and_of_pictures_end() -> None:
    painter = image_models("fal")["nano-banana-2.1"]
    assert (painter.ending, painter.ended) == ("", False)
    gone = painter.model_copy(update={"retires_on": END, "successor": "painter-3"})
    assert gone.ending == "nano-banana-2.1 is switched off by its maker on 2026-09-24; its successor is painter-3"
    assert (gone.ended, gone.replacement) == (True, "Its successor is painter-3")
