"""An image model that ends is said in the plan, and refused before anything is bought, by the rule for clips."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.ledger import Decision
from prefect_storyboard.providers.errors import Retired
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.price import check_offered
from prefect_storyboard.storyboards import Plan, Source, plan, shots, validate

from .test_keyframes import CAST, PAINTER, SCENES

GONE = PAINTER.model_copy(update={"retires_on": date(2026, 9, 24), "successor": "painter-3"})


def planned(painter: Any) -> Plan:
    board = validate({"title": "T", "model": "kling-o3", "stills": "painter", "cast": CAST, "scenes": SCENES})
    resolved = shots(board, lambda name: model("fal", name), Source())
    files: dict[str, str] = defaultdict(lambda: "c" * 64)
    return plan(board, resolved, provider="fal", account="default", content=files, image_model=painter)


@dataclass
class Gateway:
    """Its list has these endpoints; None where it has no list."""

    sells: tuple[str, ...] | None = None

    @property
    def provider(self) -> "Gateway":
        return self

    async def offered(self, endpoint: str) -> bool | None:
        return None if self.sells is None else endpoint in self.sells


async def check(made: Plan, gateway: Gateway, decision: Decision = Decision.SUBMIT) -> None:
    decided = {job.key: decision for job in made.jobs}
    wanted = Estimate(decisions=decided, damaged={}, blocked={}, usd=0.0, unpriced=())
    await check_offered(gateway, made, wanted, allow_retired=False)  # type: ignore[arg-type]


def test_the_plan_says_when_the_image_model_ends() -> None:
    said = "painter is switched off by its maker on 2026-09-24; its successor is painter-3"
    assert (said in planned(GONE).warnings, said in planned(PAINTER).warnings) == (True, False)


async def test_a_picture_of_a_model_that_has_ended_is_refused_before_anything_is_bought() -> None:
    with pytest.raises(Retired, match=r"painter is not sold any more at fal \(its maker ended it on 2026-09-24\)"):
        await check(planned(GONE), Gateway())
    await check(planned(GONE), Gateway(), Decision.DONE)
    await check(planned(PAINTER), Gateway())


async def test_what_is_no_longer_on_the_gateways_list_is_refused() -> None:
    made = planned(PAINTER)
    clips = tuple(scene.endpoint for scene in made.scenes)
    await check(made, Gateway((*clips, "paint", "paint/edit")))
    with pytest.raises(Retired, match=r"painter is not sold any more at fal \(the provider's list says so\)"):
        await check(made, Gateway((*clips, "paint")))
