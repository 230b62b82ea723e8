"""ToAPIs' webhooks: a signed event to the `callback_url` of a task that has ended.

The sandbox takes the console's configuration as given, whatever host the caller names. An event that was due while it
was not running is lost: a client that only waits for events has to poll anyway.
"""

import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any

import httpx

from prefect_storyboard.sandbox.documents import NEVER, Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.meter import is_billed
from prefect_storyboard.sandbox.toapis import jobs

SECRET = "sandbox_secret"  # noqa: S105 - it protects nothing
_PAUSES = (0, 10, 30, 120, 600, 3_600, 21_600, 86_400)


def signature(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Lower-case hex over id, time and the raw body."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


async def deliver(sandbox: Sandbox, job: Job, url: str) -> None:
    """Send the event when the job has ended, repeated until it is accepted."""
    if job.done_at >= NEVER:
        return
    await sandbox.until(job.done_at)
    job = await jobs.settle(sandbox, sandbox.state.job(job.id) or job)
    body = json.dumps(_event(sandbox, job), ensure_ascii=False, separators=(",", ":")).encode()
    for _ in range(2 if job.options.get("webhook") == "webhook_duplicate" else 1):
        await _insist(sandbox, job, url, body)


def _event(sandbox: Sandbox, job: Job) -> dict[str, Any]:
    state = jobs.document(job, job.done_at, job.base)
    data = {
        "task_id": job.id,
        "client_business_id": state.get("client_business_id"),
        "task_type": "image" if jobs.task(job) == "picture" else "video",
        "model": state["model"],
        "status": state["status"],
        "progress": state["progress"],
        "result": jobs.result(job, job.base),
        "error": jobs.fault(job),
        "submitted_at": int(job.submitted_at),
        "finished_at": int(job.done_at),
    }
    kind = "generation.completed" if is_billed(job) else "generation.failed"
    event = {"id": f"evt_{job.id.rpartition('_')[2]}", "type": kind, "api_version": "v1"}
    return {**event, "created_at": int(sandbox.clock()), "data": data}


async def _insist(sandbox: Sandbox, job: Job, url: str, body: bytes) -> None:
    due = job.done_at
    for pause in _PAUSES:
        due += pause
        await sandbox.until(due)
        headers = _headers(sandbox, job, body)
        with suppress(httpx.HTTPError, httpx.InvalidURL):
            # A proxy of the environment must not see loopback addresses. Redirects are not followed.
            async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
                if (await client.post(url, content=body, headers=headers)).is_success:
                    return


def _headers(sandbox: Sandbox, job: Job, body: bytes) -> dict[str, str]:
    event_id, timestamp = json.loads(body)["id"], str(int(sandbox.clock()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "ToAPIs-Webhook/1.0",
        "X-ToAPIs-Webhook-Id": event_id,
        "X-ToAPIs-Webhook-Timestamp": timestamp,
    }
    good, other = (f"v1={signature(secret, event_id, timestamp, body)}" for secret in (SECRET, f"not_{SECRET}"))
    signed = {
        "webhook_badly_signed": other,
        "webhook_rotated": f"{other},{good}",  # for a day both keys sign
        "webhook_unsigned": "",
    }.get(job.options.get("webhook", ""), good)
    return {**headers, **({"X-ToAPIs-Webhook-Signature": signed} if signed else {})}
