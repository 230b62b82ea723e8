"""All events and their payloads: the table of docs/events.md."""

from collections.abc import Mapping
from typing import NamedTuple


class Documented(NamedTuple):
    """One event. `resource` is the id without `storyboard.`; `payload` names its fields in their order."""

    what: str
    when: str
    resource: str
    payload: tuple[str, ...]


_JOB = ("job_key", "label", "provider", "account", "request_id", "cost_usd")

EVENTS: Mapping[str, Documented] = {
    "storyboard.job.submitted": Documented(
        "A job was bought: the provider has accepted it.",
        "once the job is recorded, also for a job whose reply was lost and that was found again",
        "job.<library>.<job key>",
        _JOB,
    ),
    "storyboard.job.ended": Documented(
        "A job has ended at the provider and its outcome is recorded: `outcome` is `done` or `failed`.",
        "by the callbacks server, once it has collected the job of a callback",
        "job.<library>.<job key>",
        (*_JOB, "outcome"),
    ),
    "storyboard.job.unknown": Documented(
        "A job may or may not have been bought: adopt it or abandon it.",
        "in every run that it stops, until it is settled",
        "job.<library>.<job key>",
        (*_JOB, "reason", "remedy"),
    ),
    "storyboard.scene.stored": Documented(
        "A clip is in the library.",
        "once its file and its sidecar are there, also for a clip that is copied from another reel",
        "scene.<library>.<reel>.<scene>",
        ("job_key", "url", "take", "seconds", "cost_usd", "provider", "model", "request_id"),
    ),
    "storyboard.still.stored": Documented(
        "A still or a sheet is in the library.",
        "once its file and its sidecar are there, also for one that is copied from another reel",
        "still.<library>.<reel>.<scene>",
        ("job_key", "url", "take", "sheet_of", "look", "cost_usd", "provider", "model", "request_id"),
    ),
    "storyboard.scene.failed": Documented(
        "A scene has no clip; the payload says why and what to do.",
        "in every run that ends without that clip, also if the provider failed it in an earlier run",
        "scene.<library>.<reel>.<scene>",
        ("job_key", "error", "charged", "remedy"),
    ),
    "storyboard.character.created": Documented(
        "A character was created at a provider.",
        "once its id is recorded; a model that takes reference media creates no characters",
        "character.<library>.<character>",
        (*_JOB, "character_id", "mention"),
    ),
    "storyboard.reel.ready": Documented(
        "A reel is assembled; the payload counts the scenes without a clip.",
        "whenever it is assembled again",
        "reel.<library>.<reel>",
        ("title", "url", "page", "seconds", "clips", "failed", "cost_usd", "unpriced", "bought_usd"),
    ),
    "storyboard.approval.requested": Documented(
        "A run waits for a person: `kind` says what is to be approved, `until` when the run ends unanswered.",
        "whenever a run begins to wait, also if the plan has changed and it asks again",
        "reel.<library>.<reel>",
        ("kind", "hash", "scenes", "cost_usd", "until"),
    ),
    "storyboard.budget.reached": Documented(
        "A job was not bought, because it would have cost more than `max_cost_usd`.",
        "in every run that it stops; if a whole series is refused, the resource is the reel",
        "job.<library>.<job key>",
        (*_JOB, "max_cost_usd", "reason"),
    ),
}
