"""The billing meter: what a gateway would have charged, and how often each scene was really ordered.

Nothing is added up as calls come in. The figures follow from the accepted jobs and the clock, so they are the same
after a crash. Only successful outputs are billed; a cancelled, refused or failed job costs nothing. What nobody has
published a price of has `usd` null and is counted as `unpriced`.
"""

import hashlib
import json
from typing import Any

from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox, Settle
from prefect_storyboard.sandbox.state import State

_CORRELATION = {
    "client_business_id",
    "callback_url",
    "callBackUrl",
}  # a client's own ids would make any two orders differ


async def read(sandbox: Sandbox, settle: Settle) -> dict[str, Any]:
    """The meter as JSON; `settle` runs the ended jobs that were never polled."""
    now = sandbox.clock()
    jobs = [await _due(settle, job, now) for job in sandbox.state.jobs()]
    ended = [job for job in jobs if job.phase(now) == "COMPLETED"]
    billed = [_bill(job) for job in ended if is_billed(job)]
    orders = _orders(sandbox.state, jobs)
    return {
        "jobs": len(jobs),
        "jobs_accepted": len(jobs),
        "running": len(jobs) - len(ended),
        "cancelled": sum(job.cancelled_at is not None for job in jobs),
        "failed": sum(not is_billed(job) and job.cancelled_at is None for job in ended),
        "posts": int(sandbox.state.sql("select count(*) from requests where route = 'submit'")[0][0]),
        "uploads": sandbox.state.counter("uploads"),
        "leaks": sandbox.state.counter("leaks"),
        "videos": sum(bill["kind"] == "video" for bill in billed),
        "characters": sum(bill["kind"] == "character" for bill in billed),
        "pictures": sum(bill["kind"] == "picture" for bill in billed),
        "usd": round(sum(bill["usd"] or 0 for bill in billed), 4),
        "unpriced": sum(bill["usd"] is None for bill in billed),
        "billed": billed,
        "orders": orders,
        "duplicates": [order for order in orders if order["jobs"] > 1],
    }


async def job_report(sandbox: Sandbox, settle: Settle, job: Job) -> dict[str, Any]:
    """One job as JSON: where it is, and the bill that it was paid with, if any."""
    now = sandbox.clock()
    job = await _due(settle, job, now)
    return {
        "id": job.id,
        "ids": job.options.get("ids", job.id).split(),
        "gateway": job.gateway,
        "endpoint": job.endpoint,
        "submitted_at": job.submitted_at,
        "phase": job.phase(now),
        "cancelled": job.cancelled_at is not None,
        "billed": _bill(job) if job.phase(now) == "COMPLETED" and is_billed(job) else None,
    }


async def _due(settle: Settle, job: Job, now: float) -> Job:
    """The job, run if its time has come."""
    return await settle(job) if job.phase(now) == "COMPLETED" else job


def is_billed(job: Job) -> bool:
    """Whether the job, once it has run, is paid for."""
    return job.cancelled_at is None and job.outcome is not None and job.outcome.status == 200


def _bill(job: Job) -> dict[str, Any]:
    outcome = job.outcome
    assert outcome is not None  # noqa: S101 - is_billed has checked
    return {
        "request_id": job.id,
        "gateway": job.gateway,
        "endpoint": job.endpoint,
        "kind": outcome.kind,
        "seconds": outcome.clip.seconds if outcome.clip else 0,
        **({"references": len(outcome.picture.references)} if outcome.picture else {}),
        "usd": outcome.usd,
        "key_id": job.key_id,
        "at": job.done_at,
        "body": job.body,
    }


def _orders(state: State, jobs: list[Job]) -> list[dict[str, Any]]:
    """Accepted jobs by their requests, the most frequent first."""
    orders: dict[str, dict[str, Any]] = {}
    made: dict[str, str] = {}
    for job in jobs:
        body = _normalised(state, made, job.body)
        for name in job.outcome.known_as if job.outcome else ():
            made[name] = f"made by {_short(body)}"
        key = json.dumps([job.gateway, job.endpoint, job.key_id, body], sort_keys=True)
        order = orders.setdefault(key, {"jobs": 0, "endpoint": job.endpoint, "body": body, "request_ids": []})
        order["jobs"] += 1
        order["request_ids"].append(job.id)
    return sorted(orders.values(), key=lambda order: -order["jobs"])


def _short(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _normalised(state: State, made: dict[str, str], value: Any) -> Any:
    """The order without accidental ids: a file's address becomes its hash, an id or handle the order that made it.

    A client that uploads or creates a character again must not hide a second purchase of the same scene.
    """
    if isinstance(value, dict):
        return {key: _normalised(state, made, item) for key, item in value.items() if key not in _CORRELATION}
    if isinstance(value, list):
        return [_normalised(state, made, item) for item in value]
    if not isinstance(value, str):
        return value
    if "/cdn/files/b/" in value:
        file = state.file(value.split("/files/b/")[1].split("/")[0])
        if file:
            return f"sha256:{file.sha256}"
    for name, order in made.items():
        value = value.replace(name, order)
    return value
