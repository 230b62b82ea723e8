"""One suite for all gateways: what is sent, what is read, what goes wrong. The facts stand in `cases/`."""

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import FIXTURES, Answer, Case, ExpectedOrder, Reply, Trouble, canonical, every_case
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Provider, Result, Sought, Status
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import Job

CASES = every_case()
JSON = {"content-type": "application/json"}


class Wire:
    """Answers each request with the next of its replies, the last one for ever, and remembers what came."""

    def __init__(self, case: Case, *replies: Reply | Exception) -> None:
        self.case, self.replies = case, replies
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        body = canonical(self.case.name, reply.body) if isinstance(reply.body, str) else reply.body
        headers = {**JSON, **reply.headers} if not isinstance(body, bytes) else dict(reply.headers)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(reply.status, content=content, headers=headers)

    @property
    def adapter(self) -> Provider:
        return self.case.connect(httpx.AsyncClient(transport=httpx.MockTransport(self)))


async def call(adapter: Provider, case: Case, name: str, job: Job | None, tmp_path: Path) -> Any:
    """Make one call with the arguments that the case has for it."""
    job = job or case.job
    match name:
        case "upload":
            file = tmp_path / "mara.mp4"
            file.write_bytes(b"mp4")
            return await adapter.upload(file, "video/mp4")
        case "submit" | "price":
            return await getattr(adapter, name)(case.order)
        case "find":
            return await adapter.find(
                Sought(endpoint=case.order.endpoint, digest=case.order.digest, since=job.submitted_at)
            )
        case "offered":
            return await adapter.offered(job.endpoint)
        case "balance":
            return await adapter.balance()
    return await getattr(adapter, name)(job)


def each(kind: str) -> list[Any]:
    return [pytest.param(case, one, id=f"{case.name}-{_name(one)}") for case in CASES for one in getattr(case, kind)]


def _name(one: ExpectedOrder | Answer | Trouble) -> str:
    if isinstance(one, ExpectedOrder):
        return "-".join(filter(None, (one.fixture or one.endpoint, one.part)))
    names = [f"{r.status}-{r.body if isinstance(r.body, str) else '...'}" for r in one.replies]
    return "-".join([one.call, *names, *([one.error.__name__] if isinstance(one, Trouble) else [])])


def _fixture(case: Case, wanted: ExpectedOrder) -> dict[str, Any]:
    if wanted.body is not None:
        return {**wanted.body}
    body = canonical(case.name, wanted.fixture)
    if wanted.part is not None:
        body = body[int(wanted.part)] if isinstance(body, list) else body[wanted.part]
    return body


@pytest.mark.parametrize(("case", "wanted"), each("orders"))
def test_what_we_send_is_the_contracts_request(case: Case, wanted: ExpectedOrder) -> None:
    adapter = Wire(case).adapter
    ask = adapter.character_order if isinstance(wanted.request, CharacterRequest) else adapter.scene_order
    order = ask(wanted.request)
    theirs = {key: value for key, value in _fixture(case, wanted).items() if key not in wanted.theirs}
    assert order.endpoint == wanted.endpoint
    assert {key: value for key, value in order.body.items() if key not in wanted.ours} == theirs
    assert {key: order.body[key] for key in wanted.ours} == dict(wanted.ours)
    assert Order.model_validate_json(order.model_dump_json()).digest == order.digest


@pytest.mark.parametrize(("case", "answer"), each("answers"))
async def test_an_answer_is_read(case: Case, answer: Answer, tmp_path: Path) -> None:
    wire = Wire(case, *answer.replies)
    got = await call(wire.adapter, case, answer.call, answer.job, tmp_path)
    if isinstance(got, BaseModel) and isinstance(answer.gives, dict):
        assert {key: getattr(got, key) for key in answer.gives} == answer.gives
    else:
        assert got == answer.gives
    if answer.call == "submit":
        assert len(wire.seen) == 1


@pytest.mark.parametrize(("case", "trouble"), each("troubles"))
async def test_an_error_says_whether_it_was_sent_and_charged_and_what_to_do(
    case: Case, trouble: Trouble, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire(case, *trouble.replies)
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.ProviderError) as caught:
        await call(wire.adapter, case, trouble.call, trouble.job, tmp_path)
    error = caught.value
    assert type(error) is trouble.error, error
    assert (error.sent, error.charged) == (trouble.sent, trouble.charged), error
    assert {name: getattr(error, name) for name in trouble.facts} == dict(trouble.facts)
    assert error.remedy
    assert trouble.remedy in error.remedy
    told = f"{error!r} {error} {error.remedy} {error.raw} {caplog.text}"
    assert case.secret not in told
    if trouble.call == "submit":
        assert len(wire.seen) == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_canonical_body_is_used(case: Case) -> None:
    used = {one.fixture for one in case.orders if one.fixture} | set(case.elsewhere)
    replies = [*(r for one in (*case.answers, *case.troubles) for r in one.replies), case.accepted]
    used |= {reply.body for reply in replies if isinstance(reply.body, str)}
    used |= {path.stem for path in (FIXTURES / case.name).glob("still-*.json")}  # in test_stills.py
    assert {path.stem for path in (FIXTURES / case.name).glob("*.json")} == used


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_codec_of_the_table_has_an_expected_request(case: Case) -> None:
    expected = {one.request.model.codec for one in case.orders if not isinstance(one.request, CharacterRequest)}
    assert {model.codec for model in models()[case.name].values()} <= expected


NOT_SENT = (httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no"), httpx.ProxyError("no"))
LOST = (
    httpx.ReadTimeout("no"),
    httpx.ReadError("no"),
    httpx.WriteError("no"),
    httpx.WriteTimeout("no"),
    httpx.RemoteProtocolError("no"),
)
PAGE = b"<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"


@pytest.mark.parametrize("fault", NOT_SENT, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_submit_that_never_left_was_not_sent(case: Case, fault: Exception) -> None:
    wire = Wire(case, fault)
    with pytest.raises(errors.NotSent) as caught:
        await wire.adapter.submit(case.order)
    assert (caught.value.sent, caught.value.charged, len(wire.seen)) == (False, False, 1)


@pytest.mark.parametrize(
    "fault",
    [
        *LOST,
        *(Reply(PAGE, status) for status in (502, 503, 504)),
        Reply(PAGE, 200),
        Reply(b'{"code": 200, "data"', 200),
    ],
    ids=lambda fault: type(fault).__name__ if isinstance(fault, Exception) else str(fault.status),
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_submit_without_a_whole_answer_may_have_been_bought(case: Case, fault: Exception | Reply) -> None:
    wire = Wire(case, fault)
    with pytest.raises(errors.OutcomeUnknown) as caught:
        await wire.adapter.submit(case.order)
    assert (caught.value.sent, caught.value.charged, len(wire.seen)) == (None, None, 1)


@pytest.mark.parametrize("call_name", ["status", "result", "balance", "offered", "find", "price"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_question_that_breaks_off_is_asked_again(case: Case, call_name: str, tmp_path: Path) -> None:
    for fault, kind in ((httpx.ConnectError("no"), errors.NotSent), (httpx.ReadTimeout("no"), errors.Busy)):
        wire = Wire(case, fault)
        try:
            got = await call(wire.adapter, case, call_name, None, tmp_path)
        except errors.ProviderError as error:
            assert type(error) is kind
        else:
            assert got is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_key_goes_to_the_configured_hosts_and_nowhere_else(case: Case, tmp_path: Path) -> None:
    for answer in case.answers:
        wire = Wire(case, *answer.replies)
        await call(wire.adapter, case, answer.call, answer.job, tmp_path)
        for request in wire.seen:
            carried = case.secret in repr(request.headers.raw) or case.secret in str(request.url)
            assert not carried or request.url.host in case.hosts
            assert case.secret not in str(request.url)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("key", ["{}\n", " {}", "{}\r\n\t"])
async def test_white_space_around_a_key_is_not_part_of_it(case: Case, key: str) -> None:
    wire = Wire(case, case.accepted)
    http = httpx.AsyncClient(transport=httpx.MockTransport(wire))
    adapter = type(case.connect(http))(http, api_key=key.format(case.secret), **_hosts(case.connect(http)))
    await adapter.submit(case.order)
    assert str(wire.seen[0].headers["authorization"]).endswith(case.secret)


def _hosts(adapter: Provider) -> dict[str, str]:
    """The hosts that an adapter was given, by the names of its parameters."""
    return {name: getattr(adapter, f"_{name.removesuffix('_url')}") for name in _host_names(type(adapter))}


def _host_names(adapter: type) -> list[str]:
    return [name for name in adapter.__init__.__annotations__ if name.endswith("_url")]


# ---------------------------------------------------------------------------------------------- parsers, by property

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BODIES = {
    case.name: [
        canonical(case.name, path.stem)
        for path in sorted((FIXTURES / case.name).glob("*.json"))
        if path.stem.endswith((".response", ".event"))
    ]
    for case in CASES
}


@st.composite
def spoilt(draw: st.DrawFn, gateway: str) -> Any:
    """A canonical body in which some value, wherever it stands, is another one, or is missing, or has company."""
    body = json.loads(json.dumps(draw(st.sampled_from(BODIES[gateway]))))
    for _ in range(draw(st.integers(1, 3))):
        place = body
        while isinstance(place, dict | list) and place:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
            if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
                match draw(st.sampled_from(["other", "missing", "more"])):
                    case "other":
                        place[key] = draw(documents)
                    case "missing":
                        del place[key]
                    case _ if isinstance(place, dict):
                        place[draw(st.text(min_size=1, max_size=8))] = draw(documents)
                break
            place = place[key]
    return body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
async def test_no_answer_crashes_a_parser_or_reads_as_success(case: Case, data: st.DataObject) -> None:
    body = data.draw(spoilt(case.name))
    status = data.draw(st.sampled_from([200, 200, 200, 202, 400, 401, 402, 403, 404, 409, 422, 429, 500, 503]))
    for name in ("submit", "status", "result", "offered", "balance", "find", "price"):
        wire = Wire(case, Reply(json.loads(json.dumps(body, default=str)), status))
        try:
            got = await call(wire.adapter, case, name, None, Path())
        except errors.ProviderError:
            continue
        match got:
            case Job():
                assert status < 300
                assert got.request_id.strip()
            case Result():
                assert status < 300
                assert (got.url or "").startswith("http") or (got.character_id or "").strip()
            case Status():
                assert got.state in {"queued", "running", "ended"}
        assert len(wire.seen) <= 20
