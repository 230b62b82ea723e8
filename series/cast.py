"""Create the characters once, and once more where the provider has forgotten them."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

from prefect_storyboard.jobs.buy import uninterrupted
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Decision, Ledger, Outcome, decide
from prefect_storyboard.providers.errors import (
    Expired,
    GenerationFailed,
    InvalidRequest,
    ProviderError,
)
from prefect_storyboard.series.limits import account_slot
from prefect_storyboard.series.run import FATAL, Rendering
from prefect_storyboard.storyboards import Casting, PlannedCharacter, PlannedScene
from prefect_storyboard.tasks import create_character

_FORGOTTEN = re.compile(r"(?i)character.*(not found|unknown|not exist|no such|invalid|expired|deleted)")


async def create_cast(run: Rendering) -> None:
    """Create every character of the plan at once. Raises what is true of the whole account; keeps the rest."""
    characters = run.prepared.plan.characters
    made = await asyncio.gather(*(_in_slot(run, character) for character in characters), return_exceptions=True)
    for character, casting in zip(characters, made, strict=True):
        if isinstance(casting, FATAL) or not isinstance(casting, Casting | ProviderError):
            raise casting
        run.castings[character.key] = casting


async def _in_slot(run: Rendering, planned: PlannedCharacter) -> Casting:
    """A creation is a job as any other. Who casts anew for a scene has the scene's slot already."""
    async with run.slots, run.session.in_flight, account_slot(run.credentials):
        return await _create(run, planned)


async def _create(run: Rendering, planned: PlannedCharacter) -> Casting:
    name = planned.character.name
    emit_progress(Progress(subject=name, state="creating"))
    state: Any = await create_character(  # type: ignore[misc] # Prefect types the state, and forgets the await
        planned,
        run.prepared.files[planned.character.clip or ""],
        credentials=run.credentials,
        library=run.library,
        reel=run.prepared.plan.storyboard.slug,
        budget=run.budget,
        on_unknown=run.on_unknown,
        attempts=run.attempts,
        minutes=run.poll_minutes,
        return_state=True,
    )
    try:
        casting: Casting = await state.aresult()
    except ProviderError as error:
        emit_progress(Progress(subject=name, state="failed"))
        _of_character(name, error)
        raise
    bought = state.name not in {"Cached", "Reattached"}
    if bought:
        run.bought[planned.key] = planned.usd
    emit_progress(Progress(subject=name, state="created" if bought else state.name.lower(), cost_usd=planned.usd))
    return casting


def _of_character(name: str, error: ProviderError) -> None:
    """Let the error name the character: people read it in the table of scenes."""
    error.args = (f"{name} could not be created: {error}",)
    if isinstance(error, GenerationFailed | Expired):
        error.remedy = f"Give {name} another clip, or allow more attempts."


def about_characters(error: InvalidRequest | GenerationFailed, castings: tuple[Casting, ...]) -> bool:
    """Whether a scene was refused because of a character's id: the gateways have no code for it, but a name."""
    named = (getattr(error, "field", None) or "").startswith("character") or _FORGOTTEN.search(str(error))
    return error.charged is not True and bool(named) and any(casting.id for casting in castings)


async def sent_with(run: Rendering, scene: PlannedScene) -> tuple[Casting, ...] | None:
    """The castings that the last attempt was refused with, maybe by an earlier run; None where none may follow it."""
    history = await asyncio.to_thread(Ledger(run.library.storage()).history, scene.key)
    if decide(history, now=datetime.now(UTC), owner_alive=False, attempts=run.attempts + 1) is not Decision.SUBMIT:
        return None
    draft = history[-1].intent.draft
    return draft.characters if draft else None


async def recast(
    run: Rendering, scene: PlannedScene, used: tuple[Casting, ...], error: ProviderError
) -> tuple[Casting, ...]:
    """Castings of the scene's characters that are not those which were refused. Each is made again once in a run."""
    ledger = Ledger(run.library.storage())
    async with run.recasting:
        for planned in run.prepared.plan.characters:
            casting = run.castings.get(planned.key)
            if isinstance(casting, Casting) and casting in used and planned.key not in run.recast:
                run.recast.add(planned.key)
                gone = Outcome(kind="abandoned", at=datetime.now(UTC), message=str(error))
                await uninterrupted(asyncio.to_thread(ledger.void, planned.key, casting, gone))
                run.castings[planned.key] = await _create(run, planned)
    return castings_of(run, scene)


def castings_of(run: Rendering, scene: PlannedScene) -> tuple[Casting, ...]:
    """The castings of a scene's characters, in the order of the scene. Raises why one could not be created."""
    found = {sending.character: Casting(character=sending.character) for sending in scene.sends}
    for planned in run.prepared.plan.characters:
        if planned.character.name in scene.cast and planned.model.casting == scene.model.casting:
            casting = run.castings[planned.key]
            if isinstance(casting, ProviderError):
                raise casting
            found[planned.character.name] = casting
    return tuple(found[name] for name in scene.cast if name in found)
