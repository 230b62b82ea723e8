"""What a take was made of, compared with the takes that stand today."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prefect_storyboard.ledger import Attempt, Draft
from prefect_storyboard.storyboards import PlannedScene
from prefect_storyboard.storyboards.currency import MadeOf
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.origins import Origin


@dataclass(frozen=True)
class Take:
    """Scene, identity and job key of a take that others are made of in this run."""

    scene: str
    identity: str
    key: str


Needed = Mapping[str, Take]  # by the id of the scene


def made_of(attempt: Attempt) -> MadeOf:
    """What the clip of an attempt was made of, by its own record."""
    draft = attempt.intent.draft
    if draft is None:
        return MadeOf(key=attempt.intent.key)
    facts = draft.model_dump(include={"basis", "identity", "own_identity", "model", "parent_key", "take"})
    return MadeOf(key=attempt.intent.key, asked=draft.asked, characters=draft.characters, **facts)


def keys_of(needed: Needed) -> dict[str, str]:
    """The job of the take of each scene that is needed."""
    return {name: take.key for name, take in needed.items()}


def as_it_stands(scene: PlannedScene, take: PlannedScene) -> PlannedScene:
    """A further take that is paid for, in the place of the scene."""
    return scene.model_copy(update={"key": take.key, "standing": True})


def is_of(held: Attempt, scene: PlannedScene, needed: Needed) -> bool:
    """Whether a job was ordered with just these takes: their keys say all that was asked of them."""
    draft = held.intent.draft
    return draft is not None and _is_child(draft, scene, needed) and not [*_others(draft, scene, needed)]


def _is_child(draft: Draft, scene: PlannedScene, needed: Needed) -> bool:
    parent = scene.scene.parent
    return parent is None or draft.parent_key == needed[parent].key


def _others(draft: Draft, scene: PlannedScene, needed: Needed) -> Iterator[Origin]:
    """The characters that were made from another take of their scene."""
    made = {casting.character: casting.made_of.job_key for casting in draft.characters if casting.made_of}
    return (origin for origin in scene.origins if made.get(origin.character) != needed[origin.scene].key)


def identity_of(held: Attempt) -> str:
    """What was asked of a take that is kept, as tasks.generate takes it from the clip."""
    draft = held.intent.draft
    return (draft and draft.identity) or held.intent.key


def explain(scene: PlannedScene, held: Attempt, needed: Needed) -> str:
    """Why the take is stale, and what a new one costs."""
    parent, draft = scene.scene.parent, held.intent.draft
    was = f"begins where another take of {parent} ended" if scene.scene.continues else f"is made of another {parent}"
    if draft and _is_child(draft, scene, needed) and (others := [*_others(draft, scene, needed)]):
        was = f"shows {others[0].character} made from another take of {others[0].scene}"
    return f"{was}; it is kept, and --cascade renders it again for {price(scene.usd)}"
