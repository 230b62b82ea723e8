"""The jobs that a run will buy, and their cost, from the state of each job in the ledger."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from prefect_storyboard.ledger import (
    Attempt,
    Decision,
    Ledger,
    LedgerLost,
    Survey,
    Unreadable,
    decide,
    deciding,
    surveyed,
)
from prefect_storyboard.ledger.owner import alive
from prefect_storyboard.ledger.sidecars import lies_in, sheet_folder
from prefect_storyboard.ledger.survey import keep
from prefect_storyboard.storyboards import Damage, Frozen, Plan, PlannedJob, PlannedScene, PlannedSheet, PlannedStill
from prefect_storyboard.storyboards.folders import slug

_BUYS = {Decision.SUBMIT, Decision.UNKNOWN}  # an unknown job may turn out to be new


class Duplicate(Frozen):
    """A job that was abandoned although it had been bought, beside the job whose clip the reel uses."""

    about: str
    usd: float | None
    take: int | None


class Estimate(Frozen):
    """What is new, and its price. `unpriced` names the jobs that have no published price.

    Jobs whose records cannot be read have no decision and are not bought: `damaged` lists them by scene or character. A
    new scene is `blocked`, by its key, if what it needs has failed or cannot be read: it is not submitted. `duplicates`
    were billed by earlier runs with on_unknown="resubmit".
    """

    decisions: dict[str, Decision]
    damaged: dict[str, Damage]
    blocked: dict[str, str]
    duplicates: tuple[Duplicate, ...] = ()
    usd: float
    unpriced: tuple[str, ...]

    @property
    def unsettled(self) -> int:
        """How many jobs must be bought or waited for."""
        return sum(decision not in {Decision.DONE, Decision.FAILED} for decision in self.decisions.values())

    @property
    def warnings(self) -> tuple[str, ...]:
        """The records that cannot be read and the scenes that cannot be submitted, one sentence for each job."""
        damaged = (f"{name}: {damage.error}. {damage.remedy}" for name, damage in self.damaged.items())
        return (*damaged, *self.blocked.values())

    def buys(self, key: str) -> bool:
        """Whether the job of that key has to be bought."""
        return self.decisions.get(key) in _BUYS and key not in self.blocked


async def estimate(plan: Plan, ledger: Ledger, attempts: int) -> Estimate:
    """Look up every job in the ledger and add up the new ones. The tasks of the run reuse what was read.

    Raises LedgerLost if a stored take names a job and the ledger has no records at all: the whole ledger was lost.
    """
    jobs = {job.key: job for job in plan.jobs}
    names = {character.key: character.character.name for character in plan.characters}
    names |= {sheet.key: f"sheet of {sheet.name}" for sheet in plan.sheets}
    names |= {node.key: node.subject for node in (*plan.stills, *plan.still_takes, *plan.renders)}

    def look(key: str) -> _Found | Unreadable:
        try:
            return _look(plan, ledger, jobs[key], attempts)
        except LedgerLost as lost:
            if not any(ledger.matching()):
                raise
            return lost
        except Unreadable as error:
            return error

    survey = await asyncio.to_thread(Survey, ledger.storage, plan.storyboard.slug)
    keep(survey)
    found = dict(zip(jobs, await asyncio.gather(*(asyncio.to_thread(look, key) for key in jobs)), strict=True))
    read = {key: each for key, each in found.items() if not isinstance(each, Unreadable)}
    decisions = {key: each.decision for key, each in read.items()}
    blocked = _blocked(plan, decisions)
    new = [job for key, job in jobs.items() if decisions.get(key) in _BUYS and key not in blocked]
    return Estimate(
        decisions=decisions,
        blocked=blocked,
        damaged={
            names[key]: Damage(error=error.what, remedy=error.remedy)
            for key, error in found.items()
            if isinstance(error, Unreadable)
        },
        duplicates=tuple(_duplicate(given_up, names[key]) for key, each in read.items() for given_up in each.given_up),
        usd=round(sum(job.usd or 0.0 for job in new), 6),
        unpriced=tuple(names[job.key] for job in new if job.usd is None),
    )


def _blocked(plan: Plan, decisions: Mapping[str, Decision]) -> dict[str, str]:
    """Why a new job cannot be submitted, by its key: a scene or character that it needs has failed."""
    waiting: dict[str, list[tuple[str, str]]] = {}  # key of a job, by the key of what it needs, and the reason
    for key, needed, why in _needs(plan):
        if decisions.get(key) is Decision.SUBMIT:
            waiting.setdefault(needed, []).append((key, why))
    found: dict[str, str] = {}
    missing = [job.key for job in plan.jobs if decisions.get(job.key, Decision.FAILED) is Decision.FAILED]
    for needed in missing:
        for key, why in waiting.get(needed, ()):
            if key not in found:
                found[key] = why
                missing.append(key)
    return found


def _needs(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Each job that needs another one: both keys, and the text for a person if the other one is missing."""
    scenes = {node.name: node.key for node in (*plan.stills, *plan.scenes)}
    cast = {(each.character.name, each.model.casting): each.key for each in plan.characters}
    lost, undrawn = "which has no clip and is not bought again", "which could not be drawn"
    for each in plan.characters:
        if source := scenes.get(each.character.from_scene or ""):
            yield each.key, source, f"{each.character.name}: is made from {each.character.from_scene}, {lost}"
    for sheet in plan.sheets:
        if sheet.base:
            yield sheet.key, sheet.base, f"sheet of {sheet.name}: it needs the sheet of its first look, {undrawn}"
    for still in (still for still in (*plan.stills, *plan.still_takes) if not still.standing):
        why = f"{still.subject}: it needs"
        yield from ((still.key, key, f"{why} a sheet, {undrawn}") for key in still.sheets)
        yield from ((still.key, scenes.get(each, ""), f"{why} {each}, {lost}") for each in still.needs)
    for scene in (scene for scene in plan.renders if not scene.standing):
        name = scene.subject
        yield from ((scene.key, scenes.get(each, ""), f"{name}: it needs {each}, {lost}") for each in scene.needs)
        for who in scene.cast:
            if key := cast.get((who, scene.model.casting)):
                yield scene.key, key, f"{name}: it needs {who}, who could not be created"


class _Found(NamedTuple):
    """The state of a job in the ledger, and its attempts that were billed and are not used."""

    decision: Decision
    given_up: tuple[Attempt, ...]


def _look(plan: Plan, ledger: Ledger, job: PlannedJob, attempts: int) -> _Found:
    """Raises Unreadable for a job that was bought, or may have been, and whose records are gone."""
    if isinstance(job, PlannedScene | PlannedStill) and job.damage:
        raise Unreadable(job.damage.error, job.damage.remedy)
    survey = surveyed(ledger.storage)
    scene = job.scene.id if isinstance(job, PlannedScene) else None
    new = survey and scene and not survey.takes(scene)
    history = ledger.history_of_new(job.key) if new else ledger.history(job.key)
    attempts = min(attempts, job.most or attempts) if isinstance(job, PlannedScene) and job.further else attempts
    owner_alive, now = bool(history) and alive(history[-1].intent.owner), datetime.now(UTC)
    # The run begins now: earlier failures at no cost do not count against its own resubmits.
    decision = decide(history, now=now, owner_alive=owner_alive, attempts=attempts, since=now)
    if decision is Decision.SUBMIT:
        _check_not_lost(ledger, plan.storyboard.slug, job, history)
    if scene and not (new and not history):
        _check_take_number(ledger, (plan.storyboard.slug, scene, job.key), history, decision)
    if survey:
        survey.add(job.key, scene, history)
    return _Found(decision, tuple(_given_up(history)))


def _check_not_lost(ledger: Ledger, reel: str, job: PlannedJob, history: Sequence[Attempt]) -> None:
    """Raise LedgerLost if a stored take proves that the job was bought and its records are gone."""
    if isinstance(job, PlannedScene | PlannedStill):
        ledger.check_not_lost(reel, job.scene.id, job.key, job.room)
    elif isinstance(job, PlannedSheet):
        ledger.check_not_lost(job.character.slug, sheet_folder(slug(job.look) if job.look else ""), job.key, "sheets")
    elif not history:
        ledger.check_character_not_lost(reel, job.key)


def _check_take_number(
    ledger: Ledger, place: tuple[str, str, str], history: Sequence[Attempt], decision: Decision
) -> None:
    """Raise Unreadable if the take number of the job's clip cannot be determined: the run could not store the clip."""
    reel, scene, key = place
    used = deciding(history)
    clip = used.end.clip if used and used.end else None
    if clip and lies_in(clip, reel, scene):
        return
    attempt = len(history) + 1 if decision is Decision.SUBMIT else used.number if used and used.job else None
    ledger.take(reel, scene, key, attempt=attempt, reserve=False)


def _given_up(history: Sequence[Attempt]) -> Iterator[Attempt]:
    """The attempts that were abandoned and billed nevertheless, except the one whose clip is used."""
    used = deciding(history)
    for attempt in history:
        free = attempt.late is not None and attempt.late.charged is False
        if attempt.bought_after_all and not free and attempt != used:
            yield attempt


def _duplicate(attempt: Attempt, about: str) -> Duplicate:
    clip = attempt.late.clip if attempt.late else None
    return Duplicate(about=about, usd=clip.cost_usd if clip else attempt.intent.usd, take=clip.take if clip else None)
