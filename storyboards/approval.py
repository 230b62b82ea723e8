"""A run asks a person before it buys, and the answer changes its plan. Pure: no I/O, no clock.

A question carries the hash of the plan or the takes that it shows. An answer counts only for that hash: if the plan or
the takes have changed since, it buys nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from pydantic import Field, JsonValue

from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.nouns import Frozen
from prefect_storyboard.storyboards.plan import Plan, PlannedCharacter, PlannedJob, PlannedScene, PlannedSheet

ApprovalKind = Literal["plan", "stills", "takes"]
Decision = Literal["approve", "stop"]

_OPEN = {None, "new", "unknown"}  # what a run may have to buy


class Stage(NamedTuple):
    """A stage at which a run can wait for an answer: what it asks about, and the fields of its form in order."""

    asks: str
    fields: tuple[str, ...]


STAGES: Mapping[ApprovalKind, Stage] = {
    "plan": Stage("what will be bought", ("decision", "max_cost_usd", "buy_unpriced", "leave_out", "by")),
    "stills": Stage(
        "which stills the clips begin with",
        ("decision", "takes", "again", "note", "max_cost_usd", "buy_unpriced", "leave_out", "by"),
    ),
    "takes": Stage("which takes the reel shows", ("decision", "takes", "again", "note", "max_cost_usd", "by")),
}


class TakeOffered(Frozen):
    """A stored take, of a clip or a still, that a person may choose. `shown` is the one that stands now."""

    number: int
    key: str
    shown: bool = False
    url: str = ""


class Question(Frozen):
    """What is asked. `scenes` are the ids that may be left out; `prices` has those of one new take, by its scene.

    `left_out` are proposed to be left out, and `reasons` say why it is asked again.
    """

    kind: ApprovalKind
    title: str
    reel: str
    hash: str
    about: str = Field(default="", description="What the scenes ask for and cost, in one word.")
    asked: dict[str, str] = Field(default={}, description="Of stills: what each scene asks for, in one word.")
    scenes: tuple[str, ...] = ()
    prices: dict[str, float | None] = Field(default={})
    takes: dict[str, tuple[TakeOffered, ...]] = Field(default={})
    usd: float = 0.0
    unpriced: tuple[str, ...] = ()
    max_cost_usd: float | None = None
    left_out: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    page: str = Field(default="", description="The question as Markdown.")

    def offered(self, name: str) -> bool:
        """Whether the form has this field. A field without anything to choose is left out."""
        if name not in STAGES[self.kind].fields:
            return False
        there = {"buy_unpriced": self.unpriced, "leave_out": self.scenes, "again": self.prices, "note": self.prices}
        return bool(there.get(name, True))

    @property
    def choices(self) -> dict[str, tuple[TakeOffered, ...]]:
        """The scenes that have more than one take."""
        return {scene: takes for scene, takes in self.takes.items() if len(takes) > 1}

    @property
    def budget(self) -> float:
        """The budget that the form proposes."""
        if self.max_cost_usd is not None:
            return self.max_cost_usd
        return round(sum(usd or 0.0 for usd in self.prices.values()), 6) if self.kind == "takes" else self.usd


class Answer(Frozen):
    """What a person says. `takes` are numbers by scene; `again` the scenes to render again as `note` says."""

    decision: Decision
    by: str
    max_cost_usd: float | None = None
    buy_unpriced: bool = False
    leave_out: tuple[str, ...] = ()
    takes: dict[str, int] = Field(default={})
    again: tuple[str, ...] = ()
    note: str = ""


def plan_question(plan: Plan, max_cost_usd: float | None) -> Question | None:
    """The question about a plan whose jobs have their states; None if the plan buys nothing."""
    if not plan.unsettled:
        return None
    return Question(
        kind="plan",
        title=plan.storyboard.title,
        reel=plan.storyboard.slug,
        hash=plan.hash,
        scenes=tuple(scene.scene.id for scene in plan.scenes if scene in plan.unsettled),
        usd=cost_of(plan),
        unpriced=unpriced_of(plan),
        max_cost_usd=max_cost_usd,
    )


def takes_question(
    plan: Plan, takes: Mapping[str, tuple[TakeOffered, ...]], max_cost_usd: float | None
) -> Question | None:
    """The question about the stored takes of a reel; None if it has none. One more take asks another question."""
    if not takes:
        return None
    about = scenes_digest(plan)
    keys: dict[str, JsonValue] = {scene: [take.key for take in each] for scene, each in takes.items()}
    prices = {scene.scene.id: scene.usd for scene in plan.scenes if scene.scene.id in takes}
    return Question(
        kind="takes",
        title=plan.storyboard.title,
        reel=plan.storyboard.slug,
        hash=digest({"takes": keys, "about": about}),
        about=about,
        scenes=tuple(prices),
        prices=prices,
        takes=dict(takes),
        max_cost_usd=max_cost_usd,
    )


def scenes_digest(plan: Plan) -> str:
    """Changes when a scene asks for something else, or a new take of it has another price."""
    scenes: dict[str, JsonValue] = {scene.scene.id: [scene.own_identity, scene.usd] for scene in plan.scenes}
    return digest({"provider": plan.provider, "account": plan.account, "scenes": scenes})


def objections(question: Question, answer: Answer, plan: Plan) -> Iterator[str]:
    """The reasons why an answer cannot be carried out, one sentence each. If there are any, nothing is bought."""
    if not answer.by.strip():
        yield "it does not say who has answered"
    if answer.decision == "stop":
        return
    known = {*question.scenes, *question.prices}
    if unknown := sorted({*answer.leave_out, *answer.again, *answer.takes} - known):
        yield f"nothing was asked about {', '.join(unknown)}"
        return
    for scene, number in answer.takes.items():
        if number not in [take.number for take in question.takes.get(scene, ())]:
            yield f"{scene} has no take {number}"
    if answer.note.strip() and not answer.again:
        yield "the note says what to change, and no scene is to be made again"
    yield from _over_budget(question, answer, plan)


def _over_budget(question: Question, answer: Answer, plan: Plan) -> Iterator[str]:
    if question.kind == "takes" or answer.again:
        usd = round(sum(question.prices.get(scene) or 0.0 for scene in answer.again), 6)
        unpriced: Collection[str] = ()
    else:
        part = without(plan, answer.leave_out)
        usd, unpriced = cost_of(part), unpriced_of(part)
    if answer.max_cost_usd is not None and usd > answer.max_cost_usd:
        yield f"it would cost {price(usd)}, and the budget is {price(answer.max_cost_usd)}"
    if unpriced and not answer.buy_unpriced:
        yield f"the price of {', '.join(unpriced)} is unknown: allow that, or leave them out"


def without(plan: Plan, left_out: Collection[str]) -> Plan:
    """The plan without these scenes, the scenes that need them, and the characters that only they show.

    A scene that is bought already stays.
    """
    gone = _gone(plan, left_out)
    scenes = tuple(_kept(plan, scene, gone) for scene in plan.scenes if scene.scene.id not in gone)
    takes = tuple(take for take in plan.takes if take.scene.id not in gone)
    dropped = _families(scene for scene in plan.renders if scene.scene.id in gone)
    dropped -= _families((*scenes, *takes))
    cast = tuple(each for each in plan.characters if (each.character.name, each.model.casting) not in dropped)
    part = plan.model_copy(update={"scenes": scenes, "takes": takes, "characters": cast, "variants": ()})
    return part.drawing(scene.scene.id for scene in scenes if scene.still)


def _needs(plan: Plan, scene: PlannedScene) -> tuple[str, ...]:
    """The scenes that a scene needs, directly or through its still."""
    stills = {still.name: still.needs for still in plan.stills}
    return tuple(dict.fromkeys(name for need in scene.needs for name in stills.get(need, (need,))))


def missing(plan: Plan, left_out: Collection[str], by: str) -> dict[str, str]:
    """Why each scene of the plan that is not rendered has no clip, by its id."""
    rendered = {scene.scene.id for scene in without(plan, left_out).scenes}
    why = {scene: f"left out by {by}" for scene in left_out if scene not in rendered}
    for scene in plan.scenes:
        name = scene.scene.id
        if name not in rendered and name not in why:
            first = next(need for need in _needs(plan, scene) if need not in rendered)
            why[name] = f"it needs {first}, which was left out by {by}"
    return {scene.scene.id: why[scene.scene.id] for scene in plan.scenes if scene.scene.id in why}


def _gone(plan: Plan, left_out: Collection[str]) -> set[str]:
    """The scenes that are left out, as far as they are not bought, and those that cannot be rendered without them."""
    gone = {scene.scene.id for scene in plan.scenes if scene.scene.id in left_out and scene.state in _OPEN}
    while more := {scene.scene.id for scene in plan.scenes if _is_lost(plan, scene, gone)} - gone:
        gone |= more
    return gone


def _is_lost(plan: Plan, scene: PlannedScene, gone: Collection[str]) -> bool:
    return not scene.standing and scene.state in _OPEN and any(need in gone for need in _needs(plan, scene))


def _kept(plan: Plan, scene: PlannedScene, gone: Collection[str]) -> PlannedScene:
    """If a bought scene needs one that is left out, its take is stored and shown all the same."""
    needs_lost = any(need in gone for need in _needs(plan, scene))
    return scene.model_copy(update={"standing": True}) if needs_lost else scene


def _families(scenes: Iterable[PlannedScene]) -> set[tuple[str, str | None]]:
    return {(name, scene.model.casting) for scene in scenes if not scene.standing for name in scene.cast}


def cost_of(plan: Plan) -> float:
    """What the jobs of known price cost that a run of the plan buys."""
    return round(sum(job.usd or 0.0 for job in plan.unsettled), 6)


def unpriced_of(plan: Plan) -> tuple[str, ...]:
    """The jobs that a run of the plan buys at an unknown price."""
    return tuple(_name(job) for job in plan.unsettled if job.usd is None)


def _name(job: PlannedJob) -> str:
    if isinstance(job, PlannedCharacter):
        return job.character.name
    return f"sheet of {job.name}" if isinstance(job, PlannedSheet) else job.subject
