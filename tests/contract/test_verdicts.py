"""What an answer means for the money: the same kinds of answer at every gateway."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from cases import Case, every_case

from prefect_storyboard.providers import errors
from prefect_storyboard.providers.protocol import Provider, Sought
from prefect_storyboard.storyboards import Job

CASES = {case.name: case for case in every_case()}
MP4 = "https://cdn.example/out.mp4"
PAGE = b"<html><h1>Service Unavailable</h1></html>"
WALL = b"error code: 1010"
gateways = pytest.mark.parametrize("gateway", CASES)
# An OpenAI-compatible server has no links: files go along with an order, and content is read with the key.
with_links = pytest.mark.parametrize("gateway", [name for name in CASES if name != "openai"])


def answering(gateway: str, *replies: Any) -> tuple[Case, Provider, list[httpx.Request]]:
    """An adapter whose gateway gives these replies, (status, body[, headers]), the last one for ever."""
    seen: list[httpx.Request] = []
    left: Iterator[Any] = itertools.chain(replies, itertools.repeat(replies[-1]))

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        status, body, headers = (*next(left), {})[:3]
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return httpx.Response(status, headers=headers, **content)

    case = CASES[gateway]
    return case, case.connect(httpx.AsyncClient(transport=httpx.MockTransport(answer))), seen


async def refused(gateway: str, status: int, body: Any, **headers: str) -> errors.ProviderError:
    case, adapter, seen = answering(gateway, (status, body, headers))
    with pytest.raises(errors.ProviderError) as caught:
        await adapter.submit(case.order)
    assert len(seen) == 1
    return caught.value


async def verdict(gateway: str, status: int, body: Any, **headers: str) -> errors.ProviderError:
    case, adapter, _ = answering(gateway, (status, body, headers))
    with pytest.raises(errors.ProviderError) as caught:
        await adapter.result(case.job)
    return caught.value


def error_body(gateway: str, text: str, **more: Any) -> Any:
    """An error as the gateway words its own."""
    match gateway:
        case "fal":
            return {"detail": text, **more}
        case "toapis":
            return {"error": {"code": "some_error", "message": text}, **more}
        case "kie":
            return {"msg": text, **more}
    return {"message": text, **more}


def naming(gateway: str, task: str) -> Any:
    """A body that names a task, in the gateway's own place."""
    return {
        "fal": {"request_id": task, "detail": "Oops"},
        "kie": {"code": 500, "msg": "Server Error", "data": {"taskId": task}},
        "toapis": {"id": task, "error": {"code": "internal_error", "message": "Oops"}},
        "wavespeed": {"code": 500, "message": "Oops", "data": {"id": task}},
        "openai": {"id": task, "error": {"code": "server_error", "message": "Oops"}},
    }[gateway]


def ended(gateway: str, state: str, **facts: Any) -> Any:
    """A job's document in that state. At fal it is the status, at the others the result as well."""
    if gateway == "fal":
        return {"status": state, **facts}
    document = {"status": state, "state": state, "id": "t", "taskId": "t", **facts}
    return {"kie": {"code": 200, "data": document}, "wavespeed": {"code": 200, "data": document}}.get(gateway, document)


def with_video(gateway: str) -> dict[str, Any]:
    return {
        "fal": {"video": {"url": MP4}},
        "kie": {"resultJson": {"resultUrls": [MP4]}},
        "toapis": {"result": {"data": [{"url": MP4}]}},
        "wavespeed": {"outputs": [MP4]},
        "openai": {"completed_at": 1_790_000_000},
    }[gateway]


def failed_with(gateway: str, text: str, kind: str = "") -> tuple[int, Any]:
    """A job that failed for a reason that stands in its text."""
    match gateway:
        case "fal":
            return 422, {"detail": [{"loc": ["body"], "msg": text, "type": kind}]}
        case "kie":
            return 200, ended(gateway, "fail", failCode="500", failMsg=text)
        case "toapis":
            return 200, ended(gateway, "failed", error={"code": kind or "generation_failed", "message": text})
    return 200, ended(gateway, "failed", error=text)


# ------------------------------------------------------------------------------------------ submits that are refused

DEFINITE = [400, 405, 406, 411, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426, 428, 431, 451]


@gateways
@pytest.mark.parametrize("status", DEFINITE)
@pytest.mark.parametrize("body", [PAGE, {}], ids=["page", "empty"])
async def test_a_definite_4xx_at_a_submit_was_not_bought(gateway: str, status: int, body: Any) -> None:
    error = await refused(gateway, status, body)
    assert isinstance(error, errors.InvalidRequest | errors.Refused), error
    assert (error.sent, error.charged) == (True, False)


@gateways
@pytest.mark.parametrize("status", [408, 409, 425])
async def test_an_ambiguous_4xx_may_have_been_bought(gateway: str, status: int) -> None:
    assert type(await refused(gateway, status, PAGE)) is errors.OutcomeUnknown


@gateways
async def test_a_429_is_busy(gateway: str) -> None:
    assert type(await refused(gateway, 429, PAGE)) is errors.Busy


@gateways
async def test_a_410_is_a_retired_model(gateway: str) -> None:
    assert type(await refused(gateway, 410, error_body(gateway, "Gone", code=410))) is errors.Retired


@gateways
@pytest.mark.parametrize("body", [WALL, PAGE], ids=["text", "page"])
async def test_a_403_that_is_not_the_gateways_own_blames_no_key(gateway: str, body: bytes) -> None:
    error = await refused(gateway, 403, body)
    assert (type(error), error.charged) == (errors.Unauthorized, False)
    assert "a firewall or proxy in front of" in str(error)
    assert "firewall" in error.remedy


@gateways
@pytest.mark.parametrize("call", ["status", "result"])
async def test_a_403_of_something_in_front_of_the_gateway_is_no_verdict_on_a_job(gateway: str, call: str) -> None:
    case, adapter, _ = answering(gateway, (403, WALL))
    with pytest.raises(errors.Busy, match="a firewall or proxy in front of") as caught:
        await getattr(adapter, call)(case.job)
    assert caught.value.charged is None
    assert "Nothing was bought" not in caught.value.remedy


@gateways
@pytest.mark.parametrize("status", [500, 502, 400, 422, 429])
async def test_an_error_that_names_a_task_may_have_been_bought_and_keeps_its_id(gateway: str, status: int) -> None:
    error = await refused(gateway, status, naming(gateway, "task_42"))
    assert (type(error), error.request_id, error.charged) == (errors.OutcomeUnknown, "task_42", None)
    assert "storyboard adopt <job> task_42" in error.remedy
    assert "task_42" in str(error)


@gateways
async def test_an_error_that_names_none_has_no_id_to_adopt(gateway: str) -> None:
    error = await refused(gateway, 500, error_body(gateway, "Oops"), **{"x-fal-request-id": "r"})
    assert (type(error), error.request_id) == (errors.OutcomeUnknown, None)


# ------------------------------------------------------------------------------------------ answers that end no job

UNTYPED = [
    *((status, body) for status in (500, 502, 503, 504, 520) for body in (PAGE, b"", {})),
    (200, PAGE),
    (200, b""),
    (200, b'{"status": "COMPL'),
    (200, {}),
    (200, []),
]


@gateways
@pytest.mark.parametrize("call", ["status", "result"])
@pytest.mark.parametrize("reply", UNTYPED, ids=str)
async def test_an_untyped_answer_is_asked_for_again(gateway: str, call: str, reply: tuple[int, Any]) -> None:
    case, adapter, _ = answering(gateway, (*reply, {"x-fal-request-id": case_id(gateway)}))
    try:
        status = await getattr(adapter, call)(case.job)
    except errors.ProviderError as error:
        assert isinstance(error, errors.Busy | errors.ProtocolError), error
        assert (error.charged, error.request_id) == (None, case.job.request_id)
    else:
        assert (call, status.state) == ("status", "running")


def case_id(gateway: str) -> str:
    return CASES[gateway].job.request_id


@gateways
@pytest.mark.parametrize("call", ["status", "result"])
async def test_a_plain_500_with_the_gateways_own_text_is_no_verdict(gateway: str, call: str) -> None:
    body = error_body(gateway, "Internal Server Error", code=500)
    case, adapter, _ = answering(gateway, (500, body, {"x-fal-request-id": "r"}))
    with pytest.raises(errors.Busy) as caught:
        await getattr(adapter, call)(case.job)
    assert caught.value.charged is None


async def test_where_fals_result_is_untyped_the_type_in_its_status_is_the_verdict() -> None:
    status = {"status": "COMPLETED", "error": "Runner disconnected", "error_type": "runner_disconnected"}
    case, adapter, _ = answering("fal", (500, {"detail": "Internal Server Error"}), (200, status))
    with pytest.raises(errors.GenerationFailed, match="runner_disconnected") as caught:
        await adapter.result(case.job)
    assert (caught.value.resubmittable, caught.value.charged) == (True, None)


# ------------------------------------------------------------------------------------------ words for a state

ENDS = [
    "completed",
    "COMPLETED",
    "Succeeded",
    "SUCCESS",
    "FAILED",
    "failure",
    "ERROR",
    "Cancelled",
    "canceled",
    "expired",
]


@gateways
@pytest.mark.parametrize("word", ENDS)
async def test_every_gateways_word_for_an_end_is_an_end_in_any_case(gateway: str, word: str) -> None:
    case, adapter, _ = answering(gateway, (200, ended(gateway, word)))
    assert (await adapter.status(case.job)).state == "ended"


@gateways
@pytest.mark.parametrize("word", ["finalised", "REVIEWING"])
async def test_an_unknown_state_with_a_video_has_a_result_and_without_one_is_pending(gateway: str, word: str) -> None:
    case, adapter, _ = answering(gateway, (200, ended(gateway, word, **with_video(gateway))))
    status = await adapter.status(case.job)
    assert (status.state, status.unknown_word) == ("running", repr(word))
    url = (await adapter.result(case.job)).url or ""
    assert url.endswith("/content") if gateway == "openai" else url == MP4
    case, adapter, _ = answering(gateway, (200, ended(gateway, word)))
    with pytest.raises(errors.Busy):
        await adapter.result(case.job)


@gateways
@pytest.mark.parametrize("word", ["FAILED", "Error", "CANCELLED"])
async def test_a_failure_in_any_words_ends_the_job(gateway: str, word: str) -> None:
    facts = {"error": "Something broke", "failMsg": "Something broke"}
    error = await verdict(gateway, 200, ended(gateway, word, **facts))
    assert type(error) is errors.GenerationFailed, error


@pytest.mark.parametrize("gateway", ["kie", "toapis", "wavespeed"])
@pytest.mark.parametrize("word", ["expired", "Cancelled", "failed"])
async def test_a_word_for_an_end_beside_a_link_and_no_reason_is_no_failure(gateway: str, word: str) -> None:
    case, adapter, _ = answering(gateway, (200, ended(gateway, word, **with_video(gateway))))
    assert (await adapter.result(case.job)).url == MP4
    facts = {"error": "Something broke", "failMsg": "Something broke"}
    error = await verdict(gateway, 200, ended(gateway, word, **with_video(gateway), **facts))
    assert type(error) is errors.GenerationFailed, error


# ------------------------------------------------------------------------------------------ refusals

REFUSED_OUTPUTS = [
    ("fal", 422, {"detail": [{"loc": ["body", "generated_video"], "msg": "No.", "type": "content_policy_violation"}]}),
    ("fal", 422, {"detail": [{"loc": ["body"], "msg": "Output audio has sensitive content", "type": "value_error"}]}),
    *((name, *failed_with(name, "The generated video was flagged as sensitive")) for name in CASES),
    ("toapis", *failed_with("toapis", "No.", "OutputVideoSensitiveContentDetected")),
    ("toapis", *failed_with("toapis", "No.", "OutputAudioSensitiveContentDetected")),
]


@pytest.mark.parametrize(("gateway", "status", "body"), REFUSED_OUTPUTS, ids=str)
async def test_a_refused_output_may_be_tried_again_and_names_the_sound(gateway: str, status: int, body: Any) -> None:
    error = await verdict(gateway, status, body)
    assert isinstance(error, errors.Refused), error
    assert (error.what, error.resubmittable) == ("output", True)
    assert "audio: false" in error.remedy


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("The prompt violates our content policy", "prompt"),
        ("Image 2 may contain likenesses of real people", "image 2"),
        ("The input video was rejected by moderation", "clip"),
        ("This character is a public figure", "character"),
        ("NSFW", None),
    ],
)
@gateways
async def test_a_refused_input_says_which_and_is_final(gateway: str, text: str, what: str | None) -> None:
    error = await verdict(gateway, *failed_with(gateway, text))
    assert isinstance(error, errors.Refused), error
    assert (error.what, error.resubmittable) == (what, False)


async def test_toapis_names_the_picture_that_was_refused_at_the_submit() -> None:
    told = {"code": "PrivacyInformation", "message": "input image 'content[1]' may contain real person"}
    error = await refused("toapis", 400, {"error": {**told, "type": "invalid_request_error"}})
    assert (type(error), getattr(error, "what", None)) == (errors.Refused, "image 1")


async def test_toapis_param_is_the_field() -> None:
    told = {"code": "invalid_request", "message": "not supported", "param": "duration"}
    error = await refused("toapis", 400, {"error": told})
    assert isinstance(error, errors.InvalidRequest)
    assert error.field == "duration"


# ------------------------------------------------------------------------------------------ odd successes


@pytest.mark.parametrize(
    "body",
    [{"video": MP4}, {"video": [{"url": MP4}]}, {"videos": [{"url": MP4}]}, {"error": None, "video": {"url": MP4}}],
    ids=str,
)
async def test_fals_link_is_found_where_it_is(body: Any) -> None:
    case, adapter, _ = answering("fal", (200, body))
    assert (await adapter.result(case.job)).url == MP4


@pytest.mark.parametrize("code", [505, 0, 422, 500, "200", None, True])
async def test_kies_success_with_a_link_is_one_under_any_code(code: Any) -> None:
    record = {"state": "success", "resultJson": {"resultUrls": [MP4]}}
    case, adapter, _ = answering("kie", (200, {"code": code, "msg": "x", "data": record}))
    assert (await adapter.status(case.job)).state == "ended"
    assert (await adapter.result(case.job)).url == MP4


@pytest.mark.parametrize("code", [0, 500, "200", None])
@pytest.mark.parametrize("outputs", [[MP4], [{"url": MP4}], {"url": MP4}, MP4], ids=str)
async def test_wavespeeds_link_is_found_under_any_code(code: Any, outputs: Any) -> None:
    task = {"id": "t", "status": "completed", "outputs": outputs}
    case, adapter, _ = answering("wavespeed", (200, {"code": code, "data": task}))
    assert (await adapter.result(case.job)).url == MP4


@with_links
async def test_an_ended_job_without_anything_to_store_has_failed_and_is_open_no_more(gateway: str) -> None:
    body = {"video": {}} if gateway == "fal" else ended(gateway, "succeeded")
    error = await verdict(gateway, 200, body)
    assert (type(error), error.charged) == (errors.GenerationFailed, None)
    assert (getattr(error, "resubmittable", None), error.request_id) == (False, case_id(gateway))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": "Something broke"}, errors.GenerationFailed),
        ({"error": {"message": "Rejected: NSFW content"}}, errors.Refused),
        ({"detail": "The input is not valid"}, errors.InvalidRequest),
        ({"detail": [{"loc": ["body", "prompt"], "msg": "x", "type": "content_policy_violation"}]}, errors.Refused),
        ({"detail": "Request is still in progress"}, errors.Busy),
        ({"status": "IN_PROGRESS", "request_id": "r"}, errors.Busy),
    ],
    ids=str,
)
async def test_an_error_in_a_200_of_fal_is_an_error(body: Any, kind: type[errors.ProviderError]) -> None:
    assert type(await verdict("fal", 200, body)) is kind


# ------------------------------------------------------------------------------------------ links that have died

DEAD = ["Failed to download the image from the provided URL", "The video file could not be fetched: 404 Not Found"]


@with_links
@pytest.mark.parametrize("text", DEAD)
async def test_a_file_that_could_not_be_fetched_is_free_and_to_be_uploaded_again(gateway: str, text: str) -> None:
    error = await verdict(gateway, *failed_with(gateway, text, "file_download_error"))
    assert isinstance(error, errors.GenerationFailed), error
    assert (error.stale_upload, error.resubmittable, error.charged) == (True, True, False)


@gateways
async def test_a_submit_that_is_refused_for_a_dead_link_says_so(gateway: str) -> None:
    code = {"kie": 451, "wavespeed": 1402}.get(gateway, 422)
    error = await refused(gateway, 400, error_body(gateway, DEAD[0], code=code))
    assert isinstance(error, errors.InvalidRequest), error
    assert error.stale_upload


async def test_fals_units_still_say_what_a_dead_link_has_cost() -> None:
    error = await verdict("fal", *failed_with("fal", "x", "file_download_error"), **{"x-fal-billable-units": "4"})
    assert (error.charged, getattr(error, "stale_upload", None)) == (True, True)


# ------------------------------------------------------------------------------------------ accounts and waits


@gateways
@pytest.mark.parametrize("text", ["The user has been blocked", "Your account was suspended"])
async def test_a_blocked_account_is_said_to_be_blocked(gateway: str, text: str) -> None:
    error = await refused(gateway, 403, error_body(gateway, text, code=403))
    assert type(error) is errors.Unauthorized
    assert "has blocked the account" in str(error)
    assert "Check the API key" not in error.remedy


async def test_a_model_that_the_account_may_not_use_is_no_matter_of_the_key() -> None:
    error = await refused("fal", 403, {"detail": "Cannot access application 'x/y'. Authentication is required."})
    assert "has no access to the model" in str(error)
    assert "Check the API key" not in error.remedy


@gateways
async def test_retry_after_may_be_a_date_and_the_servers_own_clock_counts(gateway: str) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    dates = {
        "Date": format_datetime(now, usegmt=True),
        "Retry-After": format_datetime(now + timedelta(seconds=30), usegmt=True),
    }
    error = await refused(gateway, 429, PAGE, **dates)
    assert (type(error), getattr(error, "retry_after", None)) == (errors.Busy, 30.0)


# ------------------------------------------------------------------------------------------ ToAPIs' two ids

TWO = {"id": "video_resource_1", "task_id": "video_task_1", "status": "queued"}


async def test_of_toapis_two_ids_the_task_is_asked_for_first_and_the_other_on_a_404() -> None:
    unknown = (404, {"error": {"code": 404, "message": "no"}})
    done = (200, ended("toapis", "completed", **with_video("toapis")))
    case, adapter, seen = answering("toapis", (200, TWO), done)
    job = await adapter.submit(case.order)
    assert (job.request_id, (await adapter.result(job)).url) == ("video_task_1", MP4)
    assert seen[-1].url.path == "/v1/videos/generations/video_task_1"
    case, adapter, seen = answering("toapis", (200, TWO), unknown, done)
    job = Job.model_validate_json((await adapter.submit(case.order)).model_dump_json())
    assert (await adapter.result(job)).url == MP4
    assert [request.url.path.rpartition("/")[2] for request in seen[1:]] == ["video_task_1", "video_resource_1"]
    case, adapter, _ = answering("toapis", (200, TWO), unknown)
    with pytest.raises(errors.Expired):
        await adapter.result(await adapter.submit(case.order))


# ------------------------------------------------------------------------------------------ clocks

SINCE = datetime(2026, 11, 20, 8, tzinfo=UTC)


def listed(gateway: str, sent_at: datetime, skew: timedelta | None) -> tuple[int, Any, dict[str, str]]:
    """The list of a gateway that holds our order. Our clock is `skew` ahead of its own."""
    body, at = CASES[gateway].order.body, sent_at.isoformat()
    headers = {} if skew is None else {"Date": format_datetime(datetime.now(UTC) - skew, usegmt=True)}
    if gateway == "fal":
        return 200, {"items": [{"request_id": "ours", "sent_at": at, "json_input": body}], "has_more": False}, headers
    item = {"id": "ours", "model": CASES[gateway].order.endpoint, "created_at": at, "inputs": body}
    return 200, {"code": 200, "data": {"items": [item], "total": 1}}, headers


@pytest.mark.parametrize("minutes", [-600, -10, 0, 10, 50, 600])
@pytest.mark.parametrize("gateway", ["fal", "wavespeed"])
async def test_a_wrong_clock_hides_no_job_where_the_gateway_tells_its_own(gateway: str, minutes: int) -> None:
    skew = timedelta(minutes=minutes)
    case, adapter, seen = answering(gateway, listed(gateway, SINCE - skew + timedelta(seconds=2), skew))
    (found,) = await adapter.find(Sought(endpoint=case.order.endpoint, digest=case.order.digest, since=SINCE)) or ()
    assert abs(found.submitted_at - SINCE) < timedelta(seconds=10)  # in our clock, whatever the gateway's is
    assert len(seen) == (2 if abs(minutes) > 50 else 1)


@pytest.mark.parametrize("gateway", ["fal", "wavespeed"])
async def test_without_the_gateways_time_the_window_is_an_hour(gateway: str) -> None:
    for minutes, number in ((10, 1), (59, 1), (61, 0)):
        case, adapter, _ = answering(gateway, listed(gateway, SINCE - timedelta(minutes=minutes), None))
        assert (
            len(await adapter.find(Sought(endpoint=case.order.endpoint, digest=case.order.digest, since=SINCE)) or ())
            == number
        )


@pytest.mark.parametrize("gateway", ["fal", "wavespeed"])
async def test_where_the_clocks_agree_an_older_equal_order_is_another_job(gateway: str) -> None:
    case, adapter, _ = answering(gateway, listed(gateway, SINCE - timedelta(minutes=10), timedelta()))
    assert await adapter.find(Sought(endpoint=case.order.endpoint, digest=case.order.digest, since=SINCE)) == ()
