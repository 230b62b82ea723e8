"""Create the characters once, then render the scenes side by side, each after the one it continues."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.flows.reading import Prepared
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.media.probe import MediaError
from prefect_storyboard.providers.errors import Expired, GenerationFailed, OutOfCredit, ProviderError, Unauthorized
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, PlannedCharacter, PlannedScene
from prefect_storyboard.tasks import create_character, generate, poll, store
from prefect_storyboard.tasks.budget import Budget, OverBudget
from prefect_storyboard.tasks.progress import Progress, tell
from prefect_storyboard.tasks.purchase import OnUnknown
from prefect_storyboard.tasks.states import plain

FATAL = (Unauthorized, OutOfCredit)  # true for the whole account: the next submit would only be refused again
_SCENE_FAILS = (ProviderError, MediaError, OverBudget)

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
    bought: list[float | None] = field(default_factory=list)
    halted: ProviderError | None = None


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
        run.bought.append(planned.usd)
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
            return await _render(run, scene, _castings(run, scene), parent)
    except _SCENE_FAILS as error:
        if isinstance(error, FATAL):
            run.halted = error
        charged = error.charged if isinstance(error, ProviderError) else isinstance(error, MediaError)
        remedy = "The clip is stored; look at it." if isinstance(error, MediaError) else error.remedy
        return _failed(scene, str(error), charged=charged, remedy=remedy)


async def _render(run: Rendering, scene: PlannedScene, castings: tuple[Casting, ...], parent: Clip | None) -> Clip:
    reel, name = run.prepared.plan.storyboard.slug, scene.scene.id
    ledger = Ledger(run.library.storage())
    take = await asyncio.to_thread(ledger.take, reel, name, scene.key, reserve=False)
    tell(Progress(subject=name, state="checking", take=take, seconds=scene.seconds))
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
            attempts=run.attempts,
        )
    )
    result = None
    if bought.state == "Submitted":
        run.bought.append(scene.usd)
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
