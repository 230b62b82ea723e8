"""Which events there are, and what each says: the table of docs/events.md."""

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
        "once the job is on record, also for a job that was lost and is found again",
        "job.<library>.<job key>",
        _JOB,
    ),
    "storyboard.job.ended": Documented(
        "A job has ended at the provider, and the library knows how: `outcome` is `done` or `failed`.",
        "by the callbacks server, once it has collected the job of a callback",
        "job.<library>.<job key>",
        (*_JOB, "outcome"),
    ),
    "storyboard.job.unknown": Documented(
        "A job may have been bought, and nobody can tell: adopt it or abandon it.",
        "in every run that is stopped by it, until somebody settles it",
        "job.<library>.<job key>",
        (*_JOB, "reason", "remedy"),
    ),
    "storyboard.scene.stored": Documented(
        "A clip is in the library.",
        "once its file and its sidecar are there, also for a clip that is copied from another reel",
        "scene.<library>.<reel>.<scene>",
        ("job_key", "url", "take", "seconds", "cost_usd", "provider", "model", "request_id"),
    ),
    "storyboard.scene.failed": Documented(
        "A scene has no clip; the payload says why and what to do.",
        "in every run that ends without that clip, also where the provider failed it in an earlier run",
        "scene.<library>.<reel>.<scene>",
        ("job_key", "error", "charged", "remedy"),
    ),
    "storyboard.character.created": Documented(
        "A character was created at a provider.",
        "once its id is on record; a model that is shown its characters creates none",
        "character.<library>.<character>",
        (*_JOB, "character_id", "mention"),
    ),
    "storyboard.reel.ready": Documented(
        "A reel is assembled; scenes without a clip are counted in it.",
        "when it was assembled anew",
        "reel.<library>.<reel>",
        ("title", "url", "page", "seconds", "clips", "failed", "cost_usd", "unpriced", "bought_usd"),
    ),
    "storyboard.budget.reached": Documented(
        "Something was not bought, because it would have cost more than `max_cost_usd`.",
        "in every run that is stopped by it; a series that is refused as a whole has the reel as its resource",
        "job.<library>.<job key>",
        (*_JOB, "max_cost_usd", "reason"),
    ),
}
