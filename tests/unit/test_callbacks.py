"""A callback is believed only with the signature of its gateway, on its own body, at its own time."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from prefect_storyboard.providers.callbacks import from_fal, from_kie, from_toapis, from_wavespeed

FAL_ID = "3f0c1a52-7a0e-4b7d-9a63-0c3c2c0d6a11"
FAL_BODY = (
    f'{{"request_id":"{FAL_ID}","gateway_request_id":"{FAL_ID}","status":"OK","payload":{{"video":'
    '{"url":"https://v3b.fal.media/files/b/fixture/out.mp4"},"video_id":"video_123"}}'
).encode()
FAL_SIGNATURE = (
    "9699ba8697ba86dd922f88e4959b48972eecb7be055f1f56f723766e20550bac"
    "2d899132da69356c80397850e5f7f15d86d27d877de15ffcb4e59fa2b29ea60c"
)
FAL_KEY = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
FAL_HEADERS = {
    "X-Fal-Webhook-Request-Id": FAL_ID,
    "X-Fal-Webhook-User-Id": "user_fixture",
    "X-Fal-Webhook-Timestamp": "1765174300",
    "X-Fal-Webhook-Signature": FAL_SIGNATURE,
}
KIE_ID = "task_sora-2-characters_1765174270120"
KIE_HEADERS = {
    "X-Webhook-Timestamp": "1765174300",
    "X-Webhook-Signature": "EQWJBRom4eT0AmfWkr6LuHaQRrAeVvoDjI0aPpHe694=",
}
WAVESPEED_KEY = "e9EE3BdyXSxcB4ZyZUKjQUEoQX4sF9P1+eMpb/KluCM="
WAVESPEED_HEADERS = {
    "webhook-id": "evt_1",
    "webhook-timestamp": "1758798328",
    "webhook-signature": "v3,db28c861cb634c53aa1f4317e8a0e6c316d604dda7049c39fb842c07d66a8efd",
}
TOAPIS_BODY = json.dumps({"id": "evt_1", "type": "generation.completed", "data": {"task_id": "task_1"}}).encode()


def toapis(*secrets: str, body: bytes = TOAPIS_BODY) -> dict[str, str]:
    signed = (hmac.digest(secret.encode(), b"evt_1.1765251507." + body, "sha256").hex() for secret in secrets)
    return {
        "X-ToAPIs-Webhook-Id": "evt_1",
        "X-ToAPIs-Webhook-Timestamp": "1765251507",
        "X-ToAPIs-Webhook-Signature": ",".join(f"v1={each}" for each in signed),
    }


Verify = Callable[[dict[str, str], bytes, float], str | None]
VALID: dict[str, tuple[Verify, dict[str, str], bytes, float, str]] = {
    "fal": (lambda h, b, t: from_fal(h, b, [FAL_KEY], t), FAL_HEADERS, FAL_BODY, 1765174300, FAL_ID),
    "kie": (
        lambda h, b, t: from_kie(h, b, "test_hmac_key", t),
        KIE_HEADERS,
        json.dumps({"code": 200, "data": {"taskId": KIE_ID}}).encode(),
        1765174300,
        KIE_ID,
    ),
    "toapis": (lambda h, b, t: from_toapis(h, b, "new", t), toapis("new"), TOAPIS_BODY, 1765251507, "task_1"),
    "wavespeed": (
        lambda h, b, t: from_wavespeed(h, b, f"whsec_{WAVESPEED_KEY}", t),
        WAVESPEED_HEADERS,
        b'{"id":"p1","status":"completed"}',
        1758798328,
        "p1",
    ),
}
gateways = pytest.mark.parametrize("gateway", VALID)


@gateways
def test_the_contracts_own_vector_is_valid_and_names_the_job(gateway: str) -> None:
    verify, headers, body, now, job_id = VALID[gateway]
    assert verify(headers, body, now) == job_id
    assert verify({name.lower(): value for name, value in headers.items()}, body, now) == job_id


def test_toapis_published_vector() -> None:
    body = b'{"id":"evt_01TEST","type":"generation.completed"}'
    signature = hmac.digest(b"test_signing_secret", b"evt_01TEST.1765251507." + body, "sha256").hex()
    assert signature == "48470ea4b450d202d5ccdd99d38e18df10d1dc0fa7fd69612785792b9a1491cb"


@gateways
@pytest.mark.parametrize("late", [-301, 301])
def test_five_minutes_are_the_limit(gateway: str, late: int) -> None:
    verify, headers, body, now, job_id = VALID[gateway]
    assert verify(headers, body, now + late) is None
    assert verify(headers, body, now + late - (1 if late > 0 else -1)) == job_id


@gateways
def test_without_one_of_its_headers_it_is_nobodys(gateway: str) -> None:
    verify, headers, body, now, _ = VALID[gateway]
    for missing in headers:
        assert verify({name: value for name, value in headers.items() if name != missing}, body, now) is None


@gateways
def test_one_changed_letter_of_the_signature_is_enough(gateway: str) -> None:
    verify, headers, body, now, _ = VALID[gateway]
    name = next(name for name in headers if name.lower().endswith("signature"))
    last = headers[name].rstrip("=")[-2]
    other = "0" if last != "0" else "1"
    place = headers[name].rindex(last)
    assert verify({**headers, name: f"{headers[name][:place]}{other}{headers[name][place + 1 :]}"}, body, now) is None


@pytest.mark.parametrize("gateway", ["fal", "toapis", "wavespeed"])
def test_one_changed_letter_of_the_body_is_enough(gateway: str) -> None:
    verify, headers, body, now, _ = VALID[gateway]
    assert verify(headers, body + b" ", now) is None


def test_kie_signs_the_task_and_not_the_body_so_only_the_task_is_believed() -> None:
    verify, headers, _, now, _ = VALID["kie"]
    other = json.dumps({"data": {"taskId": "task_of_somebody_else"}}).encode()
    assert verify(headers, other, now) is None


@pytest.mark.parametrize(
    "body", [{"data": {"task_id": KIE_ID}}, {"taskId": KIE_ID}, {"task_id": KIE_ID, "data": None}], ids=str
)
def test_kies_task_id_has_four_places(body: dict[str, Any]) -> None:
    assert from_kie(KIE_HEADERS, json.dumps(body).encode(), "test_hmac_key", 1765174300) == KIE_ID


def test_while_toapis_rotates_its_secret_either_one_is_good() -> None:
    both = toapis("new", "old")
    assert from_toapis(both, TOAPIS_BODY, "old", 1765251507) == "task_1"
    assert from_toapis(both, TOAPIS_BODY, "new", 1765251507) == "task_1"
    assert from_toapis(both, TOAPIS_BODY, "older", 1765251507) is None


def test_fals_key_may_be_padded_or_not_and_any_key_of_the_set_will_do() -> None:
    own = Ed25519PrivateKey.generate()
    message = "\n".join((FAL_ID, "user_fixture", "1765174300", hashlib.sha256(FAL_BODY).hexdigest())).encode()
    headers = {**FAL_HEADERS, "X-Fal-Webhook-Signature": own.sign(message).hex()}
    public = base64.urlsafe_b64encode(own.public_key().public_bytes_raw()).decode()
    for keys in ([public], [public.rstrip("=")], [FAL_KEY, public], ["no key", public]):
        assert from_fal(headers, FAL_BODY, keys, 1765174300) == FAL_ID
    assert from_fal(headers, FAL_BODY, [FAL_KEY], 1765174300) is None


SIGNERS: dict[str, Callable[[dict[str, str], bytes, str, float], str | None]] = {
    "kie": from_kie,
    "toapis": from_toapis,
    "wavespeed": from_wavespeed,
}
BODIES = {
    "kie": json.dumps({"data": {"taskId": KIE_ID}}).encode(),
    "toapis": TOAPIS_BODY,
    "wavespeed": b'{"id":"p1"}',
}


def signed_with(secret: str, gateway: str, at: str = "1765174300") -> dict[str, str]:
    """The headers of a callback that somebody who knows the secret has signed."""
    key = secret.encode()
    match gateway:
        case "kie":
            mac = base64.b64encode(hmac.digest(key, f"{KIE_ID}.{at}".encode(), "sha256")).decode()
            return {"x-webhook-timestamp": at, "x-webhook-signature": mac}
        case "toapis":
            mac = hmac.digest(key, f"e.{at}.".encode() + BODIES[gateway], "sha256").hex()
            names = [f"x-toapis-webhook-{name}" for name in ("id", "timestamp", "signature")]
            return dict(zip(names, ("e", at, f"v1={mac}"), strict=True))
    mac = hmac.digest(key, f"e.{at}.".encode() + BODIES[gateway], "sha256").hex()
    return {"webhook-id": "e", "webhook-timestamp": at, "webhook-signature": f"v3,{mac}"}


@pytest.mark.parametrize("gateway", SIGNERS)
def test_an_empty_secret_verifies_nothing(gateway: str) -> None:
    headers = signed_with("", gateway)
    for secret in ("", *(["whsec_"] if gateway == "wavespeed" else [])):
        assert SIGNERS[gateway](headers, BODIES[gateway], secret, 1765174300) is None
    assert SIGNERS[gateway](signed_with("s", gateway), BODIES[gateway], "s", 1765174300)


@pytest.mark.parametrize("separator", [" ", ", ", ","])
def test_one_of_two_signatures_of_wavespeed_is_enough(separator: str) -> None:
    headers = dict(WAVESPEED_HEADERS)
    for order in (("v3,00ff", headers["webhook-signature"]), (headers["webhook-signature"], "v3,00ff")):
        both = {**headers, "webhook-signature": separator.join(order)}
        assert from_wavespeed(both, b'{"id":"p1","status":"completed"}', WAVESPEED_KEY, 1758798328) == "p1"


ODD_TIMES = ["9" * 400, "9" * 5000, "٣٣٣", "1" * 13, "-1", "1e9", " 1765174300", "\ud800"]
ODD_BODIES = [
    b"[" * 100_000,
    b'{"data":{"taskId":"\\ud800"}}',
    b'{"id":"\\udfff"}',
    b"\xff\xfe",
    b"",
    b"NaN",
    b"9" * 5000,
]


@gateways
@pytest.mark.parametrize("body", ODD_BODIES, ids=lambda body: str(body[:12]))
def test_an_odd_body_or_time_is_nobodys_and_breaks_nothing(gateway: str, body: bytes) -> None:
    verify, headers, good, now, _ = VALID[gateway]
    assert verify(headers, body, now) is None
    for at in ODD_TIMES:
        late = {name: at if name.lower().endswith("timestamp") else value for name, value in headers.items()}
        assert verify(late, good, now) is None
        assert verify(late, body, now) is None


@gateways
@given(text=st.text(st.characters(codec=None), max_size=40), body=st.binary(max_size=60), data=st.data())
def test_headers_of_any_text_break_nothing(gateway: str, text: str, body: bytes, data: st.DataObject) -> None:
    verify, headers, good, now, _ = VALID[gateway]
    name = data.draw(st.sampled_from(sorted(headers)))
    assert verify({**headers, name: text}, body, now) is None
    assert verify({**headers, name: text}, good, now) is None


@gateways
@given(text=st.text(max_size=40), body=st.binary(max_size=60), now=st.floats(allow_nan=False))
def test_nonsense_is_nobodys_and_breaks_nothing(gateway: str, text: str, body: bytes, now: float) -> None:
    verify, headers, *_ = VALID[gateway]
    assert verify(dict.fromkeys(headers, text), body, now) is None
