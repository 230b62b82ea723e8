"""The faults in WaveSpeed's own form, and the routes on which each makes sense."""

import json
from collections.abc import Callable

from pydantic import JsonValue
from starlette.responses import PlainTextResponse, Response

from prefect_storyboard.sandbox.documents import NEVER, Job
from prefect_storyboard.sandbox.faults import FaultTable, Rule, ignoring_rule
from prefect_storyboard.sandbox.wavespeed.envelope import problem

_TASKS: dict[str, tuple[int, str, str]] = {  # code (0: without one), status, error
    "policy_refusal": (1200, "failed", "Content Moderation"),
    "output_refused": (1200, "failed", "Output audio has sensitive content"),
    "file_download_error": (1402, "failed", "Failed to download video from the provided URL."),
    "task_failed": (5000, "failed", "Internal error"),
    "task_failed_without_code": (0, "failed", "HTTP 502 from upstream"),
    "task_timeout": (0, "timeout", "Task timed out"),
    "task_cancelled": (0, "cancelled", "Task cancelled"),
    "task_deleted": (0, "deleted", "Task deleted"),
}
_NAMES = {
    1402: "Failed to download image from the provided URL.",
    1403: "Task Execution Failed",
    1405: "Task Failed",
    5003: "Service Unavailable",
    5004: "Timeout",
}
WEBHOOKS = {"webhook_duplicate", "webhook_late", "webhook_unsigned", "webhook_badly_signed", "webhook_rotated"}
ENDINGS = {*_TASKS, *WEBHOOKS, "stuck", "slow_render", "silent_fallback", "inline_picture"}


def _out_of_credit(rule: Rule) -> Response:
    status = rule.status or 400
    return problem(status, "insufficient credits", code=1407 if status == 400 else status)


def _says(status: int, message: str, *, code: int | None = None) -> Callable[[Rule], Response]:
    return lambda _: problem(status, message, code=code)


def _envelope_refused(rule: Rule) -> Response:
    """A refusal under HTTP 200: an envelope with a code and no prediction."""
    code = rule.status or 1200
    return problem(200, rule.message or ("Content Moderation" if code == 1200 else "Request refused"), code=code)


def _names_task(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    data = body["data"]
    return {
        "code": 500,
        "message": "Internal Server Error",
        "data": {"id": data["id"]} if isinstance(data, dict) else None,
    }


def _end_word(rule: Rule, body: dict[str, JsonValue]) -> None:
    for each in _predictions(body):
        if each.get("status") not in {"created", "processing", None}:
            each["status"] = rule.word


def _forbidden_output(_: Rule) -> Response:
    return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")


def _predictions(body: dict[str, JsonValue]) -> list[dict[str, JsonValue]]:
    """The predictions of an answer: its data, or the items of a list."""
    data = body.get("data")
    found = data.get("items", [data]) if isinstance(data, dict) else []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _each(change: Callable[[dict[str, JsonValue]], None]) -> Callable[[dict[str, JsonValue]], None]:
    def changed(body: dict[str, JsonValue]) -> None:
        for prediction in _predictions(body):
            change(prediction)

    return changed


def _made(describe: Callable[[dict[str, JsonValue]], JsonValue]) -> Callable[[dict[str, JsonValue]], None]:
    """A change of the outputs that are objects: the characters and elements."""

    def changed(prediction: dict[str, JsonValue]) -> None:
        outputs = prediction.get("outputs")
        if isinstance(outputs, list):
            prediction["outputs"] = [describe(each) if isinstance(each, dict) else each for each in outputs]

    return _each(changed)


def _without(field: str) -> Callable[[dict[str, JsonValue]], None]:
    def changed(prediction: dict[str, JsonValue]) -> None:
        prediction.pop(field, None)

    return _each(changed)


def _objects(prediction: dict[str, JsonValue]) -> None:
    """Addresses in objects, as newer samples have them."""
    outputs = prediction.get("outputs")
    if isinstance(outputs, list):
        prediction["outputs"] = [{"url": each} if isinstance(each, str) else each for each in outputs]


def _compact(value: JsonValue) -> str:
    return json.dumps(value, separators=(",", ":"))


def _minimal(body: dict[str, JsonValue]) -> None:
    """What is documented as optional is null or missing."""
    if isinstance(data := body.get("data"), dict):
        data.pop("total", None)
    for prediction in _predictions(body):
        prediction["has_nsfw_contents"] = None
        prediction.pop("executionTime", None)
        prediction.pop("timings", None)


_ANY = frozenset({"submit", "status", "upload", "platform"})
_TELLS = frozenset({"status", "platform"})
FAULTS = FaultTable(
    replies={
        "rate_limited": _says(429, "Too Many Requests"),
        "upload_quota": _says(429, "Upload quota exceeded"),
        "upload_failed": _says(200, "Upload failed: invalid file type", code=500),
        "unauthorized": _says(401, "Unauthorized"),
        "forbidden": _says(403, "insufficient role"),
        "out_of_credit": _out_of_credit,
        "internal_error": _says(500, "Internal Server Error"),
        "envelope_refused": _envelope_refused,
        "envelope_error": _says(200, "Internal Server Error", code=500),
        "not_found": _says(404, "Prediction not found"),
        "output_forbidden": _forbidden_output,
    },
    changes={
        name: ignoring_rule(change)
        for name, change in {
            "unknown_status": _each(lambda each: each.update(status="paused")),
            "result_without_url": _each(lambda each: each.update(outputs=[])),
            "outputs_as_objects": _each(_objects),
            "data_null": lambda body: body.update(data=None),
            "missing_id": _without("id"),
            "minimal_result": _minimal,
            "character_json": _made(_compact),
            "character_nested": _made(lambda each: _compact([each])),
            "character_bare": _made(lambda each: each.get("id")),
            "character_without_id": _made(lambda each: {"name": each.get("name")}),
            "list_without_inputs": _without("input"),
        }.items()
    }
    | {"end_word": _end_word},
    error=problem,
    names_task=_names_task,
    routes={
        **dict.fromkeys(("rate_limited", "unauthorized", "forbidden", "internal_error", "envelope_error"), _ANY),
        **dict.fromkeys(("upload_quota", "upload_failed"), frozenset({"upload"})),
        **dict.fromkeys(("out_of_credit", "missing_id", "envelope_refused", *ENDINGS), frozenset({"submit"})),
        **dict.fromkeys(("not_found", "result_without_url", "outputs_as_objects", "end_word"), frozenset({"status"})),
        **dict.fromkeys(("character_json", "character_nested", "character_bare", "character_without_id"), _TELLS),
        **dict.fromkeys(("unknown_status", "minimal_result"), _TELLS),
        **dict.fromkeys(("list_without_inputs", "list_lags"), frozenset({"platform"})),
        "data_null": _ANY,
        "output_forbidden": frozenset({"download"}),
        "retired": frozenset({"submit", "platform"}),
    },
)


def with_fault(job: Job, rule: Rule) -> Job:
    """The job under a fault that was drawn for it at submit."""
    if rule.fault == "stuck":
        return job.copy_with(done_at=NEVER)
    if rule.fault == "slow_render":
        return job.copy_with(done_at=job.done_at + rule.seconds)
    if rule.fault == "inline_picture":
        return job.copy_with(options={**job.options, "inline": "1"})
    if rule.fault == "silent_fallback":
        return job.copy_with(options={**job.options, "fallback": "1"})
    if rule.fault in WEBHOOKS:
        return job.copy_with(options={**job.options, "webhook_fault": rule.fault, "webhook_late": f"{rule.seconds}"})
    code, word, message = _TASKS[rule.fault]
    if rule.fault == "task_failed" and rule.status:
        code, message = rule.status, _NAMES.get(rule.status, message)
    return job.copy_with(ending={"status": code, "error_type": word, "detail": rule.message or message})
