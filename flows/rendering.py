"""Create the characters once, then render the scenes side by side, each after the one it continues."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.flows.reading import Prepared
from prefect_storyboard.ledger import Decision, Ledger, Outcome, decide
from prefect_storyboard.media.probe import MediaError
from prefect_storyboard.providers.errors import (
    Expired,
    GenerationFailed,
    InvalidRequest,
    OutOfCredit,
    ProviderError,
    Unauthorized,
)
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, PlannedCharacter, PlannedScene
from prefect_storyboard.tasks import create_character, generate, poll, store
from prefect_storyboard.tasks.budget import Budget, OverBudget
from prefect_storyboard.tasks.progress import Progress, tell
from prefect_storyboard.tasks.purchase import OnUnknown, finish
from prefect_storyboard.tasks.states import plain

FATAL = (Unauthorized, OutOfCredit)  # true for the whole account: the next submit would only be refused again
_SCENE_FAILS = (ProviderError, MediaError, OverBudget)

_FORGOTTEN = re.compile(r"(?i)character.*(not found|unknown|not exist|no such|invalid|expired|deleted)")

Ended = Clip | FailedScene


@dataclass
class Rendering:
    """One run: what it works on, and what it has bought so far."""

    prepared: Prepared
    credentials: Credentials
    library: Library
    session: Session
    on_unknown: OnUnknown = "stop"
    attempts: int = 1
    poll_minutes: float = 60.0
    budget: Budget | None = None
    castings: dict[str, Casting | ProviderError] = field(default_factory=dict)
    bought: dict[str, float | None] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    recast: set[str] = field(default_factory=set)
    recasting: asyncio.Lock = field(default_factory=asyncio.Lock)
    halted: ProviderError | None = None


@asynccontextmanager
async def released(run: Rendering, *, cancel_provider_jobs: bool) -> AsyncIterator[None]:
    """On cancellation, leave the open jobs to the ledger; ask the provider to stop them only if the user said so."""
    try:
        yield
    except asyncio.CancelledError:
        if cancel_provider_jobs:
            await finish(_stop(run))
        raise


async def _stop(run: Rendering) -> None:
    """A job that cannot be stopped, or not any more, stays open: the next run fetches what it made.

    The ledger knows also the jobs whose submit was on its way when the cancellation came.
    """
    ledger = Ledger(run.library.storage())

    async def stop(key: str) -> None:
        for last in (await asyncio.to_thread(ledger.history, key))[-1:]:
            if last.job and not last.outcome:
                await run.session.provider.cancel(last.job)

    await asyncio.gather(*map(stop, run.open), return_exceptions=True)


async def create_cast(run: Rendering) -> None:
    """Create every character of the plan at once. Raises what is true of the whole account; keeps the rest."""
    characters = run.prepared.plan.characters
    made = await asyncio.gather(*(_create(run, character) for character in characters), return_exceptions=True)
    for character, casting in zip(characters, made, strict=True):
        if isinstance(casting, FATAL) or not isinstance(casting, Casting | ProviderError):
            raise casting
        run.castings[character.key] = casting


async def _create(run: Rendering, planned: PlannedCharacter) -> Casting:
    name = planned.character.name
    tell(Progress(subject=name, state="creating"))
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
        tell(Progress(subject=name, state="failed"))
        _of_character(name, error)
        raise
    bought = state.name not in {"Cached", "Reattached"}
    if bought:
        run.bought[planned.key] = planned.usd
    tell(Progress(subject=name, state="created" if bought else state.name.lower(), cost_usd=planned.usd))
    return casting


def _of_character(name: str, error: ProviderError) -> None:
    """Let the error name the character: people read it in the table of scenes."""
    error.args = (f"{name} could not be created: {error}",)
    if isinstance(error, GenerationFailed | Expired):
        error.remedy = f"Give {name} another clip, or allow more attempts."


async def render_scenes(run: Rendering) -> tuple[Ended, ...]:
    """Render all scenes; one that fails stops only those that continue it. Order of the storyboard."""
    running: dict[str, asyncio.Task[Ended]] = {}
    for scene in run.prepared.plan.scenes:
        running[scene.scene.id] = asyncio.create_task(_scene(run, scene, running))
    ended = await asyncio.gather(*running.values(), return_exceptions=True)
    for end in ended:
        if isinstance(end, BaseException):
            raise end
    return tuple(end for end in ended if not isinstance(end, BaseException))


async def _scene(run: Rendering, scene: PlannedScene, running: dict[str, asyncio.Task[Ended]]) -> Ended:
    parent = await asyncio.shield(running[scene.scene.parent]) if scene.scene.parent else None
    try:
        if isinstance(parent, FailedScene):
            return _failed(scene, f"it needs {parent.scene}, which has no clip", remedy=f"Mend {parent.scene} first.")
        async with run.session.in_flight:
            if run.halted:
                raise run.halted
            return await _rendered(run, scene, parent)
    except _SCENE_FAILS as error:
        if isinstance(error, FATAL):
            run.halted = error
        if isinstance(error, MediaError):  # found while the scene is worded: its first frame, or a reference
            return _failed(scene, str(error), remedy="Nothing was sent. Look at the file that the message names.")
        charged = error.charged if isinstance(error, ProviderError) else False
        if charged is False:
            run.bought.pop(scene.key, None)
        elif charged is None and scene.key in run.bought:
            run.bought[scene.key] = None
        return _failed(scene, str(error), charged=charged, remedy=error.remedy)


async def _rendered(run: Rendering, scene: PlannedScene, parent: Clip | None) -> Clip:
    """Render a scene; if the provider has forgotten its characters, create them again, once, and send it again."""
    castings = _castings(run, scene)
    try:
        return await _render(run, scene, castings, parent, attempts=run.attempts)
    except (InvalidRequest, GenerationFailed) as error:
        if not _about_characters(error, castings):
            raise
        sent = await _sent_with(run, scene)
        if sent is None:
            raise
        fresh = castings if sent != castings else await _recast(run, scene, castings, error)
        if fresh == sent:
            raise
    return await _render(run, scene, fresh, parent, attempts=run.attempts + 1)


def _about_characters(error: InvalidRequest | GenerationFailed, castings: tuple[Casting, ...]) -> bool:
    """Whether a scene was refused because of a character's id: the gateways have no code for it, but a name."""
    named = (getattr(error, "field", None) or "").startswith("character") or _FORGOTTEN.search(str(error))
    return error.charged is not True and bool(named) and any(casting.id for casting in castings)


async def _sent_with(run: Rendering, scene: PlannedScene) -> tuple[Casting, ...] | None:
    """The castings that the last attempt was refused with, maybe by an earlier run; None where none may follow it."""
    history = await asyncio.to_thread(Ledger(run.library.storage()).history, scene.key)
    if decide(history, now=datetime.now(UTC), owner_alive=False, attempts=run.attempts + 1) is not Decision.SUBMIT:
        return None
    draft = history[-1].intent.draft
    return draft.characters if draft else None


async def _recast(
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
                await finish(asyncio.to_thread(ledger.void, planned.key, casting, gone))
                run.castings[planned.key] = await _create(run, planned)
    return _castings(run, scene)


async def _render(
    run: Rendering, scene: PlannedScene, castings: tuple[Casting, ...], parent: Clip | None, *, attempts: int
) -> Clip:
    reel, name = run.prepared.plan.storyboard.slug, scene.scene.id
    ledger = Ledger(run.library.storage())
    take = await asyncio.to_thread(ledger.take, reel, name, scene.key, reserve=False)
    tell(Progress(subject=name, state="checking", take=take, seconds=scene.seconds))
    run.open.add(scene.key)
    bought = await plain(
        generate(
            scene,
            castings,
            credentials=run.credentials,
            library=run.library,
            reel=reel,
            take=take,
            budget=run.budget,
            cast={name: run.prepared.cast[name] for name in scene.cast},
            image=run.prepared.files[scene.scene.image] if scene.scene.image else None,
            parent=parent,
            on_unknown=run.on_unknown,
            attempts=attempts,
        )
    )
    result = None
    if bought.state == "Submitted":
        run.bought[scene.key] = scene.usd
    if bought.state != "Cached":
        tell(Progress(subject=name, state=bought.state.lower(), take=take, cost_usd=scene.usd))
        result = await plain(
            poll(
                bought,
                scene=name,
                take=take,
                credentials=run.credentials,
                library=run.library,
                minutes=run.poll_minutes,
            )
        )
        tell(Progress(subject=name, state="storing", take=take))
    if bought.draft is None:
        raise TypeError("a scene is bought with the draft of its clip")
    clip = await plain(store(bought, result, bought.draft, take=take, credentials=run.credentials, library=run.library))
    run.open.discard(scene.key)
    if scene.key in run.bought:
        run.bought[scene.key] = clip.cost_usd  # what the provider says that it has charged, where it does
    state = "cached" if bought.state == "Cached" else "stored"
    tell(Progress(subject=name, state=state, take=clip.take, seconds=clip.seconds, cost_usd=clip.cost_usd))
    return clip


def _castings(run: Rendering, scene: PlannedScene) -> tuple[Casting, ...]:
    """The castings of a scene's characters, in the order of the scene. Raises why one could not be created."""
    found = {sending.character: Casting(character=sending.character) for sending in scene.sends}
    for planned in run.prepared.plan.characters:
        if planned.character.name in scene.cast and planned.model.casting == scene.model.casting:
            casting = run.castings[planned.key]
            if isinstance(casting, ProviderError):
                raise casting
            found[planned.character.name] = casting
    return tuple(found[name] for name in scene.cast if name in found)


def _failed(scene: PlannedScene, error: str, *, charged: bool | None = False, remedy: str) -> FailedScene:
    tell(Progress(subject=scene.scene.id, state="failed"))
    return FailedScene(scene=scene.scene.id, error=error, charged=charged, remedy=remedy)
