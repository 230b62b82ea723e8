"""The webhooks of the sandbox's fal, as section 8 of the wire contract says."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.sandbox.in_process import WIRES, Box, sandbox
from tests.sandbox.listening import Listener, listening

FAL = WIRES["fal"]


@dataclass
class Fal:
    box: Box
    listener: Listener
    jobs: list[str] = field(default_factory=list)

    async def ended(self, **body: Any) -> str:
        """Submit with a webhook, and let the render end."""
        query = {"fal_webhook": f"{self.listener.url}?series=1"}
        reply = await self.box.http.post(
            FAL.submit, params=query, json={**FAL.body("A fox."), **body}, headers=FAL.headers
        )
        assert reply.status_code == 200, reply.text
        self.box.clock.advance(60)
        return str(reply.json()["request_id"])

    async def keys(self) -> list[str]:
        reply = await self.box.http.get("/fal/rest/.well-known/jwks.json")
        return [key["x"] for key in reply.json()["keys"]]


@pytest.fixture
async def fal(tmp_path: Path) -> AsyncIterator[Fal]:
    async with sandbox(tmp_path) as box:
        with listening() as listener:
            yield Fal(box, listener)


def signs(x: str, headers: dict[str, str], raw: bytes) -> bool:
    """Whether the key has signed, by the documented algorithm and not by ours."""
    rid, uid, at, signature = (
        headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp", "signature")
    )
    message = f"{rid}\n{uid}\n{at}\n{hashlib.sha256(raw).hexdigest()}".encode()
    try:
        Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x.rstrip("=") + "=")).verify(
            bytes.fromhex(signature), message
        )
    except InvalidSignature:
        return False
    return True


async def test_a_result_is_posted_with_its_signature_and_one_key_of_the_set_is_padded(fal: Fal) -> None:
    request_id = await fal.ended()
    event = await fal.listener.next()
    assert (event.target, event.body["request_id"], event.body["status"]) == ("/?series=1", request_id, "OK")
    assert event.body["payload"]["video"]["url"].endswith("/out.mp4")
    keys = await fal.keys()
    assert [key.endswith("=") for key in keys] == [False, True]
    assert [signs(key, event.headers, event.raw) for key in keys] == [False, True]


async def test_a_failure_is_an_error_with_the_models_own_answer(fal: Fal) -> None:
    await fal.ended(duration=5)
    body = (await fal.listener.next()).body
    assert (body["status"], body["error"]) == ("ERROR", "Invalid status code: 422")
    assert body["payload"]["detail"][0]["loc"] == ["body", "duration"]


async def test_it_is_posted_again_until_it_is_taken_and_a_redirect_ends_it(fal: Fal) -> None:
    fal.listener.answers += [500, 404, 302]
    await fal.ended()
    events = []
    for _ in range(3):
        events.append(await fal.listener.next())
        fal.box.clock.advance(300)
    assert len({event.raw for event in events}) == 1
    assert fal.listener.heard.empty()


@pytest.mark.parametrize(
    ("fault", "signed", "times"),
    [("webhook_duplicate", True, 2), ("webhook_unsigned", None, 1), ("webhook_badly_signed", False, 1)],
)
async def test_each_fault_of_a_webhook(fal: Fal, fault: str, signed: Any, times: int) -> None:
    await fal.box.rule("fal", fault, "submit")
    await fal.ended()
    (_, key) = await fal.keys()
    for _ in range(times):
        event = await fal.listener.next()
        assert ("x-fal-webhook-signature" in event.headers) == (signed is not None)
        assert signed is None or signs(key, event.headers, event.raw) == signed


async def test_a_late_one_comes_late(fal: Fal) -> None:
    await fal.box.rule("fal", "webhook_late", "submit", seconds=500)
    await fal.ended()
    assert fal.listener.heard.empty()
    fal.box.clock.advance(500)
    assert json.loads((await fal.listener.next()).raw)["status"] == "OK"
