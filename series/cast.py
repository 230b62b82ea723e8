"""Create each character once, and once more if the provider has forgotten it."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypedDict

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs.paid import uninterrupted
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Decision, Ledger, Outcome, Unreadable, decide
from prefect_storyboard.providers.errors import (
    Expired,
    GenerationFailed,
    InvalidRequest,
    ProviderError,
)
from prefect_storyboard.series.run import FATAL, NotCast, Rendering
from prefect_storyboard.storyboards import Casting, Character, Clip, PlannedCharacter, PlannedScene
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.tasks import create_character


class CastFacts(TypedDict):
    """A storyboard's cast member as arguments of create_character."""

    images: list[Path]
    description: str
    start: float | None
    end: float | None
    reference: str
    belongs_to: Literal["content", "scene"]
    fields: JsonObject
    library: Library


_FORGOTTEN = re.compile(r"(?i)character.*(not found|unknown|not exist|no such|invalid|expired|deleted)")


async def create_cast(run: Rendering) -> None:
    """Create all characters of the plan concurrently. Raises errors that hold for the whole account; keeps the others.

    A model that takes characters as reference media needs no creation: the media are stored in the library. Characters
    made from a scene have no media yet: `cast_from_scenes` is called when a scene with them is rendered.
    """
    plan = run.prepared.plan
    characters = [planned for planned in plan.characters if planned.character.from_scene is None]
    shown = {(name, scene.model.name): scene for scene in plan.renders if not scene.standing for name in _shown(scene)}
    made, _ = await asyncio.gather(
        asyncio.gather(*(_in_slot(run, character) for character in characters), return_exceptions=True),
        asyncio.gather(*(_show(run, name, scene) for (name, _), scene in shown.items())),
    )
    for character, casting in zip(characters, made, strict=True):
        _keep(run, character, casting)


def _keep(run: Rendering, planned: PlannedCharacter, casting: object) -> None:
    """Keep the casting, or the error. Raises errors that hold for the whole account."""
    if isinstance(casting, BaseException) and (isinstance(casting, FATAL) or not isinstance(casting, NotCast)):
        raise casting
    if isinstance(casting, Casting | NotCast):
        run.castings[planned.key] = casting


async def cast_from_scenes(run: Rendering, scene: PlannedScene) -> None:
    """Create the scene's characters that are made from other scenes, each once in a run. Their clips are stored.

    Raises MediaError if such a clip does not meet the model's limits.
    """
    plan = run.prepared.plan
    for origin in scene.origins:
        name = origin.character
        async with run.casting[f"{name} {scene.model.name}"]:
            if scene.model.casting is None:
                if (name, scene.model.name) not in run.shown:
                    await _show(run, name, scene)
                continue
            for planned in plan.characters:
                wanted = planned.character.name == name and planned.model.casting == scene.model.casting
                if wanted and planned.key not in run.castings:
                    (made,) = await asyncio.gather(_in_slot(run, planned), return_exceptions=True)
                    _keep(run, planned, made)


def _shown(scene: PlannedScene) -> tuple[str, ...]:
    made = {origin.character for origin in scene.origins}
    return tuple(sending.character for sending in scene.sends if sending.character not in made)


async def _show(run: Rendering, name: str, scene: PlannedScene) -> None:
    """The casting of a character that is sent as reference media with every scene. Buys nothing."""
    who = run.prepared.plan.storyboard.character(name)
    run.shown[name, scene.model.name] = await create_character(
        name, _clip(run, who), model=scene.model.name, **_facts(run, who), credentials=run.credentials
    )


async def _in_slot(run: Rendering, planned: PlannedCharacter) -> Casting:
    """Create a character in a slot of the account, like any job. A recast for a scene uses the scene's own slot."""
    async with run.slots:
        return await _create(run, planned)


def _clip(run: Rendering, who: Character) -> Path | Clip | None:
    if who.from_scene:
        return run.sources[who.from_scene]
    return run.prepared.files[who.clip].path if who.clip else None


def _facts(run: Rendering, who: Character) -> CastFacts:
    return {
        "images": [run.prepared.files[image].path for image in who.images],
        "description": who.description,
        "start": who.start,
        "end": who.end,
        "reference": who.reference,
        "belongs_to": "scene" if who.from_scene else "content",
        "fields": who.fields,
        "library": run.library,
    }


async def _create(run: Rendering, planned: PlannedCharacter) -> Casting:
    who = planned.character
    emit_progress(Progress(subject=who.name, state="creating"))
    state = await create_character(
        who.name,
        _clip(run, who),
        model=planned.model.name,
        **_facts(run, who),
        **run.limits,
        credentials=run.credentials,
        on_unknown=run.on_unknown,
        attempts=run.attempts,
        minutes=run.poll_minutes,
        return_state=True,
    )
    try:
        casting = await state.aresult()
    except ProviderError as error:
        emit_progress(Progress(subject=who.name, state="failed", cost_usd=0.0 if error.charged is False else None))
        _of_character(who.name, error)
        raise
    except Unreadable as error:
        emit_progress(Progress(subject=who.name, state="failed", cost_usd=0.0))
        raise Unreadable(f"{who.name} could not be created: {error.what}", error.remedy) from error
    bought = state.name not in {"Cached", "Reattached"}
    if bought:
        run.bought[planned.key] = planned.usd
    shown = "created" if bought else str(state.name).lower()
    emit_progress(Progress(subject=who.name, state=shown, cost_usd=planned.usd if bought else 0.0))
    return casting


def _of_character(name: str, error: ProviderError) -> None:
    """Name the character in the error, because people read it in the table of scenes."""
    error.args = (f"{name} could not be created: {error}",)
    if isinstance(error, GenerationFailed | Expired):
        error.remedy = f"Give {name} another clip, or allow more attempts."


def about_characters(error: InvalidRequest | GenerationFailed, castings: tuple[Casting, ...]) -> bool:
    """Whether a character's id caused the refusal of a scene: gateways have no code for it, but their text names it."""
    named = (getattr(error, "field", None) or "").startswith("character") or _FORGOTTEN.search(str(error))
    return error.charged is not True and bool(named) and any(casting.id for casting in castings)


async def sent_with(run: Rendering, scene: PlannedScene) -> tuple[str | None, ...] | None:
    """Ids of the castings with which the last attempt was refused, possibly in an earlier run.

    None if no further attempt is allowed.
    """
    history = await asyncio.to_thread(Ledger(run.library.storage()).history, scene.key)
    if decide(history, now=datetime.now(UTC), owner_alive=False, attempts=run.attempts + 1) is not Decision.SUBMIT:
        return None
    draft = history[-1].intent.draft
    return tuple(casting.id for casting in draft.characters) if draft else None


async def recast(
    run: Rendering, scene: PlannedScene, used: tuple[Casting, ...], error: ProviderError
) -> tuple[Casting, ...]:
    """New castings of the scene's characters in place of the refused ones. Each is created again once in a run."""
    ledger, ids = Ledger(run.library.storage()), {casting.id for casting in used}
    async with run.recasting:
        for planned in run.prepared.plan.characters:
            casting = run.castings.get(planned.key)
            if isinstance(casting, Casting) and casting.id in ids and planned.key not in run.recast:
                run.recast.add(planned.key)
                gone = Outcome(kind="abandoned", at=datetime.now(UTC), message=str(error))
                await uninterrupted(asyncio.to_thread(ledger.void, planned.key, casting, gone))
                run.castings[planned.key] = await _create(run, planned)
    return castings_of(run, scene)


def castings_of(run: Rendering, scene: PlannedScene) -> tuple[Casting, ...]:
    """The castings of a scene's characters, in its order. Raises the error of one that could not be created.

    A character that is not sent to the model, for example beside a first frame, is included by name only: the prompt
    may contain the name.
    """
    found = {name: casting for (name, model), casting in run.shown.items() if model == scene.model.name}
    for planned in run.prepared.plan.characters:
        if planned.character.name in scene.cast and planned.model.casting == scene.model.casting:
            casting = run.castings[planned.key]
            if not isinstance(casting, Casting):
                raise casting
            found[planned.character.name] = casting
    return tuple(
        (found.get(name) if name not in scene.drawn else None) or Casting(character=name) for name in scene.characters
    )
