"""Verify the signatures of the gateways' webhooks, each as its own page describes.

Each function returns the id of the job that a callback is about, or None if the signature is not valid, also for
arbitrary bytes and for an empty secret. The content of a callback is never trusted: the job is polled at the provider,
and only that response counts. A callback may come twice, late or never.

    fal        Ed25519 over request id, user id, time and the body's hash: https://fal.ai/docs (webhooks)
    Kie        HMAC-SHA256 over task id and time, not the body: https://docs.kie.ai/common-api/webhook-verification
    ToAPIs     HMAC-SHA256 over event id, time and body; two while keys rotate: https://docs.toapis.com (webhooks)
    WaveSpeed  HMAC-SHA256 over event id, time and body: https://wavespeed.ai/docs/how-to-use-webhooks
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from prefect_storyboard.providers.json_values import non_blank
from prefect_storyboard.storyboards.outcomes import JsonObject

WINDOW = 300  # seconds between the sender's clock and ours
_TIME = re.compile(r"[0-9]{1,12}")
_HEX = re.compile(r"[0-9a-fA-F]+")


def from_fal(headers: Mapping[str, str], body: bytes, keys: Iterable[str], now: float | None = None) -> str | None:
    """The request id, if one of the JWKS keys (`x`, base64url with or without padding) has signed the callback."""
    given = _given(headers, [f"x-fal-webhook-{name}" for name in ("request-id", "user-id", "timestamp", "signature")])
    if given is None or not _recent(given[2], now):
        return None
    request_id, user_id, at, signature = given
    message = _bytes("\n".join((request_id, user_id, at, hashlib.sha256(body).hexdigest())))
    return request_id if any(_signed(key, signature, message) for key in keys) else None


def from_kie(headers: Mapping[str, str], body: bytes, secret: str, now: float | None = None) -> str | None:
    """The task id, if the account's webhookHmacKey has signed it and the time."""
    given = _given(headers, ["x-webhook-timestamp", "x-webhook-signature"])
    root = _document(body)
    data = inner if isinstance(inner := root.get("data"), dict) else {}
    task_id = next(
        filter(None, (non_blank(place.get(key)) for place in (data, root) for key in ("taskId", "task_id"))), None
    )
    if given is None or task_id is None or not secret or not _recent(given[0], now):
        return None
    expected = base64.b64encode(_hmac(secret, _bytes(f"{task_id}.{given[0]}"))).decode()
    return task_id if _any(expected, given[1]) else None


def from_toapis(headers: Mapping[str, str], body: bytes, secret: str, now: float | None = None) -> str | None:
    """The task id, if the API key's signing secret, or the one before it, has signed the callback."""
    given = _given(headers, [f"x-toapis-webhook-{name}" for name in ("id", "timestamp", "signature")])
    if given is None or not secret or not _recent(given[1], now):
        return None
    expected = f"v1={_hmac(secret, _bytes(f'{given[0]}.{given[1]}.') + body).hex()}"
    if not _any(expected, given[2]):
        return None
    data = _document(body).get("data")
    return non_blank(data.get("task_id")) if isinstance(data, dict) else None


def from_wavespeed(headers: Mapping[str, str], body: bytes, secret: str, now: float | None = None) -> str | None:
    """The prediction's id, if the account's webhook secret (whsec_...) has signed the callback."""
    given = _given(headers, [f"webhook-{name}" for name in ("id", "timestamp", "signature")])
    key = secret.removeprefix("whsec_")  # the text itself is the key; it is not decoded
    if given is None or not key or not _recent(given[1], now):
        return None
    expected = f"v3,{_hmac(key, _bytes(f'{given[0]}.{given[1]}.') + body).hex()}"
    signatures = given[2].replace("v3,", " v3,")  # several are separated by blanks or by commas
    return non_blank(_document(body).get("id")) if _any(expected, signatures, separators=r",?\s+|,$") else None


def _given(headers: Mapping[str, str], names: list[str]) -> list[str] | None:
    """The values of the headers, by case-insensitive names; None if one is missing."""
    lower = {name.lower(): value for name, value in headers.items()}
    return [lower[name] for name in names] if all(name in lower for name in names) else None


def _recent(at: str, now: float | None) -> bool:
    return bool(_TIME.fullmatch(at)) and abs((time.time() if now is None else now) - int(at)) <= WINDOW


def _signed(key: str, signature: str, message: bytes) -> bool:
    if not _HEX.fullmatch(signature):
        return False
    try:
        raw = base64.urlsafe_b64decode(key.rstrip("=") + "=" * (-len(key.rstrip("=")) % 4))
        Ed25519PublicKey.from_public_bytes(raw).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _hmac(key: str, message: bytes) -> bytes:
    return hmac.digest(_bytes(key), message, "sha256")


def _bytes(text: str) -> bytes:
    """UTF-8, also for text with a lone surrogate, which no sender signs."""
    return text.encode(errors="surrogatepass")


def _any(expected: str, given: str, *, separators: str = r"[,\s]+") -> bool:
    """Whether one of the signatures in a header is the expected one; there are several while keys rotate."""
    signatures = [each for each in re.split(separators, given) if each]
    return any([hmac.compare_digest(_bytes(expected), _bytes(each)) for each in signatures])  # noqa: C419 - compare all, so that timing reveals nothing


def _document(body: bytes) -> JsonObject:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
