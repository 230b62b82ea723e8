"""The faults in fal's own form, and the routes on which each makes sense."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.fal.auth import LOCKED, UNKNOWN
from prefect_storyboard.sandbox.faults import FaultTable, Rule, ignoring_rule

ENDINGS = {
    "policy_refusal",
    "output_refused",
    "file_download_error",
    "no_media",
    "downstream_error",
    "infra_error",
    "start_deadline",
    "stuck",
    "slow_render",
    "black_picture",
    "inline_picture",
}
WEBHOOKS = {"webhook_duplicate", "webhook_late", "webhook_unsigned", "webhook_badly_signed"}
CANCELS = {"cancel_race", "cancel_ignored"}
PLATFORM = {"deprecated", "unlisted", "list_hides_running", "list_lags"}


def _rate_limited(rule: Rule) -> Response:
    headers = {"X-Fal-needs-retry": "1"} if rule.needs_retry else {}
    kind = "concurrent_requests_limit"
    return JSONResponse({"detail": "Too many concurrent requests", "error_type": kind}, 429, headers)


def _refused_503(_: Rule) -> Response:
    kind = "runner_scheduling_failure"
    headers = {"x-fal-request-id": "00000000-0000-4000-8000-000000000000", "X-Fal-Error-Type": kind}
    return JSONResponse({"detail": "No runner available", "error_type": kind}, 503, headers)


def _says(status: int, body: Mapping[str, JsonValue]) -> Callable[[Rule], Response]:
    return lambda _: JSONResponse(dict(body), status)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"detail": message}, status)


def _names_task(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {"detail": "Internal Server Error", "request_id": body["request_id"]}


def _end_word(rule: Rule, body: dict[str, JsonValue]) -> None:
    if body.get("status") == "COMPLETED":
        body["status"] = rule.word


def _instead(key: str) -> Callable[[Rule, dict[str, JsonValue]], None]:
    """A result that is an error under HTTP 200."""

    def change(rule: Rule, body: dict[str, JsonValue]) -> None:
        if "detail" not in body:
            body.clear()
            body[key] = rule.message or "Internal Server Error"

    return change


def _empty_video(body: dict[str, JsonValue]) -> None:
    if "images" in body:
        body["images"] = []
    if "video" in body:
        body.clear()
        body["video"] = {}


def _unknown_status(body: dict[str, JsonValue]) -> None:
    body["status"] = "PAUSED"


def _missing_thumbnail(body: dict[str, JsonValue]) -> None:
    if "video" not in body or "video_id" in body:  # a reference model has no such field to begin with
        body["thumbnail"] = None
    body.pop("spritesheet", None)


def _minimal_result(body: dict[str, JsonValue]) -> None:
    images = body.get("images")
    if isinstance(images, list):
        body.clear()
        body["images"] = [{"url": each["url"]} for each in images if isinstance(each, dict)]
    video = body.get("video")
    if isinstance(video, dict):
        kept = {"url": video["url"], "content_type": video["content_type"]}
        required: dict[str, JsonValue] = {
            key: body[key] for key in ("video_id", "seed", "actual_prompt") if key in body
        }
        body.clear()
        body |= {"video": kept, **required}


_ANY = frozenset({"submit", "status", "result", "cancel", "upload", "platform"})
_JOB = frozenset({"status", "result", "cancel"})
FAULTS = FaultTable(
    replies={
        "rate_limited": _rate_limited,
        "refused_503": _refused_503,
        "locked": _says(403, {"detail": LOCKED}),
        "blocked": _says(403, {"detail": "User has been blocked."}),
        "no_access": _says(403, {"detail": "Cannot access application. Authentication is required."}),
        "unauthorized": _says(401, {"detail": UNKNOWN}),
        "internal_error": _says(500, {"detail": "Internal Server Error"}),
        "not_found": _says(404, {"status": "NOT_FOUND"}),
        "expired": _says(404, {"status": "NOT_FOUND"}),
        "pending": _says(400, {"detail": "Request is still in progress"}),
        "retired": _says(404, {"detail": "Path / not found"}),
    },
    changes={
        "unknown_status": ignoring_rule(_unknown_status),
        "missing_thumbnail": ignoring_rule(_missing_thumbnail),
        "minimal_result": ignoring_rule(_minimal_result),
        "empty_video": ignoring_rule(_empty_video),
        "end_word": _end_word,
        "error_in_200": _instead("error"),
        "detail_in_200": _instead("detail"),
    },
    error=_error,
    names_task=_names_task,
    routes={
        "rate_limited": _ANY,
        "refused_503": frozenset({"submit"}),
        **dict.fromkeys(("locked", "blocked", "no_access"), frozenset({"submit"})),
        "unauthorized": _ANY,
        "internal_error": _ANY,
        "not_found": _JOB,
        "expired": frozenset({"result"}),
        "pending": frozenset({"result"}),
        "retired": frozenset({"submit"}),
        **dict.fromkeys(("unknown_status", "end_word"), frozenset({"status"})),
        **dict.fromkeys(("missing_thumbnail", "minimal_result"), frozenset({"result"})),
        **dict.fromkeys(("error_in_200", "detail_in_200", "empty_video"), frozenset({"result"})),
        **dict.fromkeys(ENDINGS | WEBHOOKS, frozenset({"submit"})),
        **dict.fromkeys(CANCELS, frozenset({"cancel"})),
        **dict.fromkeys(PLATFORM, frozenset({"platform"})),
    },
)


def ending(rule: Rule, body: JsonValue) -> dict[str, JsonValue] | None:
    """How a job that was accepted under this rule will end; None if it only takes longer."""
    if rule.fault == "policy_refusal":
        where = rule.field.split(".") if rule.field else ["prompt"]
        return {
            "status": 422,
            "detail": [_policy(rule, [int(each) if each.isdigit() else each for each in where], body)],
        }
    if rule.fault == "output_refused":
        return {"status": 422, "detail": [_policy(rule, ["generated_video"], body)]}
    if rule.fault == "file_download_error":
        reason: JsonValue = {
            "loc": ["body", _url_field(body)],
            "msg": "Failed to download the file.",
            "type": rule.fault,
        }
        return {"status": 422, "detail": [reason], "headers": {"x-fal-billable-units": ""}}
    if rule.fault == "no_media":
        kind = "no_media_generated"
        reason = {"loc": ["body"], "msg": "The model did not generate anything for this request.", "type": kind}
        return {"status": 422, "detail": [{**reason, "url": f"https://docs.fal.ai/errors/#{kind}", "input": body}]}
    if rule.fault == "downstream_error":
        reason = {"loc": ["body"], "msg": "Downstream service error.", "type": "downstream_service_error"}
        return {"status": rule.status or 500, "detail": [reason], "headers": _retry(rule)}
    if rule.fault == "infra_error":
        status = rule.status or 503
        kind = rule.error_type or {503: "runner_disconnected", 504: "generation_timeout"}.get(status, "internal_error")
        detail = kind.replace("_", " ").capitalize()
        return {"status": status, "detail": detail, "error_type": kind, "headers": _retry(rule)}
    if rule.fault == "start_deadline":
        return deadline()
    return None


def _retry(rule: Rule) -> dict[str, JsonValue]:
    return {"X-Fal-needs-retry": "true" if rule.needs_retry else "false"}


def deadline() -> dict[str, JsonValue]:
    """The end of a job that could not start within the caller's `X-Fal-Request-Timeout`."""
    headers: dict[str, JsonValue] = {"X-Fal-Request-Timeout-Type": "user"}
    return {"status": 504, "detail": "Request timed out", "error_type": "request_timeout", "headers": headers}


def _policy(rule: Rule, where: list[JsonValue], body: JsonValue) -> dict[str, JsonValue]:
    kind = "content_policy_violation"
    output = "Output audio has sensitive content." if rule.fault == "output_refused" else None
    return {
        "loc": ["body", *where],
        "msg": rule.message or output or "The content could not be processed.",
        "type": kind,
        "url": f"https://docs.fal.ai/errors/#{kind}",
        "input": body,
        "ctx": {"extra_info": {"reason": "partner_validation_failed"}},
    }


def _url_field(body: JsonValue) -> str:
    """The field of the first file that the input points to."""
    fields = body if isinstance(body, dict) else {}
    return next((name for name in fields if name.endswith(("_url", "_urls"))), "image_url")
