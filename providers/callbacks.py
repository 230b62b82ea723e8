"""Whose callback this is: signatures of the gateways' webhooks, verified after each one's own page.

Each function returns the id of the job that a callback is about, or None where the signature does not prove it. What
a callback says is never believed by itself: the job is asked for, and the answer counts. It may come twice, late or
never.

    fal        Ed25519 over request id, user id, time and the body's hash      https://fal.ai/docs (webhooks)
    Kie        HMAC-SHA256 over task id and time; the body is not signed       https://docs.kie.ai/common-api/webhook-verification
    ToAPIs     HMAC-SHA256 over event id, time and body; two while keys rotate https://docs.toapis.com (webhooks)
    WaveSpeed  HMAC-SHA256 over event id, time and body                        https://wavespeed.ai/docs/how-to-use-webhooks
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from prefect_storyboard.providers.json_values import non_blank
from prefect_storyboard.storyboards.outcomes import JsonObject

WINDOW = 300  # seconds between the sender's clock and ours


def from_fal(headers: Mapping[str, str], body: bytes, keys: Iterable[str], now: float | None = None) -> str | None:
    """The request id, if one of the JWKS keys (`x`, base64url with or without padding) has signed the callback."""
    given = _given(headers, [f"x-fal-webhook-{name}" for name in ("request-id", "user-id", "timestamp", "signature")])
    if given is None or not _recent(given[2], now):
        return None
    request_id, user_id, at, signature = given
    message = "\n".join((request_id, user_id, at, hashlib.sha256(body).hexdigest())).encode()
    return request_id if any(_signed(key, signature, message) for key in keys) else None


def from_kie(headers: Mapping[str, str], body: bytes, secret: str, now: float | None = None) -> str | None:
    """The task id, if the account's webhookHmacKey has signed it and the time."""
    given = _given(headers, ["x-webhook-timestamp", "x-webhook-signature"])
    root = _document(body)
    data = inner if isinstance(inner := root.get("data"), dict) else {}
    task_id = next(
        filter(None, (non_blank(place.get(key)) for place in (data, root) for key in ("taskId", "task_id"))), None
    )
    if given is None or task_id is None or not _recent(given[0], now):
        return None
    expected = base64.b64encode(_hmac(secret, f"{task_id}.{given[0]}".encode())).decode()
    return task_id if _same(expected, given[1]) else None


def from_toapis(headers: Mapping[str, str], body: bytes, secret: str, now: float | None = None) -> str | None:
    """The task id, if the API key's signing secret, or the one before it, has signed the callback."""
    given = _given(headers, [f"x-toapis-webhook-{name}" for name in ("id", "timestamp", "signature")])
    if given is None or not _recent(given[1], now):
        return None
    expected = f"v1={_hmac(secret, f'{given[0]}.{given[1]}.'.encode() + body).hex()}"
    if not any(_same(expected, each.strip()) for each in given[2].split(",")):
        return None
    data = _document(body).get("data")
    return non_blank(data.get("task_id")) if isinstance(data, dict) else None


def from_wavespeed(headers: Mapping[str, str], body: bytes, secret: str, now: float | None = None) -> str | None:
    """The prediction's id, if the account's webhook secret (whsec_...) has signed the callback."""
    given = _given(headers, [f"webhook-{name}" for name in ("id", "timestamp", "signature")])
    if given is None or not _recent(given[1], now):
        return None
    key = secret.removeprefix("whsec_")  # the text itself is the key; it is not decoded
    expected = f"v3,{_hmac(key, f'{given[0]}.{given[1]}.'.encode() + body).hex()}"
    return non_blank(_document(body).get("id")) if _same(expected, given[2]) else None


def _given(headers: Mapping[str, str], names: list[str]) -> list[str] | None:
    """The values of the headers, in any case of their names; None if one is missing."""
    lower = {name.lower(): value for name, value in headers.items()}
    return [lower[name] for name in names] if all(name in lower for name in names) else None


def _recent(at: str, now: float | None) -> bool:
    return at.isdecimal() and abs((time.time() if now is None else now) - int(at)) <= WINDOW


def _signed(key: str, signature: str, message: bytes) -> bool:
    try:
        raw = base64.urlsafe_b64decode(key.rstrip("=") + "=" * (-len(key.rstrip("=")) % 4))
        Ed25519PublicKey.from_public_bytes(raw).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _hmac(key: str, message: bytes) -> bytes:
    return hmac.digest(key.encode(), message, "sha256")


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))


def _document(body: bytes) -> JsonObject:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
