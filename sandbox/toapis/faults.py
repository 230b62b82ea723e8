"""The faults in ToAPIs' own form, and the switches for what its pages leave open or contradict.

Errors are the documented older ones. A rule's `error_type` gives a refusal the newer form, with that name as its code.
"""

from collections.abc import Callable
from typing import Any

from pydantic import JsonValue
from starlette.responses import JSONResponse, Response

from prefect_storyboard.sandbox.faults import FaultTable, Rule, ignoring_rule
from prefect_storyboard.sandbox.toapis.errors import ERRORS, error, named, rename, translate

ENDINGS = {"policy_refusal", "output_refused", "file_download_error", "task_failed", "stuck", "slow_render"}
TWO_IDS = {"two_ids", "two_ids_swapped"}
WEBHOOKS = {"webhook_duplicate", "webhook_unsigned", "webhook_badly_signed", "webhook_rotated"}
_FAILURES = {  # code, message
    "policy_refusal": ("generation_failed", "生成失败: 内容违反了内容政策"),
    "output_refused": ("OutputVideoSensitiveContentDetected", "The output video may contain sensitive information."),
    "file_download_error": ("generation_failed", "failed to download an input file"),
    "task_failed": ("generation_failed", "call upstream API failed: upstream returned status 422"),
}
_REAL_PERSON = "input image 'content[1]' may contain real person"
Body = dict[str, Any]


def ending(rule: Rule) -> dict[str, JsonValue] | None:
    """How a task that was accepted under this rule will end; None if it only takes longer."""
    if rule.fault not in _FAILURES:
        return None
    code, message = _FAILURES[rule.fault]
    return failure(rule.message or message, rule.error_type or code)


def failure(message: str, code: str = "generation_failed") -> dict[str, JsonValue]:
    """A failed task, as the state keeps it."""
    return {"status": 500, "detail": {"code": code, "message": message}}


def _refuses(status: int) -> Callable[[Rule], Response]:
    def reply(rule: Rule) -> Response:
        return named(status, rule.error_type, ERRORS[status].en) if rule.error_type else error(status)

    return reply


def _limiter_down(rule: Rule) -> Response:
    answer = named(503, "rate_limit_unavailable", "Rate limiter unavailable")
    answer.headers["Retry-After"] = f"{rule.retry_after or 1:g}"
    return answer


def _about_input(status: int, code: str, message: str, **more: str) -> Callable[[Rule], Response]:
    """A refusal of the input, which names the field as `param` if the rule has one."""

    def reply(rule: Rule) -> Response:
        error: Body = {"code": rule.error_type or code, "message": rule.message or message, **more}
        return JSONResponse({"error": error | ({"param": rule.field} if rule.field else {})}, status)

    return reply


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": status, "message": message, "type": "invalid_request_error"}}, status)


def _names_task(body: Body) -> Body:
    ids: Body = {name: body[name] for name in ("id", "task_id") if name in body}
    return {"error": {"code": 500, "message": ERRORS[500].zh, "type": ERRORS[500].kind}, **ids}


def _end_word(rule: Rule, body: Body) -> None:
    if body.get("status") in {"completed", "failed"}:
        body["status"] = rule.word


def _state(word: str) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        if "status" in body:
            body["status"] = word

    return change


def _url_at(*path: str) -> Callable[[Body], None]:
    """The clip's address where only some clients look for it; nowhere without a path."""

    def change(body: Body) -> None:
        result = body.get("result")
        if isinstance(result, dict) and isinstance(result["data"], list):
            body.pop("url", None)
            address = result["data"][0]["url"]
            result["data"] = []
            *way, last = path or ("",)
            place = body
            for name in way:
                place = place.setdefault(name, {})
            if last:
                place[last] = address

    return change


def _avatar_url(body: Body) -> None:
    data = body.get("result", {}).get("data")
    for each in data["characters"] if isinstance(data, dict) else ():
        each["avatar_url"] = each.pop("profile_picture_url")


def _billing(body: Body) -> None:
    """Only the answer of a failed task is known."""
    if body.get("status") == "failed":
        body["billing"] = {"status": "refunded", "credits": "0", "cost_usd": "0"}


def _fail_reason(body: Body) -> None:
    if body.get("status") == "failed":
        body["fail_reason"] = body["error"]["message"]


def _unsuccessful(body: Body) -> None:
    if body.get("success"):
        message = "Upload failed" if "data" in body else "Failed to get token info: record not found"
        body.clear()
        body |= {"success": False, "message": message}


def _unlimited(body: Body) -> None:
    if "remain_balance" in body:
        body |= {"remain_balance": -1, "unlimited_quota": True}


def _in_credits(body: Body) -> None:
    if "remain_balance" in body:
        body |= {"remain_credits": body["remain_balance"] * 200, "credits_per_usd": 200}


_ANY = frozenset({"submit", "status", "upload", "platform"})
_SUBMIT, _STATUS = frozenset({"submit"}), frozenset({"status"})
_REPLIES = {
    "rate_limited": (_ANY, _refuses(429)),
    "unauthorized": (_ANY, _refuses(401)),
    "internal_error": (_ANY, _refuses(500)),
    "out_of_credit": (_SUBMIT, _refuses(402)),
    "limiter_down": (_SUBMIT, _limiter_down),
    "policy_422": (_SUBMIT, _about_input(422, "content_policy_violation", "Content policy violation")),
    "invalid_field": (_SUBMIT, _about_input(400, "invalid_request", ERRORS[400].en, type=ERRORS[400].kind)),
    "real_person": (_SUBMIT, _about_input(400, "PrivacyInformation", _REAL_PERSON, type=ERRORS[400].kind)),
    "not_found": (_STATUS, _refuses(404)),
}
_CHANGES = {
    "string_codes": (_ANY, rename),
    "english": (_ANY, translate),
    "unknown_status": (_STATUS, _state("paused")),
    "submitted": (_STATUS, _state("submitted")),
    "no_url": (_STATUS, _url_at()),
    "url_on_top": (_STATUS, _url_at("url")),
    "video_url_on_top": (_STATUS, _url_at("video_url")),
    "url_in_result": (_STATUS, _url_at("result", "url")),
    "url_in_video": (_STATUS, _url_at("result", "video", "url")),
    "avatar_url": (_STATUS, _avatar_url),
    "billing": (_STATUS, _billing),
    "fail_reason": (_STATUS, _fail_reason),
    "unsuccessful": (frozenset({"upload", "platform"}), _unsuccessful),
    "unlimited": (frozenset({"platform"}), _unlimited),
    "balance_in_credits": (frozenset({"platform"}), _in_credits),
}
_INSIDE = {
    **dict.fromkeys(ENDINGS | WEBHOOKS | TWO_IDS, _SUBMIT),
    "unknown_username": _SUBMIT,
    "webhook_not_configured": _SUBMIT,
    "completed_at_once": _SUBMIT,
    "retired": frozenset({"submit", "platform"}),
    "end_word": _STATUS,
    "no_characters_tasks": _STATUS,
    "videos_serve_characters": _STATUS,
}
FAULTS = FaultTable(
    replies={name: reply for name, (_, reply) in _REPLIES.items()},
    changes={name: ignoring_rule(change) for name, (_, change) in _CHANGES.items()} | {"end_word": _end_word},
    error=_error,
    names_task=_names_task,
    routes={name: routes for name, (routes, _) in [*_REPLIES.items(), *_CHANGES.items()]} | _INSIDE,
)
