"""Draw the pictures of a run: each sheet once, then the stills. A still is one more job that a clip needs."""

import asyncio
from collections.abc import Mapping, Sequence

from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Ledger, Unreadable, deciding
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.providers.errors import Busy, ProviderError
from prefect_storyboard.series.failures import SCENE_ERRORS, explained, without_clip
from prefect_storyboard.series.run import FATAL, Drawn, Ended, OpenScene, Rendering
from prefect_storyboard.storyboards import (
    Character,
    Clip,
    FailedScene,
    Plan,
    PlannedSheet,
    PlannedStill,
    Sheet,
    Still,
)
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.storyboards.still_prompts import LAST_FRAME
from prefect_storyboard.tasks import draw
from prefect_storyboard.tasks._drawn_from import Reference

Running = Mapping[str, "asyncio.Task[Ended | Still]"]  # by the name of the scene or still


async def draw_sheets(run: Rendering) -> None:
    """Draw all sheets of the plan, a further look's after the first's. Raises errors that hold for the whole account.

    Other errors are kept: they hold for the stills that need the sheet.
    """
    running: dict[str, asyncio.Task[Drawn]] = {}
    for sheet in run.prepared.plan.sheets:
        running[sheet.key] = asyncio.create_task(_sheet(run, sheet, running))
    drawn = await asyncio.gather(*running.values(), return_exceptions=True)
    for key, end in zip(running, drawn, strict=True):
        if isinstance(end, Still | ProviderError | MediaError | OverBudget | Unreadable) and not isinstance(end, FATAL):
            run.sheets[key] = end
        elif isinstance(end, BaseException):
            raise end


async def _sheet(run: Rendering, sheet: PlannedSheet, running: Mapping[str, "asyncio.Task[Drawn]"]) -> Drawn:
    """The sheet, or the error. Further looks are drawn from the first one's sheet."""
    base = await asyncio.shield(running[sheet.base]) if sheet.base else None
    if base is not None and not isinstance(base, Still):
        return base
    member, roles = sheet.character, [each.role for each in sheet.drawing.references]
    of = Sheet(name=member.name, kind=member.kind, still=base) if base else _with_files(run, member)
    references: list[Reference] = [(of, role) for role in roles]
    try:
        async with run.slots:
            look = slug(sheet.look) if sheet.look else ""
            return await _draw(run, sheet, references, sheet_of=member.name, look=look)
    except SCENE_ERRORS as error:
        emit_progress(Progress(subject=_subject(sheet), state="failed"))
        return error


async def draw_still(run: Rendering, still: PlannedStill, running: Running) -> Ended | Still:
    """Draw a still, or fetch the one that is chosen. If that fails, only its scene has no clip."""
    end = await _still(run, still, running)
    if not still.further:
        run.stills[still.scene.id] = end
    return end


async def _still(run: Rendering, still: PlannedStill, running: Running) -> Ended | Still:
    ends = {name: await asyncio.shield(running[name]) for name in still.needs if not still.standing}
    try:
        if still.damage:
            raise Unreadable(still.damage.error, still.damage.remedy)
        if still.standing:
            return await asyncio.to_thread(_standing, run, still)
        if missing := [end for end in ends.values() if isinstance(end, OpenScene | FailedScene)]:
            return missing[0] if isinstance(missing[0], OpenScene) else without_clip(run, still, missing[0])
        references = _references(run, still, [end for end in ends.values() if isinstance(end, Clip)])
        async with run.slots:
            if run.halted:
                raise run.halted
            return await _draw(run, still, references, scene=still.scene.id)
    except SCENE_ERRORS as error:
        if isinstance(error, FATAL):
            run.halted = error
        return explained(run, still, error)


def _standing(run: Rendering, still: PlannedStill) -> Still:
    """The chosen still, from the ledger. Raises Busy while it is being drawn. Blocks."""
    last = deciding(Ledger(run.library.storage()).history(still.key))
    if last is None or last.end is None or last.end.still is None:
        raise Busy(f"{still.name} is still being drawn", sent=True)
    emit_progress(Progress(subject=still.subject, state="cached", take=last.end.still.take, cost_usd=0.0))
    return last.end.still


def _references(run: Rendering, still: PlannedStill, clips: Sequence[Clip]) -> list[Reference]:
    """The sheets, each with its role, and the clip whose last frame the still goes on from.

    Raises the error of a sheet that could not be drawn.
    """
    found: list[Reference] = []
    for (name, look), key, cited in zip(still.shown, still.sheets, still.drawing.references, strict=False):
        sheet = run.sheets[key]
        if not isinstance(sheet, Still):
            raise sheet
        kind = run.prepared.plan.storyboard.character(name).kind
        found.append((Sheet(name=name, kind=kind, look=look, still=sheet), cited.role))
    return [*found, *((clip, LAST_FRAME) for clip in clips)]


async def _draw(
    run: Rendering, picture: PlannedSheet | PlannedStill, references: Sequence[Reference], **place: str
) -> Still:
    """Draw a picture with the public task, once."""
    asked, name = picture.drawing, _subject(picture)
    emit_progress(Progress(subject=name, state="checking"))
    run.open.add(picture.key)
    state = await draw(
        asked.prompt,
        model=asked.model.name,
        credentials=run.credentials,
        library=run.library,
        references=references,
        aspect=asked.asked.aspect,
        take=asked.take,
        copy=asked.copy_number,
        reroll=asked.reroll or None,
        note=asked.note or None,
        belongs_to="request",
        on_unknown=run.on_unknown,
        attempts=run.attempts,
        minutes=run.poll_minutes,
        **run.limits,
        **place,
        return_state=True,
    )
    still: Still = await state.aresult()
    run.open.discard(picture.key)
    bought = state.name not in {"Cached", "Reattached"}
    if bought:
        run.bought[picture.key] = still.cost_usd
    emit_progress(
        Progress(
            subject=name,
            state="stored" if bought else "cached",
            take=still.take,
            cost_usd=still.cost_usd if bought else 0.0,
        )
    )
    return still


def _with_files(run: Rendering, member: Character) -> Character:
    """The member with its media as local files."""
    files = run.prepared.files
    clip = str(files[member.clip].path) if member.clip else None
    return member.model_copy(update={"clip": clip, "images": tuple(str(files[each].path) for each in member.images)})


def _subject(picture: PlannedSheet | PlannedStill) -> str:
    return f"sheet of {picture.name}" if isinstance(picture, PlannedSheet) else picture.subject


def pictures_only(plan: Plan, ledger: Ledger) -> Plan:
    """The part of a plan that draws pictures, without stills that follow a clip which is not stored yet. Blocks."""
    scenes = {scene.scene.id: scene for scene in plan.scenes}
    stored = {each.follows for each in plan.stills if each.follows and _is_stored(ledger, scenes[each.follows].key)}
    drawn = [still for still in plan.stills if not still.follows or still.follows in stored]
    later = [still for still in plan.stills if still not in drawn]
    parents = tuple(scenes[name].model_copy(update={"standing": True}) for name in scenes if name in stored)
    warnings = tuple(
        f"{still.name} is drawn from the last frame of {still.follows}, once that is rendered" for still in later
    )
    part = plan.drawing(still.scene.id for still in drawn)
    nothing = {"takes": (), "characters": (), "variants": ()}
    return part.model_copy(update={"scenes": parents, "warnings": (*plan.warnings, *warnings), **nothing})


def drawn_stills(run: Rendering) -> tuple[list[Still], tuple[FailedScene, ...]]:
    """The stills of a run in the order of the storyboard, and the stills that could not be drawn."""
    ends = [run.stills[still.scene.id] for still in run.prepared.plan.stills]
    return [end for end in ends if isinstance(end, Still)], tuple(end for end in ends if isinstance(end, FailedScene))


def _is_stored(ledger: Ledger, key: str) -> bool:
    last = deciding(ledger.history(key))
    return last is not None and last.end is not None and last.end.clip is not None
