"""WaveSpeed's webhooks: the bare prediction, signed with a text key, at most three retries.

A webhook that falls due while the sandbox is down is lost: the documents promise no delivery.
"""

import hashlib
import hmac
import json
from urllib.parse import urlsplit

import httpx

from prefect_storyboard.sandbox.documents import NEVER, Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.wavespeed.jobs import prediction, settle

SECRET = "sandbox_secret"  # noqa: S105 - the sandbox has no other
_RETRIES = 3


def is_target(url: str) -> bool:
    """Whether this is an address that a webhook can go to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


async def deliver(sandbox: Sandbox, job: Job) -> None:
    """Wait for the end of the job, then send its webhook."""
    fault = job.options.get("webhook_fault", "")
    moment = job.done_at + (float(job.options["webhook_late"]) if fault == "webhook_late" else 0.0)
    if moment >= NEVER:
        return
    await sandbox.until(moment)
    job = await settle(sandbox, sandbox.state.job(job.id) or job)
    event = {**prediction(sandbox, job, job.base), "input": job.body}
    for _ in range(2 if fault == "webhook_duplicate" else 1):
        await _send(sandbox, job, json.dumps(event), fault)


async def _send(sandbox: Sandbox, job: Job, body: str, fault: str) -> None:
    for attempt in range(_RETRIES + 1):
        try:
            # A proxy of the environment must not see loopback addresses.
            async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
                headers = _headers(sandbox, job, body, fault)
                reply = await client.post(job.options["webhook"], content=body, headers=headers)
        except httpx.HTTPError:
            reply = None
        if reply is not None and reply.is_success:
            return
        await sandbox.until(sandbox.clock() + 2**attempt)


def _headers(sandbox: Sandbox, job: Job, body: str, fault: str) -> dict[str, str]:
    message, timestamp = f"evt_{job.id}", str(int(sandbox.clock()))
    headers = {"Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": timestamp}
    if fault == "webhook_unsigned":
        return headers
    key = "somebody else" if fault == "webhook_badly_signed" else SECRET
    signed = signature(key, f"{message}.{timestamp}.{body}")
    if fault == "webhook_rotated":  # the previous secret's comes first
        signed = f"{signature('previous_secret', f'{message}.{timestamp}.{body}')} {signed}"
    return {**headers, "webhook-signature": signed}


def signature(key: str, text: str) -> str:
    """The value of `webhook-signature`: the key counts as text, it is not base64-decoded."""
    return f"v3,{hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()}"
