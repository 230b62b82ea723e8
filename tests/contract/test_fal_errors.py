"""Every row of the contract's error table (9.2): which error it is, and whether it was sent and charged."""

from collections.abc import Callable
from typing import Any

import pytest

from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    Refused,
    Retired,
    Unauthorized,
)
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.storyboards import Job

Connect = Callable[..., Any]
FROM_FAL = {"x-fal-request-id": "405a114e-04bd-463a-a98c-895502cfdce9"}
FREE = {**FROM_FAL, "x-fal-billable-units": "0"}
BILLED = {**FROM_FAL, "x-fal-billable-units": "4"}
NGINX = b"<html><center>nginx</center></html>"


def said(text: str) -> dict[str, str]:
    return {"detail": text}


def infra(kind: str) -> dict[str, str]:
    return {"detail": kind.replace("_", " ").capitalize(), "error_type": kind}


def rejected(kind: str, field: str = "prompt", msg: str = "Not like this") -> dict[str, Any]:
    return {"detail": [{"loc": ["body", field], "msg": msg, "type": kind, "input": {"prompt": "a secret plot"}}]}


SUBMITS = [
    ((401, "unauthorized.response"), Unauthorized, False),
    ((401, said("Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.")), Unauthorized, False),
    ((402, said("Payment required")), OutOfCredit, False),
    ((403, "locked.response"), OutOfCredit, False),
    ((403, said("Your key lacks the scope for this endpoint")), Unauthorized, False),
    ((404, said("Path /text-to-video not found")), Retired, False),
    ((404, NGINX), Retired, False),
    ((400, infra("bad_request")), InvalidRequest, False),
    ((405, said("Method Not Allowed")), InvalidRequest, False),
    ((413, b"too large"), InvalidRequest, False),
    ((422, "missing-field.response"), InvalidRequest, False),
    ((307, b"", {"location": "https://fal.ai"}), InvalidRequest, False),
    ((429, infra("concurrent_requests_limit"), {"X-Fal-needs-retry": "1"}), Busy, False),
    ((429, said("The queue is longer than fal_max_queue_length")), Busy, False),
    ((503, infra("runner_scheduling_failure"), FROM_FAL), Busy, False),
    ((503, NGINX), OutcomeUnknown, None),
    ((502, NGINX), OutcomeUnknown, None),
    ((504, NGINX), OutcomeUnknown, None),
    ((500, infra("internal_server_error"), FROM_FAL), OutcomeUnknown, None),
    ((504, infra("request_timeout"), FROM_FAL), OutcomeUnknown, None),
    ((408, b""), OutcomeUnknown, None),
    ((409, b""), OutcomeUnknown, None),
]

# What the result of a COMPLETED job answers: error, charged, worth the same request again (None: not that kind).
VERDICTS = [
    ((422, "model-error.response"), Refused, None, False),
    ((422, "model-error.response", FREE), Refused, False, False),
    ((422, "model-error.response", BILLED), Refused, True, False),
    ((422, "missing-field.response", FREE), InvalidRequest, False, None),
    ((422, "literal-error.response"), InvalidRequest, None, None),
    *(
        ((422, rejected(kind), FREE), InvalidRequest, False, None)
        for kind in (
            *("string_type", "greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"),
            *("sequence_too_short", "sequence_too_long", "one_of", "value_error", "image_too_small", "image_too_large"),
            *("image_load_error", "file_too_large", "face_detection_error", "unsupported_image_format"),
            *("unsupported_video_format", "unsupported_audio_format", "video_duration_too_long"),
            *("video_duration_too_short", "feature_not_supported", "invalid_archive", "invented_tomorrow"),
        )
    ),
    ((422, said("The input is not valid"), FREE), InvalidRequest, False, None),
    ((422, rejected("no_media_generated"), FREE), GenerationFailed, False, False),
    ((422, rejected("file_download_error", "image_url"), FREE), GenerationFailed, False, True),
    ((400, infra("bad_request"), FREE), InvalidRequest, False, None),
    ((404, said("Path /text-to-video not found"), FREE), Retired, False, None),
    ((499, "cancelled-result.response", FREE), GenerationFailed, False, True),
    ((499, infra("client_disconnected")), GenerationFailed, None, False),
    *(
        ((status, infra(kind), FROM_FAL), GenerationFailed, False, True)
        for status, kind in (
            (500, "internal_server_error"),
            (500, "internal_error"),
            (500, "runner_server_error"),
            (500, "downstream_service_error"),
            (500, "downstream_service_unavailable"),
            (502, "runner_incomplete_response"),
            (503, "runner_scheduling_failure"),
            (503, "runner_connection_timeout"),
            (503, "runner_disconnected"),
            (503, "runner_connection_refused"),
            (503, "runner_connection_error"),
            (504, "generation_timeout"),
            (504, "request_timeout"),
            (504, "startup_timeout"),
        )
    ),
    ((400, rejected("downstream_service_error")), GenerationFailed, None, True),
    ((500, rejected("downstream_service_error")), GenerationFailed, False, True),
    ((500, said("Oops"), {"X-Fal-Error-Type": "internal_error"}), GenerationFailed, False, True),
    ((500, infra("invented_tomorrow")), GenerationFailed, False, False),
    ((500, infra("internal_error"), BILLED), GenerationFailed, True, True),
    ((500, infra("internal_error"), {"X-Fal-Needs-Retry": "false"}), GenerationFailed, False, False),
    ((500, infra("invented_tomorrow"), {"X-Fal-needs-retry": "1"}), GenerationFailed, False, True),
    ((500, infra("invented_tomorrow"), {"X-Fal-Needs-Retry": "YES"}), GenerationFailed, False, True),
    ((500, infra("invented_tomorrow"), {"X-Fal-Retryable": "true"}), GenerationFailed, False, True),
    ((500, infra("internal_error"), {"X-Fal-Retryable": "0"}), GenerationFailed, False, False),
    ((504, "infra-error.response", {"X-Fal-Request-Timeout-Type": "user"}), GenerationFailed, False, False),
]

# What may stand between us and a result: the job stays open.
PASSING = [
    ((400, "result-pending.response"), Busy),
    ((400, "result-pending.response", FROM_FAL), Busy),
    ((400, said("Something that nobody has documented")), ProtocolError),
    ((401, "unauthorized.response"), Unauthorized),
    ((403, "locked.response"), OutOfCredit),
    ((404, "not-found.response"), Expired),
    ((404, NGINX), Expired),
    ((408, infra("request_timeout")), Busy),
    ((409, infra("conflict")), Busy),
    ((425, infra("too_early")), Busy),
    ((422, NGINX), ProtocolError),
    ((429, infra("concurrent_requests_limit")), Busy),
    ((500, said("Internal Server Error")), Busy),
    ((500, said("Internal Server Error"), FROM_FAL), Busy),
    ((503, said("Try later"), FROM_FAL), Busy),
    ((422, {}), ProtocolError),
    ((403, b"error code: 1010"), Busy),
    ((502, NGINX), Busy),
    ((503, NGINX), Busy),
    ((504, NGINX), Busy),
    ((307, b""), ProtocolError),
    ((499, b""), ProtocolError),
]


def one_sentence(error: ProviderError) -> bool:
    """Something that a person can read: one line, no markup, no dump of the answer."""
    text = str(error)
    return 20 < len(text) < 400 and "\n" not in text and "<html" not in text and "{" not in text


@pytest.mark.parametrize(("reply", "kind", "charged"), SUBMITS, ids=str)
async def test_a_refused_submit_was_not_charged_and_an_unclear_one_is_unknown(
    fal: Connect, order: Order, reply: Any, kind: type[ProviderError], charged: Any
) -> None:
    adapter, seen = fal(reply)
    with pytest.raises(ProviderError) as raised:
        await adapter.submit(order)
    error = raised.value
    assert type(error) is kind
    assert error.charged is charged
    assert error.sent is (None if kind is OutcomeUnknown else True)
    assert error.http_status == reply[0]
    assert len(seen) == 1
    assert one_sentence(error)
    assert error.remedy.endswith((".", ":"))


@pytest.mark.parametrize("row", VERDICTS, ids=str)
async def test_an_ended_job_without_a_result_says_why(fal: Connect, job: Job, row: tuple[Any, ...]) -> None:
    reply, kind, charged, again = row
    adapter, _ = fal(reply)
    with pytest.raises(ProviderError) as raised:
        await adapter.result(job)
    error = raised.value
    assert type(error) is kind
    assert (error.sent, error.charged, error.http_status) == (True, charged, reply[0])
    assert getattr(error, "resubmittable", None) is again
    assert error.request_id == job.request_id
    assert one_sentence(error)
    assert "a secret plot" not in repr(error)  # fal echoes the input


@pytest.mark.parametrize(("reply", "kind"), PASSING, ids=str)
async def test_a_passing_fault_at_the_result_is_no_verdict(
    fal: Connect, job: Job, reply: Any, kind: type[ProviderError]
) -> None:
    adapter, _ = fal(reply)
    with pytest.raises(ProviderError) as raised:
        await adapter.result(job)
    error = raised.value
    assert type(error) is kind
    assert (error.charged, error.request_id) == (None, job.request_id)
    assert "Nothing was bought" not in error.remedy
    assert one_sentence(error)


async def test_a_retired_model_names_its_endpoint(fal: Connect, order: Order) -> None:
    adapter, _ = fal((404, said("Path /text-to-video not found")))
    with pytest.raises(Retired, match=r"fal does not offer fal-ai/sora-2/text-to-video \(any more\)"):
        await adapter.submit(order)


@pytest.mark.parametrize(
    ("place", "field", "what"),
    [
        (["body", "prompt"], "prompt", "prompt"),
        (["body", "image_url"], "image_url", "image"),
        (["body", "image_urls", 1], "image_urls.1", "image 2"),
        (["body", "video_urls", 0], "video_urls.0", "clip 1"),
        (["body", "character_ids", 0], "character_ids.0", "character"),
        (["body", "seed"], "seed", None),
        (["body"], None, None),
        ([], None, None),
        ("body", None, None),
        (None, None, None),
    ],
    ids=str,
)
async def test_a_refusal_names_the_part_that_was_refused(
    fal: Connect, job: Job, place: Any, field: str | None, what: str | None
) -> None:
    refusal = {"loc": place, "msg": "The content could not be processed.", "type": "content_policy_violation"}
    adapter, _ = fal((422, {"detail": [refusal]}))
    with pytest.raises(Refused, match=r"moderation refused .*: The content") as error:
        await adapter.result(job)
    assert (error.value.field, error.value.what, error.value.resubmittable) == (field, what, False)


async def test_what_can_be_tried_again_for_nothing_says_so(fal: Connect, job: Job) -> None:
    adapter, _ = fal((503, infra("runner_disconnected"), FROM_FAL))
    with pytest.raises(GenerationFailed) as error:
        await adapter.result(job)
    assert str(error.value) == "the job failed at fal (runner_disconnected): Runner disconnected"
    assert error.value.remedy == "It was not charged: run it again."


async def test_fals_own_words_become_one_short_line(fal: Connect, job: Job) -> None:
    adapter, _ = fal((422, said("It\n\n  failed " + "again " * 200)))
    with pytest.raises(InvalidRequest, match="It failed again again") as error:
        await adapter.result(job)
    assert one_sentence(error.value)
