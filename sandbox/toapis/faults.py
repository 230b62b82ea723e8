"""ToAPIs' own way of going wrong, and the switches for what its pages leave open or tell differently.

Errors are the documented older ones. A rule's `error_type` gives a refusal the newer form, with that name as its code.
"""

from collections.abc import Callable
from typing import Any

from pydantic import JsonValue
from starlette.responses import Response

from prefect_storyboard.sandbox.faults import Rule, Voice
from prefect_storyboard.sandbox.toapis.errors import ERRORS, error, named, rename, translate

ENDINGS = {"policy_refusal", "task_failed", "stuck", "slow_render"}
WEBHOOKS = {"webhook_duplicate", "webhook_unsigned", "webhook_badly_signed", "webhook_rotated"}
_MESSAGES = {
    "policy_refusal": "生成失败: 内容违反了内容政策",
    "task_failed": "call upstream API failed: upstream returned status 422",
}
Body = dict[str, Any]


def ending(rule: Rule) -> dict[str, JsonValue] | None:
    """How a task that was accepted under this rule will end; None if it only takes longer."""
    return failure(_MESSAGES[rule.fault]) if rule.fault in _MESSAGES else None


def failure(message: str) -> dict[str, JsonValue]:
    """A failed task, as the state keeps it."""
    return {"status": 500, "detail": {"code": "generation_failed", "message": message}}


def _refuses(status: int) -> Callable[[Rule], Response]:
    def reply(rule: Rule) -> Response:
        answer = named(status, rule.error_type, ERRORS[status].en) if rule.error_type else error(status)
        if rule.retry_after is not None:
            answer.headers["Retry-After"] = f"{rule.retry_after:g}"
        return answer

    return reply


def _limiter_down(rule: Rule) -> Response:
    answer = named(503, "rate_limit_unavailable", "Rate limiter unavailable")
    answer.headers["Retry-After"] = f"{rule.retry_after or 1:g}"
    return answer


def _policy_422(_: Rule) -> Response:
    return named(422, "content_policy_violation", "Content policy violation")


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
    "policy_422": (_SUBMIT, _policy_422),
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
    **dict.fromkeys(ENDINGS | WEBHOOKS, _SUBMIT),
    "unknown_username": _SUBMIT,
    "webhook_not_configured": _SUBMIT,
    "retired": frozenset({"submit", "platform"}),
    "no_characters_tasks": _STATUS,
    "videos_serve_characters": _STATUS,
}
VOICE = Voice(
    replies={name: reply for name, (_, reply) in _REPLIES.items()},
    changes={name: change for name, (_, change) in _CHANGES.items()},
    routes={name: routes for name, (routes, _) in [*_REPLIES.items(), *_CHANGES.items()]} | _INSIDE,
)
