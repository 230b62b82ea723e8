"""What automations can listen for: one event for each thing that costs money, or is ready.

Events are emitted inside of runs only: outside, Prefect would start a server for the first one and wait half a minute.
Prefect relates each to the flow run, task run, flow and deployment that it happened in. Resource ids are stable, so
that an automation can name one reel: `storyboard.reel.<library>.<slug>`, where the library is its block's name or,
without a block, a short hash of its URL. No event holds a key, a prompt or a signed link.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from prefect.context import FlowRunContext, TaskRunContext
from prefect.events import emit_event

from prefect_storyboard.blocks import Library
from prefect_storyboard.providers.errors import clean
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Frozen, Reel

EVENTS = {
    "storyboard.job.submitted": "A job was bought: the provider has accepted it.",
    "storyboard.job.unknown": "A job may have been bought, and nobody can tell: adopt it or abandon it.",
    "storyboard.scene.stored": "A clip is in the library.",
    "storyboard.scene.failed": "A scene has no clip; the payload says why and what to do.",
    "storyboard.character.created": "A character was created at a provider.",
    "storyboard.reel.ready": "A reel is assembled; scenes without a clip are counted in it.",
    "storyboard.budget.reached": "A job was not bought, because it would have cost more than the reel may.",
}
_PASSWORD = re.compile(r"(?<=://)[^\s/@]+@")
_LONGEST = 500  # characters of a message

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


class JobFacts(Frozen):
    """What an event says of a job. `cost_usd` is None where nobody has published the price."""

    key: str
    label: str
    provider: str
    account: str
    cost_usd: float | None = None
    request_id: str | None = None
    reel: str = ""


def job_submitted(library: Library, job: JobFacts, *, emit: Emit = emit_event) -> None:
    """A job was bought."""
    _send(emit, "storyboard.job.submitted", _job(library, job), _reel(library, job.reel), _said(job))


def job_unknown(library: Library, job: JobFacts, reason: str, *, emit: Emit = emit_event) -> None:
    """A job may have been bought. `reason` is the error's sentence, with the two commands that settle it."""
    payload = {**_said(job), "reason": _sentence(reason)}
    _send(emit, "storyboard.job.unknown", _job(library, job), _reel(library, job.reel), payload)


def scene_stored(library: Library, reel: str, clip: Clip, *, emit: Emit = emit_event) -> None:
    """A clip is in the library. `reel` is the slug under which it lies."""
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
    _send(emit, "storyboard.scene.stored", _scene(library, reel, clip.scene), _reel(library, reel), payload)


def scene_failed(library: Library, reel: str, failed: FailedScene, job_key: str, *, emit: Emit = emit_event) -> None:
    """A scene has no clip."""
    payload: Payload = {
        "job_key": job_key,
        "error": _sentence(failed.error),
        "charged": failed.charged,
        "remedy": _sentence(failed.remedy),
    }
    _send(emit, "storyboard.scene.failed", _scene(library, reel, failed.scene), _reel(library, reel), payload)


def character_created(library: Library, slug: str, casting: Casting, job: JobFacts, *, emit: Emit = emit_event) -> None:
    """A character was created at a provider. `slug` is its folder's name in the library."""
    payload = {**_said(job), "character_id": casting.id, "mention": casting.mention}
    resource = _resource("character", library, slug, casting.character)
    _send(emit, "storyboard.character.created", resource, _reel(library, job.reel), payload)


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
        "bought_usd": reel.bought_usd,
    }
    _send(emit, "storyboard.reel.ready", _resource("reel", library, slug, reel.title), [], payload)


def budget_reached(library: Library, job: JobFacts, max_cost_usd: float, *, emit: Emit = emit_event) -> None:
    """A job was not bought, because it would have cost more than the reel may."""
    payload = {**_said(job), "max_cost_usd": max_cost_usd}
    related = _reel(library, job.reel)
    _send(emit, "storyboard.budget.reached", _job(library, job), related, payload)


def library_id(library: Library) -> str:
    """The library in resource ids: its block's name, else a short hash of its URL."""
    name = library._block_document_name  # noqa: SLF001 - Prefect has no public name of a loaded block
    return name or hashlib.sha256(library.url.rstrip("/").encode()).hexdigest()[:8]


def bare(url: str) -> str:
    """The URL without what may be secret in it: user, password, query, fragment."""
    parts = urlsplit(url)
    if not parts.scheme:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _send(emit: Emit, event: str, resource: dict[str, str], related: list[dict[str, str]], payload: Payload) -> None:
    if FlowRunContext.get() or TaskRunContext.get():
        emit(event, resource, related=related, payload=dict(payload))


def _resource(kind: str, library: Library, name: str, title: str) -> dict[str, str]:
    return {
        "prefect.resource.id": f"storyboard.{kind}.{library_id(library)}.{name}",
        "prefect.resource.name": title,
        "storyboard.library": library_id(library),
    }


def _job(library: Library, job: JobFacts) -> dict[str, str]:
    return _resource("job", library, job.key, job.label)


def _scene(library: Library, reel: str, scene: str) -> dict[str, str]:
    return _resource("scene", library, f"{reel}.{scene}", scene)


def _reel(library: Library, slug: str) -> list[dict[str, str]]:
    return [{**_resource("reel", library, slug, slug), "prefect.resource.role": "reel"}] if slug else []


def _said(job: JobFacts) -> dict[str, str | float | int | bool | None]:
    return {
        "job_key": job.key,
        "label": job.label,
        "provider": job.provider,
        "account": job.account,
        "request_id": job.request_id,
        "cost_usd": job.cost_usd,
    }


def _sentence(text: str) -> str:
    return _PASSWORD.sub("", clean(text))[:_LONGEST]
