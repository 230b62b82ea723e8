"""The form in which Prefect asks a question: a flat `RunInput`, one field for each thing that a person may decide.

Its description is Markdown: the table of the plan, or the takes as pictures. Fields are plain types and enums, because
Prefect's form mishandles unions; each but the decision and the name has the value that changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from prefect.input import RunInput
from pydantic import Field, create_model

from prefect_storyboard.series.markdown import escaped
from prefect_storyboard.storyboards.approval import STAGES, Answer, Question
from prefect_storyboard.storyboards.money import price

_MAKE = {"stills": "draw", "takes": "render"}  # what is done again
_TAKE = "take_"  # begins the name of the field of a scene's takes

FieldOf = tuple[Any, Any]  # a type and its pydantic Field


def form_of(question: Question) -> type[RunInput]:
    """The form of a question, with the fields of its stage that can be answered."""
    fields: dict[str, Any] = {}
    for name in STAGES[question.kind].fields:
        if question.offered(name):
            fields |= dict(_FIELDS[name](question))
    form = create_model("Approval", __base__=RunInput, **fields)
    form._description = described(question)  # noqa: SLF001 - what with_initial_data sets, which would retype the fields
    return form


def described(question: Question) -> str:
    """What stands above the form, as Markdown: why it is asked again, and what it is about."""
    again = [f"**Not done: {escaped(reason)}.** Nothing was bought." for reason in question.reasons]
    return "\n\n".join((*again, question.page))


def answer_of(question: Question, given: RunInput) -> Answer:
    """What the form says."""
    facts = given.model_dump()
    takes = {scene: _number(facts.pop(f"{_TAKE}{scene}")) for scene in question.choices}
    return Answer.model_validate({**facts, "takes": takes})


def _decision(question: Question) -> Iterator[tuple[str, FieldOf]]:
    what = {
        "plan": f"Approve buys all that is not left out; stop ends the run, and nothing is bought. {_cost(question)}",
        "stills": f"Approve draws again what is chosen below, or else buys the motion; stop ends. {_cost(question)}",
        "takes": "Approve renders again what is chosen below, or else makes the reel; stop ends the run.",
    }
    yield "decision", (Literal["approve", "stop"], Field(title="Decision", description=what[question.kind]))


def _max_cost_usd(question: Question) -> Iterator[tuple[str, FieldOf]]:
    what = {
        "plan": "The most that may be spent. If what you have not left out costs more, you are asked again.",
        "stills": "The most that the motion may cost, or, where you have stills drawn again, the most that this may.",
        "takes": "The most that rendering again may cost. Choosing costs nothing.",
    }
    said = Field(default=question.budget, ge=0, title="Budget in USD", description=what[question.kind])
    yield "max_cost_usd", (float, said)


def _buy_unpriced(question: Question) -> Iterator[tuple[str, FieldOf]]:
    names = ", ".join(question.unpriced)
    what = f"Nobody has published the price of {names}. It does not count against the budget."
    yield "buy_unpriced", (bool, Field(default=False, title="Also buy at an unknown price", description=what))


def _leave_out(question: Question) -> Iterator[tuple[str, FieldOf]]:
    what = "Scenes that are not bought, nor the scenes that continue them. The reel is made without them."
    left_out = [*question.left_out]
    yield "leave_out", (_some_of(question.scenes), Field(default=left_out, title="Leave out", description=what))


def _takes(question: Question) -> Iterator[tuple[str, FieldOf]]:
    for scene, takes in question.choices.items():
        words = tuple(_word(take.number) for take in takes)
        shown = next((_word(take.number) for take in takes if take.shown), words[-1])
        title = f"{scene}: which {'still' if question.kind == 'stills' else 'take'}"
        yield f"{_TAKE}{scene}", (Literal[words], Field(default=shown, title=title, description="Costs nothing."))


def _again(question: Question) -> Iterator[tuple[str, FieldOf]]:
    costs = ", ".join(f"{scene} {price(usd)}" for scene, usd in question.prices.items())
    verb = _MAKE[question.kind]
    what = f"Scenes to {verb} once more before you are asked again; the takes that are there stay. It buys: {costs}."
    yield "again", (_some_of([*question.prices]), Field(default=[], title=f"{verb.title()} again", description=what))


def _note(question: Question) -> Iterator[tuple[str, FieldOf]]:
    what = f"For what you {_MAKE[question.kind]} again, in your own words: it is added to the prompts."
    yield "note", (str, Field(default="", title="What to change", description=what))


def _by(_: Question) -> Iterator[tuple[str, FieldOf]]:
    what = "Kept in the library with the decision."
    yield "by", (str, Field(min_length=1, title="Your name", description=what))


_FIELDS: Mapping[str, Callable[[Question], Iterator[tuple[str, FieldOf]]]] = {
    "decision": _decision,
    "max_cost_usd": _max_cost_usd,
    "buy_unpriced": _buy_unpriced,
    "leave_out": _leave_out,
    "takes": _takes,
    "again": _again,
    "note": _note,
    "by": _by,
}


def _some_of(ids: Sequence[str]) -> Any:
    return list[Literal[tuple(ids)]]  # type: ignore[misc] # the ids are known only now


def _cost(question: Question) -> str:
    unknown = f", and {', '.join(question.unpriced)} at an unknown price" if question.unpriced else ""
    return f"All of it costs {price(question.usd)}{unknown}."


def _word(number: int) -> str:
    return f"take {number}"


def _number(word: str) -> int:
    return int(word.removeprefix("take "))
