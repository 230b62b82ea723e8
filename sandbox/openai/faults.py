"""The faults in OpenAI's own form, and the routes on which each makes sense."""

from typing import Any

from pydantic import JsonValue
from starlette.responses import PlainTextResponse, Response

from prefect_storyboard.sandbox.documents import NEVER, Job
from prefect_storyboard.sandbox.faults import FaultTable, Rule, ignoring_rule
from prefect_storyboard.sandbox.openai.errors import QUOTA, gone, problem

_FAILURES = {  # code, message
    "policy_refusal": ("moderation_blocked", "Your request was blocked by our moderation system."),
    "output_refused": ("content_filter", "The generated video was blocked by our content filter."),
    "task_failed": ("video_generation_failed", "Video generation failed."),
}
ENDINGS = {*_FAILURES, "stuck", "slow_render"}
SWITCHES = {"sparse_list", "list_lags", "content_redirect"}
_ANY = frozenset({"submit", "status", "platform", "result", "cancel"})
Body = dict[str, Any]


def _rate_limited(_: Rule) -> Response:
    return problem(429, "Rate limit reached for this model", code="rate_limit_exceeded")


def _out_of_credit(_: Rule) -> Response:
    return problem(429, QUOTA, code="insufficient_quota")


def _unverified(_: Rule) -> Response:
    return problem(403, "Your organization must be verified to use this model")


def _retired(rule: Rule) -> Response:
    """The two answers that retired models have been seen to give: 404, or 400 if the rule says so."""
    model = rule.match.endpoint or "sora-2"
    if rule.status == 400:
        return problem(400, f"The model '{model}' does not exist.", param="model", code="invalid_value")
    return gone(model).reply()


def _without(*names: str) -> Any:
    def change(body: Body) -> None:
        for name in names:
            body.pop(name, None)

    return ignoring_rule(change)


def _unknown_status(body: Body) -> None:
    if "status" in body:
        body["status"] = "paused"


def _end_word(rule: Rule, body: Body) -> None:
    if body.get("status") in {"completed", "failed"}:
        body["status"] = rule.word


def _names_task(body: Body) -> Body:
    return {
        "error": {"message": "Internal server error", "type": "server_error", "param": None, "code": body.get("id")}
    }


FAULTS = FaultTable(
    replies={
        "rate_limited": _rate_limited,
        "out_of_credit": _out_of_credit,
        "unverified": _unverified,
        "unauthorized": lambda _: problem(401, "Incorrect API key provided.", code="invalid_api_key"),
        "internal_error": lambda _: problem(500, "The server had an error while processing your request."),
        "not_found": lambda _: problem(404, "Video not found"),
        "retired": _retired,
        "content_502": lambda _: PlainTextResponse("Bad Gateway", 502),
    },
    changes={
        "unknown_status": ignoring_rule(_unknown_status),
        "end_word": _end_word,
        "minimal_video": _without(
            "completed_at", "expires_at", "prompt", "remixed_from_video_id", "error", "size", "seconds", "progress"
        ),
    },
    error=problem,
    names_task=_names_task,
    routes={
        **dict.fromkeys(("rate_limited", "unauthorized", "internal_error"), _ANY),
        **dict.fromkeys(("out_of_credit", "unverified", "retired"), frozenset({"submit"})),
        **dict.fromkeys(("not_found", "unknown_status", "end_word", "minimal_video"), frozenset({"status"})),
        "content_502": frozenset({"result"}),
        "content_redirect": frozenset({"result"}),
        **dict.fromkeys(("sparse_list", "list_lags"), frozenset({"platform"})),
        **dict.fromkeys(ENDINGS, frozenset({"submit"})),
    },
)


def with_fault(job: Job, rule: Rule) -> Job:
    """The job under a fault that was drawn for it at submit."""
    late = {"stuck": NEVER, "slow_render": job.done_at + rule.seconds}.get(rule.fault, job.done_at)
    if rule.fault not in _FAILURES:
        return job.copy_with(done_at=late)
    code, message = _FAILURES[rule.fault]
    detail: dict[str, JsonValue] = {"code": rule.error_type or code, "message": rule.message or message}
    return job.copy_with(ending={"status": rule.status or 500, "detail": detail})
