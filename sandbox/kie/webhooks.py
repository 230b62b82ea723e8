"""Kie's callbacks: the end of a task, and for four models its progress on the way.

Delivered once, within 15 seconds, as no retry policy is published. A callback that is due when the sandbox is killed is
lost, as a client must expect of any. The payload of progress is not published either: the record, while it generates.
"""

import base64
import hashlib
import hmac
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx

from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.kie.jobs import settle
from prefect_storyboard.sandbox.kie.records import record
from prefect_storyboard.sandbox.kie.table import check
from prefect_storyboard.sandbox.meter import is_billed

SECRET = "sandbox_secret"  # noqa: S105 - the documented one of the sandbox
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def signature(task_id: str, timestamp: int, secret: str = SECRET) -> str:
    """`X-Webhook-Signature`: over the task's id and the time; the body is not signed."""
    digest = hmac.new(secret.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


async def send_callbacks(sandbox: Sandbox, job: Job) -> None:
    """Post progress and end to the addresses that the task named, each when it is due."""
    task, _ = check(job.body)
    if task.progress:
        for share in (0.0, 0.5):
            at = job.started_at + share * (job.done_at - job.started_at)
            await sandbox.until(at)
            event = {"code": 200, "msg": "success", "data": record(job, at, job.base)}
            await _post(sandbox, job, task.progress, event)
    if task.callback:
        await sandbox.until(job.done_at)
        job = await settle(sandbox, job)
        for _ in range(2 if job.options.get("switch") == "callback_duplicate" else 1):
            await _post(sandbox, job, task.callback, _event(job))


def _event(job: Job) -> dict[str, Any]:
    """The terminal event: the record, without what the documents leave out of it."""
    data = record(job, job.done_at, job.base)
    if is_billed(job):
        data.pop("progress", None)
        return {"code": 200, "msg": "Playground task completed successfully.", "data": data}
    data.pop("updateTime")
    return {"code": 501, "msg": "Playground task failed.", "data": data | {"resultJson": None}}


async def _post(sandbox: Sandbox, job: Job, url: str, event: dict[str, Any]) -> None:
    now = int(sandbox.clock())
    secret = "another" if job.options.get("switch") == "callback_badly_signed" else SECRET
    headers = {"X-Webhook-Timestamp": str(now), "X-Webhook-Signature": signature(job.id, now, secret)}
    if job.options.get("switch") == "callback_unsigned":
        headers = {}
    # A proxy of the environment must not see loopback addresses.
    trust = urlsplit(url).hostname not in _LOOPBACK
    with suppress(httpx.HTTPError, httpx.InvalidURL):
        async with httpx.AsyncClient(timeout=15, trust_env=trust) as client:
            await client.post(url, json=event, headers=headers)
