"""What a run asks about its stills, and for how long an answer counts: scene by scene, as long as it asks for the same."""

import json
from typing import Any

import pytest

from prefect_storyboard.series.approval_form import answer_of, form_of
from prefect_storyboard.series.approval_page import plan_page
from prefect_storyboard.series.held import plan_text, read_plan
from prefect_storyboard.storyboards import Plan
from prefect_storyboard.storyboards.approval import Answer, Question, TakeOffered, objections, plan_question
from prefect_storyboard.storyboards.approval_stills import Stills, asked_of, ready, stills_digest, stills_question

from .test_keyframes import CAST, SCENES, planned, with_storm

FOLLOWING = [*SCENES, {"id": "s03", "prompt": "Mara sleeps.", "continues": "s01"}]
APPROVE = Answer(decision="approve", by="Ada", max_cost_usd=20)


def drawn(scenes: list[dict[str, Any]] = FOLLOWING, cast: list[dict[str, Any]] = CAST, **facts: Any) -> Plan:
    """A plan whose pictures are drawn, and whose clips are not bought."""
    made = planned(scenes, cast, **facts)
    pictures = {
        "sheets": tuple(each.model_copy(update={"state": "cached"}) for each in made.sheets),
        "stills": tuple(each.model_copy(update={"state": "cached"}) for each in made.stills),
        "scenes": tuple(each.model_copy(update={"state": "new"}) for each in made.scenes),
    }
    return made.model_copy(update=pictures)


def stills(**numbers: int) -> Stills:
    return {
        scene: tuple(TakeOffered(number=n, key=f"{scene}-{n}", shown=n == 1) for n in range(1, count + 1))
        for scene, count in numbers.items()
    }


BOTH = stills(s01=2, s02=1)


def asked(plan: Plan, found: Stills = BOTH) -> Question:
    question = stills_question(ready(plan, found), found, 20.0, about=stills_digest(plan))
    assert question
    return question


def test_a_clip_is_asked_about_once_its_still_is_drawn_and_what_that_goes_on_from_is_there() -> None:
    part = ready(drawn(), BOTH)
    assert [scene.scene.id for scene in part.scenes] == ["s01", "s02"]
    assert [still.scene.id for still in part.stills] == ["s01", "s02"]
    assert [scene.scene.id for scene in ready(drawn(), stills(s02=1, s03=1)).scenes] == ["s02"]


def test_the_form_has_a_still_to_choose_the_scenes_to_draw_again_and_the_price_of_motion() -> None:
    question = asked(drawn())
    fields = form_of(question).model_json_schema()["properties"]
    assert [*fields] == ["decision", "take_s01", "again", "note", "max_cost_usd", "leave_out", "by"]
    assert (fields["take_s01"]["title"], fields["again"]["title"]) == ("s01: which still", "Draw again")
    assert question.prices == {"s01": 0.04, "s02": 0.04}
    assert question.usd == sum(scene.usd or 0 for scene in drawn().scenes[:2])


def test_nothing_is_asked_where_no_clip_is_bought() -> None:
    made = drawn()
    bought = tuple(each.model_copy(update={"state": "cached"}) for each in made.scenes)
    assert stills_question(made.model_copy(update={"scenes": bought}), BOTH, None) is None


def test_an_answer_counts_for_a_scene_until_it_asks_for_something_else_or_has_another_still() -> None:
    before = asked_of(ready(drawn(), BOTH), BOTH)

    def changed(plan: Plan, found: Stills = BOTH) -> list[str]:
        today = asked_of(ready(plan, found), found)
        return [scene for scene in today if today[scene] != before[scene]]

    assert changed(drawn()) == []
    assert changed(drawn(), stills(s01=2, s02=2)) == ["s02"]
    assert changed(drawn([SCENES[0], SCENES[1] | {"motion": "They leap."}])) == ["s02"]
    assert changed(drawn().model_copy(update={"attempts": 2})) == ["s01", "s02"]
    assert changed(drawn().model_copy(update={"account": "other"})) == ["s01", "s02"]


def test_what_is_picked_and_drawn_again_counts_until_a_still_asks_for_something_else() -> None:
    assert stills_digest(drawn()) == stills_digest(planned(FOLLOWING))
    assert stills_digest(drawn()) != stills_digest(drawn(cast=with_storm("in a red cape")))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"max_cost_usd": 1.0}, ["it would cost $1.12, and the budget is $1.00"]),
        ({"max_cost_usd": 0.05, "again": ("s01", "s02")}, ["it would cost $0.08, and the budget is $0.05"]),
        ({"max_cost_usd": 1.0, "again": ("s01",)}, []),
        ({"takes": {"s01": 3}}, ["s01 has no take 3"]),
        ({"again": ("s03",)}, ["nothing was asked about s03"]),
        ({"note": "Darker."}, ["the note says what to change, and no scene is to be made again"]),
    ],
)
def test_an_answer_that_cannot_be_carried_out_says_why(said: dict[str, Any], why: list[str]) -> None:
    plan = drawn()
    answer = APPROVE.model_copy(update=said)
    assert [*objections(asked(plan), answer, ready(plan, BOTH))] == why


def test_what_was_left_out_before_is_proposed_again() -> None:
    plan = drawn()
    question = stills_question(ready(plan, BOTH), BOTH, None, left_out={"s02", "s09"})
    assert question
    said = form_of(question)(decision="approve", by="Ada")  # type: ignore[call-arg]
    assert answer_of(question, said).leave_out == ("s02",)


def test_the_form_of_a_plan_has_each_picture_with_its_price_and_pictures_and_motion_apart() -> None:
    made = planned(SCENES)
    question = plan_question(made, None)
    assert question
    page = plan_page(question, made)
    assert "**T: 9 jobs for $1.40 (pictures $0.28, motion $1.12)**" in page
    assert "| sheet of Mara (storm) | draw |" in page
    assert page.count("| draw |") == len(made.pictures) == 7
    saved = json.loads(plan_text(made))
    assert saved["usd"] == {"pictures": 0.28, "motion": 1.12}
    assert read_plan(plan_text(made), "plan.json") == made
