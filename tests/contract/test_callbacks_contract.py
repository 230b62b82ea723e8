"""How each gateway is told where to post the end of a job, and how its callbacks are verified."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cases import Case, Reply, canonical, every_case
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_contract import Wire

from prefect_storyboard.providers.errors import Busy, NotSent
from prefect_storyboard.providers.fal.jwks import Jwks
from prefect_storyboard.providers.protocol import Order

CALLBACK = "https://studio.example/callbacks/tttttttttttttttttttttttttttttttt"
SECRET = "s3cret"
NOW = 1765174300
FAL_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # the one of the documented vector
CASES = {case.name: case for case in every_case() if case.name != "openai"}  # an order there names no address
each_gateway = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def named(case: Case, request: httpx.Request) -> Any:
    """Where a submit says that its callback has to go."""
    return {
        "fal": lambda: request.url.params.get("fal_webhook"),
        "kie": lambda: json.loads(request.content).get("callBackUrl"),
        "toapis": lambda: json.loads(request.content).get("callback_url"),
        "wavespeed": lambda: request.url.params.get("webhook"),
    }[case.name]()


@each_gateway
async def test_the_address_of_an_order_is_sent_where_the_gateway_documents_it(case: Case) -> None:
    wire = Wire(case, case.accepted)
    await wire.adapter.submit(case.order.model_copy(update={"callback": CALLBACK}))
    assert named(case, wire.seen[0]) == CALLBACK


@each_gateway
async def test_nothing_else_of_the_submit_changes_and_an_order_without_one_names_none(case: Case) -> None:
    plain, called = Wire(case, case.accepted), Wire(case, case.accepted)
    await plain.adapter.submit(case.order)
    await called.adapter.submit(case.order.model_copy(update={"callback": CALLBACK}))
    one, other = plain.seen[0], called.seen[0]
    assert named(case, one) is None
    assert str(one.url).endswith("?") is False
    assert one.url.copy_with(query=None) == other.url.copy_with(query=None)
    kept = {name: value for name, value in json.loads(other.content).items() if value != CALLBACK}
    assert kept == json.loads(one.content)


@each_gateway
def test_the_order_is_found_again_by_the_same_digest(case: Case) -> None:
    assert case.order.model_copy(update={"callback": CALLBACK}).digest == case.order.digest


@pytest.mark.parametrize(("gateway", "field"), [("kie", "callBackUrl"), ("toapis", "callback_url")])
async def test_an_address_that_the_user_names_himself_is_sent_instead(gateway: str, field: str) -> None:
    case = CASES[gateway]
    wire = Wire(case, case.accepted)
    own = Order(endpoint=case.order.endpoint, body={**case.order.body, field: "https://own.example"}, callback=CALLBACK)
    await wire.adapter.submit(own)
    assert named(case, wire.seen[0]) == "https://own.example"


EVENTS = [
    ("fal", "webhook-ok.event"),
    ("fal", "webhook-error.event"),
    ("fal", "webhook-payload-error.event"),
    ("fal", "webhook-null-payload.event"),
    ("kie", "callback-success.event"),
    ("kie", "callback-fail.event"),
    ("toapis", "webhook.event"),
    ("wavespeed", "webhook.event"),
]
_HMAC: dict[str, Callable[[str, bytes], dict[str, str]]] = {
    "kie": lambda at, body: {
        "X-Webhook-Timestamp": at,
        "X-Webhook-Signature": base64.b64encode(_mac(f"{json.loads(body)['data']['taskId']}.{at}".encode())).decode(),
    },
    "toapis": lambda at, body: {
        "X-ToAPIs-Webhook-Id": "evt_1",
        "X-ToAPIs-Webhook-Timestamp": at,
        "X-ToAPIs-Webhook-Signature": f"v1={_mac(f'evt_1.{at}.'.encode() + body).hex()}",
    },
    "wavespeed": lambda at, body: {
        "webhook-id": "evt_1",
        "webhook-timestamp": at,
        "webhook-signature": f"v3,{_mac(f'evt_1.{at}.'.encode() + body).hex()}",
    },
}


def _mac(message: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), message, "sha256")


def signed(gateway: str, body: bytes, at: str) -> dict[str, str]:
    if gateway != "fal":
        return _HMAC[gateway](at, body)
    request_id = json.loads(body)["request_id"]
    message = "\n".join((request_id, "user_fixture", at, hashlib.sha256(body).hexdigest())).encode()
    values = (request_id, "user_fixture", at, FAL_KEY.sign(message).hex())
    names = ("Request-Id", "User-Id", "Timestamp", "Signature")
    return {f"X-Fal-Webhook-{name}": value for name, value in zip(names, values, strict=True)}


_IDS = {"fal": "request_id", "kie": "taskId", "toapis": "task_id", "wavespeed": "id"}


def about(gateway: str, event: dict[str, Any]) -> str:
    return str(event.get("data", event)[_IDS[gateway]])


def adapter(gateway: str) -> Any:
    """One whose keys, where it publishes any, are those of the contract."""
    return Wire(CASES[gateway], Reply("jwks.response") if gateway == "fal" else Reply({}, 500)).adapter


@pytest.mark.parametrize(("gateway", "event"), EVENTS)
async def test_the_documented_events_name_their_job_once_they_are_signed(
    gateway: str, event: str, recent: Callable[[], str]
) -> None:
    document = canonical(gateway, event)
    body = json.dumps(document).encode()
    headers = signed(gateway, body, recent())
    assert await adapter(gateway).verify_callback(headers, body, SECRET) == about(gateway, document)


@pytest.mark.parametrize(("gateway", "event"), EVENTS)
async def test_an_event_that_nobody_signed_or_another_one_signed_names_none(
    gateway: str, event: str, recent: Callable[[], str]
) -> None:
    body = json.dumps(canonical(gateway, event)).encode()
    headers = signed(gateway, body, recent())
    last = next(reversed(headers))
    changed = headers[last][:-3] + ("000" if not headers[last].endswith("000") else "111")
    for bad in ({}, {**headers, last: changed}, {**headers, last: ""}, signed(gateway, body, str(NOW))):
        assert await adapter(gateway).verify_callback(bad, body, SECRET) is None


@pytest.mark.parametrize("gateway", ["kie", "toapis", "wavespeed"])
async def test_a_callback_signed_with_another_secret_or_none_names_no_job(
    gateway: str, recent: Callable[[], str]
) -> None:
    body = json.dumps(canonical(gateway, next(event for name, event in EVENTS if name == gateway))).encode()
    for secret in ("another", ""):
        assert await adapter(gateway).verify_callback(signed(gateway, body, recent()), body, secret) is None


@pytest.fixture
def recent() -> Callable[[], str]:
    """The time as a gateway writes it."""
    return lambda: str(int(time.time()))


class Keys:
    """fal's own page of keys, and how often it was asked for."""

    def __init__(self, *keys: tuple[str, ...] | Exception) -> None:
        self.keys, self.asked = list(keys), 0

    async def __call__(self) -> tuple[str, ...]:
        self.asked += 1
        then = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        if isinstance(then, Exception):
            raise then
        return then


class Clock:
    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


def jwks(*keys: tuple[str, ...] | Exception) -> tuple[Jwks, Keys, Clock]:
    page, clock = Keys(*keys), Clock()
    given: Any = clock
    return Jwks(page, given), page, clock


def signed_by(key: str) -> Callable[[tuple[str, ...]], str | None]:
    return lambda keys: "r1" if key in keys else None


async def test_fals_keys_are_fetched_once_a_day() -> None:
    keys, page, clock = jwks(("a",))
    for _ in range(100):
        assert await keys.verify(signed_by("a")) == "r1"
    assert page.asked == 1
    clock.passed += 86_401
    await keys.verify(signed_by("a"))
    assert page.asked == 2


async def test_a_key_that_fal_has_just_changed_is_fetched_and_forgers_cause_one_fetch_a_minute() -> None:
    keys, page, clock = jwks(("a",), ("a", "b"))
    assert await keys.verify(signed_by("a")) == "r1"
    clock.passed += 61
    assert await keys.verify(signed_by("b")) == "r1"
    for _ in range(100):
        assert await keys.verify(signed_by("forged")) is None
    assert page.asked == 2
    clock.passed += 61
    assert await keys.verify(signed_by("forged")) is None
    assert page.asked == 3


async def test_keys_that_cannot_be_fetched_forge_nothing_and_are_asked_for_again() -> None:
    keys, page, _ = jwks(Busy("fal did not answer"), ("a",))
    with pytest.raises(Busy):
        await keys.verify(signed_by("a"))
    assert await keys.verify(signed_by("a")) == "r1"
    assert page.asked == 2


async def test_known_keys_go_on_where_new_ones_cannot_be_fetched() -> None:
    keys, _, clock = jwks(("a",), NotSent("fal could not be reached"))
    await keys.verify(signed_by("a"))
    clock.passed += 61
    assert await keys.verify(signed_by("a")) == "r1"
    with pytest.raises(NotSent):
        await keys.verify(signed_by("b"))


async def test_fals_keys_are_asked_for_without_our_key() -> None:
    wire = Wire(CASES["fal"], Reply("jwks.response"))
    assert await wire.adapter.verify_callback({}, b"{}", "") is None
    (request, *_) = wire.seen
    assert (request.method, request.url.path) == ("GET", "/.well-known/jwks.json")
    assert "authorization" not in request.headers
