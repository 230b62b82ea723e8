"""What a take was made of, compared with the takes that stand today."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prefect_storyboard.ledger import Attempt, Draft
from prefect_storyboard.storyboards import PlannedScene, PlannedStill
from prefect_storyboard.storyboards.currency import MadeOf
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.origins import Origin
from prefect_storyboard.storyboards.planned_stills import own_identity_of_still
from prefect_storyboard.storyboards.still_prompts import LAST_FRAME


@dataclass(frozen=True)
class Take:
    """Name, identity and job key of a take that others are made of in this run."""

    name: str
    identity: str
    key: str


Needed = Mapping[str, Take]  # by the name of the scene or still
Node = PlannedStill | PlannedScene


def made_of(attempt: Attempt) -> MadeOf:
    """What the clip of an attempt was made of, by its own record."""
    draft = attempt.intent.draft
    if draft is None:
        return MadeOf(key=attempt.intent.key)
    facts = draft.model_dump(include={"basis", "identity", "model", "take"})
    facts |= {"own_identity": own_identity_of_draft(draft), "parent_key": parent_of(draft)}
    return MadeOf(key=attempt.intent.key, asked=draft.asked, characters=draft.characters, **facts)


def own_identity_of_draft(draft: Draft) -> str | None:
    """What a take asked for in itself; a still's draft has it in its basis."""
    if draft.still and draft.basis:
        return own_identity_of_still(draft.basis, int(str(draft.basis["copy"])))
    return draft.own_identity


def parent_of(draft: Draft) -> str | None:
    """The job of the take that it begins with; of a still, of the clip whose last frame it was drawn from."""
    if draft.still:
        return next((each.job_key for each in draft.still.references if each.role == LAST_FRAME), None)
    return draft.parent_key


def keys_of(needed: Needed) -> dict[str, str]:
    """The job of the take of each scene that is needed."""
    return {name: take.key for name, take in needed.items()}


def as_it_stands(scene: Node, take: Node) -> Node:
    """A further take that is paid for, in the place of the scene or still."""
    return scene.model_copy(update={"key": take.key, "standing": True})


def is_of(held: Attempt, scene: PlannedScene | PlannedStill, needed: Needed) -> bool:
    """Whether a job was ordered with just these takes: their keys say all that was asked of them."""
    draft = held.intent.draft
    return draft is not None and _is_child(draft, scene, needed) and not [*_others(draft, scene, needed)]


def _is_child(draft: Draft, scene: PlannedScene | PlannedStill, needed: Needed) -> bool:
    parent = scene.begins_with
    return not parent or parent_of(draft) == needed[parent].key


def _others(draft: Draft, scene: PlannedScene | PlannedStill, needed: Needed) -> Iterator[Origin]:
    """The characters that were made from another take of their scene."""
    if isinstance(scene, PlannedStill):
        return iter(())
    made = {casting.character: casting.made_of.job_key for casting in draft.characters if casting.made_of}
    return iter([origin for origin in scene.origins if made.get(origin.character) != needed[origin.scene].key])


def identity_of(held: Attempt) -> str:
    """What was asked of a take that is kept, as tasks.generate takes it from the clip."""
    draft = held.intent.draft
    return (draft and draft.identity) or held.intent.key


def explain(scene: PlannedScene | PlannedStill, held: Attempt, needed: Needed) -> str:
    """Why the take is stale, and what a new one costs."""
    parent, draft = scene.begins_with, held.intent.draft
    was = f"begins where another take of {parent} ended" if scene.scene.continues else f"is made of another {parent}"
    if draft and _is_child(draft, scene, needed) and (others := [*_others(draft, scene, needed)]):
        was = f"shows {others[0].character} made from another take of {others[0].scene}"
    return f"{was}; it is kept, and --cascade renders it again for {price(scene.usd)}"
