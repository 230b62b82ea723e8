"""What a run asks, which answer is one, and for how long an approval holds: for its plan as that is carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from prefect.input import RunInput, keyset_from_base_key
from pydantic import ValidationError

from prefect_storyboard.ledger import Approval, Ledger, open_storage
from prefect_storyboard.series.approval_form import answer_of, described, form_of
from prefect_storyboard.series.approval_page import plan_page
from prefect_storyboard.series.approving import in_force, question_name, recorded
from prefect_storyboard.series.asking import NotApproved, Prefect, Stopped, ask_in_prefect
from prefect_storyboard.series.held import keep_plan
from prefect_storyboard.storyboards import Plan
from prefect_storyboard.storyboards.approval import (
    STAGES,
    Answer,
    Question,
    TakeOffered,
    missing,
    objections,
    plan_question,
    takes_question,
    without,
)

from .fakes import intent
from .test_held import planned, with_scene

PLAN = planned({"prompt": "Mara waits."}, {"prompt": "The sea."})
CHAIN = planned({}, {"continues": "s01"}, {"continues": "s02"}, {"prompt": "Sun."}, states=("new",) * 4)
APPROVE = Answer(decision="approve", by="Ada", max_cost_usd=9)


def asked(plan: Plan = PLAN, budget: float | None = 10.0) -> Question:
    question = plan_question(plan, budget)
    assert question
    return question


def takes(**numbers: int) -> dict[str, tuple[TakeOffered, ...]]:
    return {
        scene: tuple(TakeOffered(number=n, key=f"{scene}{n}", shown=n == 1) for n in range(1, count + 1))
        for scene, count in numbers.items()
    }


# --- the question


def test_a_plan_that_buys_nothing_is_not_asked_about() -> None:
    assert plan_question(planned({}, {}, states=("cached", "cached")), None) is None


def test_the_question_about_a_plan_has_its_hash_and_that_of_takes_changes_with_every_take_and_scene() -> None:
    assert asked().hash == PLAN.hash

    def of(plan: Plan, **numbers: int) -> str:
        question = takes_question(plan, takes(**numbers), None)
        assert question
        return question.hash

    same = of(PLAN, s01=1, s02=2)
    assert same == of(PLAN, s01=1, s02=2)
    assert same != of(PLAN, s01=1, s02=3)
    assert same != of(planned({"prompt": "Mara runs."}, {"prompt": "The sea."}), s01=1, s02=2)
    assert same != of(with_scene(PLAN, 0, usd=99.0), s01=1, s02=2)


@pytest.mark.parametrize("kind", STAGES)
def test_every_stage_asks_for_a_decision_and_a_name_and_the_form_has_flat_fields(kind: str) -> None:
    question = asked() if kind == "plan" else takes_question(PLAN, takes(s01=1, s02=3), None)
    assert question
    schema = form_of(question).model_json_schema()
    assert schema["required"] == ["decision", "by"]
    assert not any("anyOf" in facts or "$ref" in facts for facts in schema["properties"].values())
    with pytest.raises(ValidationError):
        form_of(question)()


def test_a_field_is_there_only_where_it_could_be_answered() -> None:
    def fields(question: Question | None) -> list[str]:
        assert question
        return [*form_of(question).model_fields]

    assert fields(asked()) == ["decision", "max_cost_usd", "leave_out", "by"]
    assert fields(asked(with_scene(PLAN, 0, usd=None))) == [
        "decision",
        "max_cost_usd",
        "buy_unpriced",
        "leave_out",
        "by",
    ]
    several = ["decision", "take_s02", "again", "note", "max_cost_usd", "by"]
    assert fields(takes_question(PLAN, takes(s01=1, s02=3), None)) == several


def test_the_form_proposes_the_callers_budget_or_else_what_the_plan_costs() -> None:
    assert (asked().budget, asked(budget=None).budget) == (10.0, asked().usd)


def test_text_of_the_storyboard_is_shown_literally() -> None:
    plan = planned({"prompt": "![x](http://e.vil/a.png) <b>|"}, {})
    page = plan_page(asked(plan), plan)
    assert r"!\[x\](http\://e.vil/a.png) \<b\>\|" in page


# --- the answer


OBJECTIONS: Mapping[str, tuple[dict[str, Any], str]] = {
    "budget": ({"max_cost_usd": 1}, "it would cost $2.4192, and the budget is $1.00"),
    "name": ({"by": " "}, "it does not say who has answered"),
    "scene": ({"leave_out": ("s09",)}, "nothing was asked about s09"),
    "note": ({"note": "Darker."}, "the note says what to change, and no scene is to be made again"),
}


@pytest.mark.parametrize("case", OBJECTIONS)
def test_an_answer_that_cannot_be_carried_out_says_why(case: str) -> None:
    change, why = OBJECTIONS[case]
    assert [*objections(asked(), APPROVE.model_copy(update=change), PLAN)] == [why]


def test_an_answer_about_takes_is_held_to_the_takes_and_the_budget() -> None:
    question = takes_question(PLAN, takes(s01=1, s02=2), None)
    assert question
    picked = APPROVE.model_copy(update={"takes": {"s02": 3}})
    assert [*objections(question, picked, PLAN)] == ["s02 has no take 3"]
    again = APPROVE.model_copy(update={"again": ("s01", "s02"), "max_cost_usd": 2})
    assert [*objections(question, again, PLAN)] == ["it would cost $2.4192, and the budget is $2.00"]
    assert [*objections(question, APPROVE.model_copy(update={"again": ("s01",)}), PLAN)] == []


def test_an_unknown_price_is_bought_only_where_somebody_says_so() -> None:
    plan = with_scene(PLAN, 0, usd=None)
    assert [*objections(asked(plan), APPROVE, plan)] == ["the price of s01 is unknown: allow that, or leave them out"]
    assert [*objections(asked(plan), APPROVE.model_copy(update={"buy_unpriced": True}), plan)] == []
    assert [*objections(asked(plan), APPROVE.model_copy(update={"leave_out": ("s01",)}), plan)] == []


def test_to_stop_needs_no_budget() -> None:
    assert [*objections(asked(), Answer(decision="stop", by="Ada", max_cost_usd=0), PLAN)] == []


def test_the_form_says_the_same_as_the_answer() -> None:
    question = takes_question(PLAN, takes(s01=1, s02=2), None)
    assert question
    given = form_of(question)(decision="approve", by="Ada", take_s02="take 2", again=["s01"], note="Darker.")  # type: ignore[call-arg]
    said = answer_of(question, given)
    assert (said.takes, said.again, said.note, said.max_cost_usd) == ({"s02": 2}, ("s01",), "Darker.", 2.4192)


# --- what is left out


def test_who_leaves_out_a_scene_leaves_out_what_needs_it() -> None:
    assert [scene.scene.id for scene in without(CHAIN, ["s02"]).scenes] == ["s01", "s04"]
    assert missing(CHAIN, ["s02"], "Ada") == {
        "s02": "left out by Ada",
        "s03": "it needs s02, which was left out by Ada",
    }


def test_a_scene_that_is_bought_is_not_left_out_and_one_that_needs_a_lost_one_is_kept() -> None:
    plan = planned({}, {"continues": "s01"}, states=("new", "cached"))
    kept = without(plan, ["s01", "s02"])
    assert [(scene.scene.id, scene.standing) for scene in kept.scenes] == [("s02", True)]
    assert missing(plan, ["s01", "s02"], "Ada") == {"s01": "left out by Ada"}


# --- how long an approval holds


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(open_storage(f"memory://approval/{uuid4().hex}"))


def approve(ledger: Ledger, plan: Plan = PLAN, run: str = "r1", **said: Any) -> Approval:
    keep_plan(ledger.storage, plan)
    question = asked(plan)
    answer = APPROVE.model_copy(update=said)
    return ledger.approve(question.reel, recorded(question, answer, question_name(ledger, question), run))


def test_an_approval_holds_for_its_plan_in_any_run_while_something_is_left_to_buy(ledger: Ledger) -> None:
    assert in_force(ledger, PLAN, "r1") is None
    made = approve(ledger)
    assert in_force(ledger, PLAN, "r2") == made
    assert in_force(ledger, with_scene(PLAN, 0, state="cached"), "r2") == made, "bought by now"
    done = planned({"prompt": "Mara waits."}, {"prompt": "The sea."}, states=("cached", "cached"))
    assert in_force(ledger, done, "r2") is None


@pytest.mark.parametrize(
    "changed",
    [
        planned({"prompt": "Mara runs."}, {"prompt": "The sea."}),
        planned({"prompt": "Mara waits."}, states=("new",)),
        planned({"prompt": "Mara waits."}, {"prompt": "The sea."}, {}, states=("new",) * 3),
        with_scene(PLAN, 0, usd=9.0),
        PLAN.model_copy(update={"attempts": 2}),
        PLAN.model_copy(update={"account": "other"}),
    ],
)
def test_a_changed_plan_is_another_question(ledger: Ledger, changed: Plan) -> None:
    approve(ledger)
    assert in_force(ledger, changed, "r1") is None


def test_what_was_left_out_is_not_asked_about_again_in_its_own_run_only(ledger: Ledger) -> None:
    approve(ledger, leave_out=("s02",))
    rest = with_scene(PLAN, 0, state="cached")
    assert in_force(ledger, PLAN, "r2"), "s01 is approved, and not bought yet"
    assert in_force(ledger, rest, "r1")
    assert in_force(ledger, rest, "r2") is None


def test_an_approval_whose_budget_was_spent_otherwise_is_not_in_force(ledger: Ledger) -> None:
    approve(ledger, max_cost_usd=2.5)
    bought = intent("e" * 64, reel=PLAN.storyboard.slug).model_copy(update={"usd": 1.0, "at": datetime.now(UTC)})
    ledger.journal.add_spent(bought, 1)
    assert in_force(ledger, PLAN, "r1") is None


def test_the_same_answer_read_again_is_the_same_approval_and_the_next_one_has_another_name(ledger: Ledger) -> None:
    question = asked()
    name = question_name(ledger, question)
    first, again = (ledger.approve("t", recorded(question, APPROVE, name, "r1")) for _ in range(2))
    assert first == again
    assert ledger.approvals("t") == (first,)
    assert question_name(ledger, question) != name


# --- asking in Prefect


@dataclass
class Server:
    """Prefect, as far as a run asks there: the answers that it holds, and what the run waits for."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    fired: list[str] = field(default_factory=list)
    told: list[Question] = field(default_factory=list)

    async def ask(self, question: Question, plan: Plan = PLAN) -> Answer:
        async def announce(question: Question, until: datetime) -> None:
            self.told.append(question)

        async def read(key: str) -> Mapping[str, Any] | None:
            return self.answers.get(key)

        async def suspend(*, wait_for_input: type[RunInput], timeout: int, key: str) -> RunInput:  # noqa: ASYNC109 - as Prefect's
            assert timeout == 24 * 3600
            self.fired.append(key)
            raise Suspended

        prefect = Prefect(deployed=True, fired=tuple(self.fired), suspend=suspend, read=read)
        return await ask_in_prefect(question, plan, name="q", hours=24, prefect=prefect, announce=announce)

    def answer(self, key: str, **said: Any) -> None:
        self.answers[keyset_from_base_key(f"suspended-{key}")["response"]] = said


class Suspended(BaseException):
    """The process ends."""


BUY = {"decision": "approve", "by": "Ada", "max_cost_usd": 9.0}


async def test_a_run_is_suspended_until_there_is_an_answer_and_says_so_once() -> None:
    server = Server()
    with pytest.raises(Suspended):
        await server.ask(asked())
    server.answer("q-1", **BUY)
    assert (await server.ask(asked())).by == "Ada"
    assert (await server.ask(asked())).by == "Ada", "whoever begins again reads the same answer"
    assert len(server.told) == 1


async def test_a_pause_that_has_ended_without_an_answer_is_followed_by_another_one() -> None:
    server = Server(fired=["q-1"])
    with pytest.raises(Suspended):
        await server.ask(asked())
    assert server.fired == ["q-1", "q-2"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (BUY | {"max_cost_usd": 1.0}, "it would cost"),
        (BUY | {"take": "take 1"}, "take: Extra inputs are not permitted"),
    ],
)
async def test_an_answer_that_cannot_be_carried_out_buys_nothing_and_is_asked_for_again(
    said: dict[str, Any], why: str
) -> None:
    server = Server(fired=["q-1"])
    server.answer("q-1", **said)
    with pytest.raises(Suspended):
        await server.ask(asked())
    assert server.fired == ["q-1", "q-2"]
    assert why in described(server.told[0])


async def test_to_stop_raises_and_says_that_nothing_was_bought() -> None:
    server = Server()
    server.answer("q-1", decision="stop", by="Ada")
    with pytest.raises(Stopped, match="Ada stopped the run; nothing was bought"):
        await server.ask(asked())
    assert issubclass(Stopped, NotApproved)
