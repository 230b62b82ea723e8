"""The faults in Kie's own form. A reply in Kie's place is sent under HTTP 200, or under the rule's `status`.

Switches are drawn at submit and stay with the task: how it ends, and the form of its record.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import JsonValue
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.documents import NEVER, Job
from prefect_storyboard.sandbox.faults import FaultTable, Rule, ignoring_rule
from prefect_storyboard.sandbox.kie.auth import BAD_KEY, NO_ACCESS
from prefect_storyboard.sandbox.kie.table import UNSUPPORTED

NULL_RECORD: Mapping[str, Any] = {"code": 422, "msg": "recordInfo is null", "data": None}
OUT_OF_CREDIT: Mapping[str, Any] = {"code": 402, "msg": "Credits insufficient", "data": None}
TOO_MANY: Mapping[str, Any] = {"code": 429, "msg": "Rate limit exceeded", "data": None}
CALLBACKS = {"callback_duplicate", "callback_unsigned", "callback_badly_signed"}
ENDINGS = {
    "task_failed",
    "policy_refusal",
    "output_refused",
    "file_download_error",
    "failed_envelope",
    "stuck",
    "slow_render",
}
SHAPES = {
    "flat_character",
    "double_encoded",
    "result_without_url",
    "result_empty",
    "result_garbled",
    "result_decoded",
}
SWITCHES = ENDINGS | SHAPES | CALLBACKS
_UPSTREAM = "Upstream is currently experiencing service issues. No result has been returned for over 10 minutes."
_FAILURES = {"402": "Credits insufficient", "408": _UPSTREAM, "501": "Generation failed"}
_OUTPUT = "Output audio has sensitive content"
_POLICY = "This content may violate our guardrails concerning similarity to third-party content."


def _says(body: Mapping[str, Any]) -> Callable[[Rule], Response]:
    def reply(rule: Rule) -> Response:
        return JSONResponse(dict(body), rule.status or 200)

    return reply


def _error(code: int, message: str) -> Callable[[Rule], Response]:
    return _says({"code": code, "msg": message, "data": None})


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "msg": message, "data": None}, status)


def _envelope_refused(rule: Rule) -> Response:
    """A refusal whose status is in the envelope alone."""
    code = rule.status or 400
    return JSONResponse({"code": code, "msg": rule.message or "Request refused", "data": None})


def _names_task(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"code": 500, "msg": "Server Error", "data": body["data"]}


def _end_word(rule: Rule, body: dict[str, JsonValue]) -> None:
    if isinstance(data := body.get("data"), dict) and data.get("state") in {"success", "fail"}:
        data["state"] = rule.word


def _odd_success_code(rule: Rule, body: dict[str, JsonValue]) -> None:
    """A success under a code that is none; without the rule's `code` there is no code at all."""
    if isinstance(data := body.get("data"), dict) and data.get("state") == "success":
        body["code"] = rule.code
        if rule.code is None:
            del body["code"]


def _upload_error(code: int, message: str) -> Callable[[Rule], Response]:
    return _says({"success": False, "code": code, "msg": message})


def _unknown_status(body: dict[str, JsonValue]) -> None:
    if isinstance(data := body["data"], dict):
        data["state"] = "paused"


def _message_field(body: dict[str, JsonValue]) -> None:
    body["message"] = body.pop("msg", None)


_SUBMIT, _STATUS = frozenset({"submit"}), frozenset({"status"})
_ANY = frozenset({"submit", "status", "upload", "platform"})
FAULTS = FaultTable(
    replies={
        "rate_limited": _says(TOO_MANY),
        "unauthorized": _says(NO_ACCESS),
        "out_of_credit": _says(OUT_OF_CREDIT),
        "internal_error": _error(500, "Internal server error"),
        "retired": _error(422, "Page does not exist or is not published"),
        "unsupported_model": _error(422, UNSUPPORTED),
        "no_task_id": _says({"code": 200, "msg": "success", "data": {}}),
        "key_capped": _error(433, "Request Limit - Sub-key Usage Exceeds Limit"),
        "maintenance": _error(455, "Service is under maintenance"),
        "disabled": _error(505, "Feature disabled"),
        "record_null": _says(NULL_RECORD),
        "not_found": _error(404, "Task not found"),
        "envelope_refused": _envelope_refused,
    },
    changes={
        "unknown_status": ignoring_rule(_unknown_status),
        "message_field": ignoring_rule(_message_field),
        "end_word": _end_word,
        "odd_success_code": _odd_success_code,
    },
    error=_refused,
    names_task=_names_task,
    routes={
        **dict.fromkeys(("rate_limited", "unauthorized", "internal_error", "real_status", "message_field"), _ANY),
        **dict.fromkeys(("key_capped", "maintenance", "disabled"), _SUBMIT | _STATUS),
        **dict.fromkeys(("out_of_credit", "retired", "unsupported_model", "no_task_id", "envelope_refused"), _SUBMIT),
        **dict.fromkeys(SWITCHES, _SUBMIT),
        **dict.fromkeys(("record_null", "not_found", "unknown_status", "end_word", "odd_success_code"), _STATUS),
    },
)
# The upload host has another error form.
UPLOAD_FAULTS = replace(
    FAULTS,
    replies={
        "rate_limited": _upload_error(429, "Rate limit exceeded"),
        "unauthorized": _says(BAD_KEY),
        "internal_error": _upload_error(500, "Internal server error"),
    },
)


def with_fault(job: Job, rule: Rule) -> Job:
    """The job under a switch that was drawn for it at submit."""
    late = {"stuck": NEVER, "slow_render": job.done_at + rule.seconds}.get(rule.fault, job.done_at)
    return job.copy_with(options={"switch": rule.fault, **job.options}, ending=_ending(rule, job.body), done_at=late)


def _ending(rule: Rule, body: Any) -> dict[str, JsonValue] | None:
    """How the job will fail; None if it does not. The rule's `status` or `error_type` is the code it fails with."""
    if rule.fault == "policy_refusal":
        return {
            "status": 422,
            "detail": rule.message or _POLICY,
            "error_type": rule.error_type or "SENSITIVE_WORD_ERROR",
        }
    if rule.fault == "output_refused":
        return {"status": 422, "detail": rule.message or _OUTPUT, "error_type": rule.error_type or "500"}
    if rule.fault == "file_download_error":
        return {"status": 422, "detail": f"The file could not be downloaded: {_first_url(body)}", "error_type": "422"}
    if rule.fault not in {"task_failed", "failed_envelope"}:
        return None
    envelope = rule.fault == "failed_envelope"  # whose code is a number
    code = str(rule.status or 501) if envelope else rule.error_type or str(rule.status or 500)
    return {"status": 500, "detail": rule.message or _FAILURES.get(code, "Internal server error"), "error_type": code}


def _first_url(body: Any) -> str:
    """The first file that the input points to."""
    values = [each for value in body["input"].values() for each in (value if isinstance(value, list) else [value])]
    return next((each for each in values if isinstance(each, str) and each.startswith("http")), "")
