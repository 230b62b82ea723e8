"""Render one scene with the public tasks: generate, poll, store."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from prefect_storyboard.jobs.look import has_ended
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers.errors import GenerationFailed, InvalidRequest
from prefect_storyboard.series.cast import about_characters, castings_of, recast, sent_with
from prefect_storyboard.series.kept import standing_job
from prefect_storyboard.series.origins import is_asked_for_again
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.storyboards import Casting, Character, Clip, PlannedScene, Still
from prefect_storyboard.storyboards.says import sound_of
from prefect_storyboard.tasks import generate, poll, store


class Begins(NamedTuple):
    """The start of a clip: the clip that it continues or remixes, or the still of its scene."""

    parent: Clip | None = None
    still: Still | None = None


class StillOpen(Exception):
    """Raised in a run that does not wait: the job is still being rendered, or other such jobs hold all slots."""


async def render_scene(run: Rendering, scene: PlannedScene, begins: Begins) -> Clip:
    """Render a scene; if the provider has forgotten its characters, create them again once and submit again."""
    castings = () if scene.standing else castings_of(run, scene)
    attempts = min(run.attempts, scene.most or run.attempts) if scene.further else run.attempts
    try:
        return await _render(run, scene, castings, begins, attempts=attempts)
    except (InvalidRequest, GenerationFailed) as error:
        if not about_characters(error, castings):
            raise
        sent = await sent_with(run, scene)
        if sent is None:
            raise
        fresh = castings if sent != _ids(castings) else await recast(run, scene, castings, error)
        if _ids(fresh) == sent:
            raise
    return await _render(run, scene, fresh, begins, attempts=attempts + 1)


def _ids(castings: tuple[Casting, ...]) -> tuple[str | None, ...]:
    return tuple(casting.id for casting in castings)


async def _render(
    run: Rendering, scene: PlannedScene, castings: tuple[Casting, ...], begins: Begins, *, attempts: int
) -> Clip:
    """Generate, poll and store the scene; a paid scene is only polled and stored."""
    name = scene.subject
    ledger = Ledger(run.library.storage())
    take = await asyncio.to_thread(
        ledger.take, run.limits["reel"], scene.scene.id, scene.key, attempt=None, reserve=False
    )
    emit_progress(Progress(subject=name, state="checking", take=take, seconds=scene.seconds))
    run.open.add(scene.key)
    if scene.standing:
        job = await asyncio.to_thread(standing_job, ledger, scene, run.limits["reel"])
    else:
        job = await _generate(run, scene, castings, begins, attempts)
    result = None
    if job.state == "Submitted":
        run.bought[scene.key] = scene.usd
    if job.state != "Cached":
        charged = scene.usd if job.state == "Submitted" else 0.0
        emit_progress(Progress(subject=name, state=job.state.lower(), take=take, cost_usd=charged))
        if not run.waits and not await has_ended(run.session, job.job):
            raise StillOpen
        result = await poll(job, credentials=run.credentials, library=run.library, minutes=run.poll_minutes)
        emit_progress(Progress(subject=name, state="storing", take=take))
    judge = run.judge and run.judge.about(scene.scene, _cast(run, scene))
    clip = await store(job, result, credentials=run.credentials, library=run.library, judge=judge)
    run.open.discard(scene.key)
    if scene.key in run.bought:
        run.bought[scene.key] = clip.cost_usd  # what the provider says it has charged, if it does
    state = "cached" if job.state == "Cached" else "stored"
    charged = clip.cost_usd if scene.key in run.bought else 0.0
    emit_progress(Progress(subject=name, state=state, take=clip.take, seconds=clip.seconds, cost_usd=charged))
    return clip


def _cast(run: Rendering, scene: PlannedScene) -> tuple[Character, ...]:
    """Who is in the scene, with local copies of their media."""
    members = [run.prepared.cast[name] for name in scene.characters if name in run.prepared.cast]
    return tuple(
        each.character.model_copy(
            update={
                "clip": str(each.clip.path) if each.clip else None,
                "images": tuple(str(image.path) for image in each.images),
            }
        )
        for each in members
    )


async def _generate(
    run: Rendering, scene: PlannedScene, castings: tuple[Casting, ...], begins: Begins, attempts: int
) -> PaidJob:
    asked, board = scene.scene, run.prepared.plan.storyboard
    image: Still | Path | None = run.prepared.files[asked.image].path if asked.image else begins.still
    prefer = asked.prefer or ("frame" if scene.still else board.prefer)
    return await generate(
        scene.words,
        model=scene.model.name,
        credentials=run.credentials,
        library=run.library,
        characters=castings,
        seconds=scene.seconds,
        aspect=scene.aspect,
        resolution=scene.resolution,
        image=image,
        ends=run.prepared.files[scene.ends].path if scene.ends else None,
        audio=sound_of(board, asked, scene.model),
        seed=scene.seed,
        negative=scene.negative or None,
        continues=begins.parent if asked.continues else None,
        remixes=begins.parent if asked.remixes else None,
        take=scene.take,
        copy=scene.copy_number,
        reroll=scene.reroll,
        note=scene.note,
        scene=asked.id,
        fields=asked.fields,
        prefer=prefer,
        remixable=is_asked_for_again(run, asked.id),
        on_unknown=run.on_unknown,
        attempts=attempts,
        **run.limits,
    )
