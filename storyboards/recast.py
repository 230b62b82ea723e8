"""What changes when a storyboard moves to another model: scene by scene, and for each character. Pure."""

from collections.abc import Iterable, Mapping

from pydantic import Field

from prefect_storyboard.storyboards.base import Frozen
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.outcomes import Clip
from prefect_storyboard.storyboards.plan import Plan, PlannedScene
from prefect_storyboard.storyboards.shots import Shot


class Side(Frozen):
    """A scene at one model. `usd` is None where no price is published, `endpoint` where it is not known any more."""

    provider: str
    model: str
    endpoint: str | None
    seconds: int
    aspect: str
    resolution: str
    usd: float | None
    characters: dict[str, str] = Field(default={}, description="How each character is created or shown, by name.")
    prompt: str = ""


class Change(Frozen):
    """One scene before and after. `before` is None for a scene that has neither a take nor a model that sells it.

    `kept_take` is the number of the take that stays beside the new one, and `lost` says what cannot be kept.
    """

    scene: str
    before: Side | None
    after: Side
    kept_take: int | None = None
    lost: tuple[str, ...] = ()


class Recast(Frozen):
    """The plan at the new model, and what it changes."""

    plan: Plan
    changes: tuple[Change, ...]

    @property
    def before_usd(self) -> float | None:
        """What the scenes cost so far; None where the price of one is unknown."""
        prices = [change.before.usd if change.before else None for change in self.changes]
        return None if None in prices else round(sum(each or 0.0 for each in prices), 6)


def compare(plan: Plan, takes: Mapping[str, Clip], shots: Mapping[str, Shot]) -> Recast:
    """The changes of a plan at another model; `takes` and `shots` are what stands, and what the storyboard asked for.

    A take that is of the new model already stays where it is, and is compared all the same.
    """
    changes = []
    for scene in plan.scenes:
        name = scene.scene.id
        take, shot = takes.get(name), shots.get(name)
        before = side_of_clip(take, shot) if take else side_of_shot(shot) if shot else None
        kept = take.take if take and (take.model, take.provider) != (scene.model.name, plan.provider) else None
        lost = tuple(_lost(plan, scene, before))
        changes.append(Change(scene=name, before=before, after=_after(scene), kept_take=kept, lost=lost))
    return Recast(plan=plan, changes=tuple(changes))


def side_of_clip(clip: Clip, shot: Shot | None) -> Side:
    """A take as it was ordered. Its endpoint is that of the storyboard's shot, if the shot is at the same model."""
    asked = clip.asked
    same = shot and (shot.model.name, shot.model.provider) == (clip.model, clip.provider)
    return Side(
        provider=clip.provider,
        model=clip.model,
        endpoint=shot.endpoint if shot and same else None,
        seconds=asked.seconds if asked else round(clip.seconds),
        aspect=asked.aspect if asked else f"{clip.width}x{clip.height}",
        resolution=asked.resolution if asked else "",
        usd=clip.cost_usd,
        characters={each.character: each.mention or each.id or "shown" for each in clip.characters},
        prompt=clip.prompt,
    )


def side_of_shot(shot: Shot) -> Side:
    """A scene as it would be requested from its model."""
    how = "created" if shot.model.casting else "shown"
    return Side(
        provider=shot.model.provider,
        model=shot.model.name,
        endpoint=shot.endpoint,
        seconds=shot.seconds,
        aspect=shot.aspect,
        resolution=shot.resolution,
        usd=shot.usd,
        characters=dict.fromkeys(shot.cast, how),
        prompt=shot.sent or shot.prompt,
    )


def wanted_of_cast(model: Model) -> str:
    """The media that the model needs of a character, as a sentence for people who have given none."""
    name = f"{model.name} at {model.provider}"
    if not model.max_characters:
        return f"{name} shows no characters"
    limits, clip = model.references, model.reference
    span = f" of {clip.min_seconds or 0:g} to {clip.max_seconds:g} s" if clip.max_seconds else ""
    if limits is None:
        return f"{name} makes a character from a clip{span}"
    least, most = limits.each
    pictures = f"{most}" if least == most else f"{least} to {most}"
    side = f" of at least {limits.min_side} pixels a side" if limits.min_side else ""
    either = f", or a clip{span}" if limits.clips else ", which may be taken from a clip"
    return f"{name} is shown {pictures} {'picture' if most == 1 else 'pictures'} of a character{side}{either}"


def _after(scene: PlannedScene) -> Side:
    shown = {name: _line(scene.references, name) for name in scene.cast}
    return side_of_shot(scene).model_copy(update={"characters": shown})


def _line(references: Iterable[str], name: str) -> str:
    """How the references describe a character."""
    head = f"{name}: "
    return next((line.removeprefix(head) for line in references if line.startswith(head)), "shown")


def _lost(plan: Plan, scene: PlannedScene, before: Side | None) -> Iterable[str]:
    """The warnings of the plan, and the characters that the take shows and the new one would not."""
    head = f"{scene.scene.id}: "
    yield from (line.removeprefix(head) for line in plan.warnings if line.startswith(head))
    for name in before.characters if before else ():
        if name not in scene.cast and name in scene.characters:
            yield f"{name} is not shown to {scene.model.name}"
