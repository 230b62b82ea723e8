"""fal's webhooks: the result of a request, signed with Ed25519, repeated until it is accepted.

The key belongs to this sandbox alone; its JWKS serves one key that nothing is signed with, as while keys rotate, and
pads one `x` as fal's own was seen to be. A webhook that falls due while the sandbox is down is lost.
"""

import base64
import hashlib
import json
from contextlib import suppress
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from prefect_storyboard.sandbox.documents import NEVER, Job
from prefect_storyboard.sandbox.exchange import Router, Sandbox
from prefect_storyboard.sandbox.fal import jobs

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # it protects nothing
_OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
_USER = "user_sandbox"
_TRIES = 31
_KEPT = 3600  # seconds for which a result waits for its webhook to be taken
_LONGEST = 240  # seconds between two tries


def routes(router: Router) -> list[BaseRoute]:
    """The public keys, which need no key of ours."""
    return [router.route("/fal/rest/.well-known/jwks.json", "platform", _jwks)]


async def _jwks(_: Request) -> Response:
    unused = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
    return JSONResponse({"keys": [_document(unused, ""), _document(KEY, "=")]})


def _document(key: Ed25519PrivateKey, padding: str) -> dict[str, str]:
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x + padding}


async def deliver(sandbox: Sandbox, job: Job) -> None:
    """Wait for the end of the request, then post its result until the response is 2xx."""
    fault = job.options.get("webhook_fault", "")
    moment = job.done_at + (float(job.options["webhook_late"]) if fault == "webhook_late" else 0.0)
    if moment >= NEVER:
        return
    await sandbox.until(moment)
    job = await jobs.settle(sandbox, sandbox.state.job(job.id) or job)
    if job.cancelled_at is not None:
        return
    body = json.dumps(await _event(sandbox, job)).encode()
    for _ in range(2 if fault == "webhook_duplicate" else 1):
        await _insist(sandbox, job, body, fault)


async def _event(sandbox: Sandbox, job: Job) -> dict[str, Any]:
    reply = await jobs.result(sandbox, job, job.base)
    event = {"request_id": job.id, "gateway_request_id": job.id, "payload": json.loads(bytes(reply.body))}
    if reply.status_code == httpx.codes.OK:
        return {**event, "status": "OK"}
    return {**event, "status": "ERROR", "error": f"Invalid status code: {reply.status_code}"}


async def _insist(sandbox: Sandbox, job: Job, body: bytes, fault: str) -> None:
    due = job.done_at
    for attempt in range(_TRIES):
        answer = await _post(sandbox, job, body, fault, patience=120 if attempt else 15)
        if answer is not None and (answer.is_success or answer.is_redirect):
            return  # a redirect is a failure for good
        due += min(2**attempt, _LONGEST)
        if due > job.done_at + _KEPT:
            return
        await sandbox.until(due)


async def _post(sandbox: Sandbox, job: Job, body: bytes, fault: str, patience: float) -> httpx.Response | None:
    headers = _headers(job.id, str(int(sandbox.clock())), body, fault)
    with suppress(httpx.HTTPError, httpx.InvalidURL):
        # A proxy of the environment must not see loopback addresses. Redirects are not followed.
        async with httpx.AsyncClient(timeout=patience, trust_env=False) as client:
            return await client.post(job.options["webhook"], content=body, headers=headers)
    return None


def _headers(request_id: str, timestamp: str, body: bytes, fault: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": _USER,
        "X-Fal-Webhook-Timestamp": timestamp,
    }
    if fault == "webhook_unsigned":
        return headers
    key = _OTHER if fault == "webhook_badly_signed" else KEY
    return {**headers, "X-Fal-Webhook-Signature": signature(request_id, timestamp, body, key)}


def signature(request_id: str, timestamp: str, body: bytes, key: Ed25519PrivateKey = KEY) -> str:
    """`X-Fal-Webhook-Signature`: hex, over ids, time and the body's hash."""
    message = "\n".join((request_id, _USER, timestamp, hashlib.sha256(body).hexdigest()))
    return key.sign(message.encode()).hex()
