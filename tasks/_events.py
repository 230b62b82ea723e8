"""Events for automations: one for each step that costs money or has a result.

Events are emitted inside runs only: outside, Prefect would start a server for the first one and wait half a minute. The
callbacks server, which runs beside a Prefect server, emits them `outside_runs`. Prefect relates each event to the flow
run, task run, flow and deployment in which it is emitted. Resource ids are stable, so
that an automation can name one reel: see `_event_resources`. No event contains a key, a prompt or a signed URL. An
event that cannot be emitted is logged and never stops a paid job.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from prefect.context import FlowRunContext, TaskRunContext
from prefect.events import emit_event

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.providers.errors import Busy, NotSent, OutcomeUnknown, ProtocolError, ProviderError, clean
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Reel, Still
from prefect_storyboard.tasks._event_facts import JobFacts
from prefect_storyboard.tasks._event_resources import (
    Resource,
    bare,
    job_resource,
    related_reel,
    resource,
    scene_resource,
)

_PASSWORD = re.compile(r"(?<=://)[^\s/@]+@")
_log = logging.getLogger(__name__)
_LONGEST = 500  # characters of a message
_OPEN = (NotSent, Busy, ProtocolError)  # a retry of the task may still return the clip

_reported_by_caller: ContextVar[bool] = ContextVar("reported_by_caller", default=False)
_outside_runs: ContextVar[bool] = ContextVar("outside_runs", default=False)

Payload = Mapping[str, str | float | int | bool | None]


class Emit(Protocol):
    """Prefect's `emit_event`, or what a test passes in."""

    def __call__(
        self,
        event: str,
        resource: dict[str, str],
        *,
        related: list[dict[str, str]],
        payload: dict[str, str | float | int | bool | None],
    ) -> object: ...


@contextmanager
def job_errors(
    library: Library, job: JobFacts, *, scene: str = "", max_cost_usd: float | None = None, emit: Emit = emit_event
) -> Iterator[None]:
    """Emit the event for an error of a job: not bought, unknown or, if it renders `scene`, failed.

    Re-raises the error.
    """
    try:
        yield
    except OutcomeUnknown as error:
        job_unknown(library, job, str(error), error.remedy.replace("<job>", job.key[:12]), emit=emit)
        raise
    except OverBudget as error:
        budget_reached(library, job, max_cost_usd or 0.0, str(error), emit=emit)
        raise
    except _OPEN:
        raise
    except ProviderError as error:
        if scene and not _reported_by_caller.get():
            failed = FailedScene(scene=scene, error=str(error), charged=error.charged, remedy=error.remedy)
            scene_failed(library, job.reel, failed, job.key, emit=emit)
        raise


@contextmanager
def reported_by_caller() -> Iterator[None]:
    """Leave `scene.failed` to the caller: a series may render a scene again after a job of it has failed."""
    token = _reported_by_caller.set(True)
    try:
        yield
    finally:
        _reported_by_caller.reset(token)


@contextmanager
def outside_runs() -> Iterator[None]:
    """Emit events outside runs: the caller knows that there is a Prefect server."""
    token = _outside_runs.set(True)
    try:
        yield
    finally:
        _outside_runs.reset(token)


def job_submitted(library: Library, job: JobFacts, *, emit: Emit = emit_event) -> None:
    """A job was bought."""
    _send_of_job(emit, "storyboard.job.submitted", library, job)


def job_ended(library: Library, job: JobFacts, outcome: str, *, emit: Emit = emit_event) -> None:
    """A callback was confirmed: the job has ended at the provider, and its outcome is recorded."""
    _send_of_job(emit, "storyboard.job.ended", library, job, outcome=outcome)


def job_unknown(library: Library, job: JobFacts, reason: str, remedy: str, *, emit: Emit = emit_event) -> None:
    """A job may have been bought. `remedy` has the two commands that settle it."""
    _send_of_job(emit, "storyboard.job.unknown", library, job, reason=_sentence(reason), remedy=_sentence(remedy))


def scene_stored(library: Library, reel: str, clip: Clip, *, emit: Emit = emit_event) -> None:
    """A clip is in the library. `reel` is the slug of its reel."""
    payload: Payload = {
        "job_key": clip.job_key,
        "url": bare(clip.url),
        "take": clip.take,
        "seconds": clip.seconds,
        "cost_usd": clip.cost_usd,
        "provider": clip.provider,
        "model": clip.model,
        "request_id": clip.request_id,
    }
    _send(
        emit, "storyboard.scene.stored", scene_resource(library, reel, clip.scene), related_reel(library, reel), payload
    )


def still_stored(library: Library, reel: str, still: Still, *, emit: Emit = emit_event) -> None:
    """A still is in the library. `reel` is the slug of its reel; for a sheet that of the character."""
    payload: Payload = {
        "job_key": still.job_key,
        "url": bare(still.url),
        "take": still.take,
        "sheet_of": still.sheet_of,
        "look": still.look,
        "cost_usd": still.cost_usd,
        "provider": still.provider,
        "model": still.model,
        "request_id": still.request_id,
    }
    about = resource("still", library, f"{reel}.{still.scene}" if reel else still.scene, still.scene)
    _send(emit, "storyboard.still.stored", about, related_reel(library, "" if still.sheet_of else reel), payload)


def scene_failed(library: Library, reel: str, failed: FailedScene, job_key: str, *, emit: Emit = emit_event) -> None:
    """A scene has no clip."""
    payload: Payload = {
        "job_key": job_key,
        "error": _sentence(failed.error),
        "charged": failed.charged,
        "remedy": _sentence(failed.remedy),
    }
    _send(
        emit,
        "storyboard.scene.failed",
        scene_resource(library, reel, failed.scene),
        related_reel(library, reel),
        payload,
    )


def character_created(library: Library, slug: str, casting: Casting, job: JobFacts, *, emit: Emit = emit_event) -> None:
    """A character was created at a provider. `slug` is its folder's name in the library."""
    payload = {**job.payload, "character_id": casting.id, "mention": casting.mention}
    about = resource("character", library, slug, casting.character)
    _send(emit, "storyboard.character.created", about, related_reel(library, job.reel), payload)


def reel_ready(library: Library, slug: str, reel: Reel, *, emit: Emit = emit_event) -> None:
    """A reel is assembled."""
    payload: Payload = {
        "title": reel.title,
        "url": bare(reel.url or ""),
        "page": bare(reel.page or ""),
        "seconds": reel.seconds,
        "clips": len(reel.clips),
        "failed": len(reel.failed),
        "cost_usd": reel.cost_usd,
        "unpriced": reel.unpriced,
        "bought_usd": reel.bought_usd,
    }
    _send(emit, "storyboard.reel.ready", resource("reel", library, slug, reel.title), [], payload)


def approval_requested(library: Library, slug: str, facts: Payload, *, emit: Emit = emit_event) -> None:
    """A run waits for a person to approve it. `slug` is its reel."""
    _send(emit, "storyboard.approval.requested", resource("reel", library, slug, slug), [], facts)


def budget_reached(
    library: Library, job: JobFacts, max_cost_usd: float, reason: str, *, emit: Emit = emit_event
) -> None:
    """A job was not bought, because the reel would have exceeded its budget."""
    _send_of_job(emit, "storyboard.budget.reached", library, job, max_cost_usd=max_cost_usd, reason=_sentence(reason))


def series_over_budget(
    library: Library, slug: str, max_cost_usd: float, reason: str, *, emit: Emit = emit_event
) -> None:
    """A series was refused as a whole, before anything was bought."""
    payload: Payload = {"max_cost_usd": max_cost_usd, "reason": _sentence(reason)}
    _send(emit, "storyboard.budget.reached", resource("reel", library, slug, slug), [], payload)


def _send_of_job(emit: Emit, event: str, library: Library, job: JobFacts, **further: str | float | None) -> None:
    about, related = job_resource(library, job.key, job.label), related_reel(library, job.reel)
    _send(emit, event, about, related, {**job.payload, **further})


def _send(emit: Emit, event: str, about: Resource, related: list[Resource], payload: Payload) -> None:
    if FlowRunContext.get() is None and TaskRunContext.get() is None and not _outside_runs.get():
        return
    try:
        emit(event, about, related=related, payload=dict(payload))
    except Exception as error:  # noqa: BLE001 - any error: what the event reports has happened and is recorded
        _log.warning("The event %s was not emitted; the run goes on without it: %s", event, clean(str(error)))


def _sentence(text: str) -> str:
    return _PASSWORD.sub("", clean(text))[:_LONGEST]
