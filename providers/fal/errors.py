"""Map fal's responses to our errors, one table for each kind of call. Source: https://fal.ai/docs/errors."""

from typing import Any

import httpx

from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    InvalidRequest,
    OutOfCredit,
    ProtocolError,
    ProviderError,
    Retired,
    Unauthorized,
)
from prefect_storyboard.providers.http import REDIRECTS, is_refusal, json_object, number, retry_after
from prefect_storyboard.providers.images import draws
from prefect_storyboard.providers.json_values import named_tasks, non_blank
from prefect_storyboard.providers.open_jobs import still_open
from prefect_storyboard.providers.reasons import (
    blocked,
    call_blocked_by_proxy,
    failure,
    flagged,
    invalid,
    is_moderation,
    no_result,
    outcome_unknown,
    part,
    refusal,
    stale_upload,
    submit_blocked_by_proxy,
)
from prefect_storyboard.providers.states import phase
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

# error_type of a job that failed at fal or its partner: the same request may succeed next time.
_TRANSIENT = {
    "internal_error",
    "internal_server_error",
    "runner_server_error",
    "downstream_service_error",
    "downstream_service_unavailable",
    "runner_incomplete_response",
    "runner_scheduling_failure",
    "runner_connection_timeout",
    "runner_disconnected",
    "runner_connection_refused",
    "runner_connection_error",
    "generation_timeout",
    "request_timeout",
    "startup_timeout",
    "client_cancelled",  # cancelled: a user who runs it again wants it
}
_OF_STATUS = {"status", "request_id", "queue_position", "logs", "metrics", "status_url", "response_url", "cancel_url"}
_LONGEST = 300  # characters of fal's own text in a message


def of_submit(response: httpx.Response, endpoint: str) -> ProviderError:
    """Why a submit was not accepted.

    Only a definite refusal proves that; after any other error it may have been bought.
    """
    text, facts, code = _text(response), _facts(response), response.status_code
    named = next(iter(named_tasks(json_object(response), "request_id")), None)
    if named is None:
        if code in {401, 402, 403}:
            return _of_account(response)
        match code:
            case 404 | 410:
                return Retired(f"fal does not offer {endpoint} (any more): {text}", **facts)
            case 429:
                wait = retry_after(response)
                return Busy(f"fal has too many requests of this account: {text}", retry_after=wait, **facts)
            case 503 if "x-fal-request-id" in response.headers:
                return Busy(f"fal is overloaded: {text}", retry_after=retry_after(response), **facts)
            case code if code in REDIRECTS:
                return InvalidRequest(
                    f"fal's queue address answered with a redirect ({code}); check queue_url", **facts
                )
            case code if is_refusal(code):
                return invalid(f"fal does not take the request: {text}", text, field=_field(response), **facts)
    raw = None if json_object(response) is None else response.text[:2000]
    return outcome_unknown("fal", f"{code} ({text})", named, http_status=code, raw=raw)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code == 403 and not _is_own(response):
        return call_blocked_by_proxy("fal", code, **facts)
    if code in {401, 402, 403}:
        return _of_account(response)
    match code:
        case 404:
            return Expired(f"fal does not know the resource: {text}", **facts)
        case 400 | 413 | 415 | 422:
            return invalid(f"fal does not take the request: {text}", text, field=_field(response), **facts)
        case code if code in {408, 409, 425, 429} or code >= 500:
            return Busy(f"fal cannot answer now ({code}): {text}", retry_after=retry_after(response), **facts)
    return ProtocolError(f"fal gave an undocumented answer ({code}): {text}", **facts)


def of_result(response: httpx.Response, job: Job) -> ProviderError:
    """Why an ended job has no result: the job's own verdict, or a transient fault on the way to it.

    A verdict names its type, in `error_type`, a header or its list of details, or is a 422 with a reason. An untyped
    5xx is no verdict: the next read may return the video, and calling a paid job failed would lose it.
    """
    facts = {**_facts(response), "request_id": job.request_id}
    text, kind, code = _text(response), _kind(response), response.status_code
    if code == 422 and (kind or (json_object(response) or {}).get("detail")):
        return _of_rejection(response, facts, job.endpoint)
    if code == 404 and text.startswith("Path "):
        return Retired(f"fal does not offer {job.endpoint} (any more): {text}", **facts)
    if not kind or code in {401, 402, 403, 404, 408, 409, 425, 429}:
        pending = code == 400 and _is_pending(text)
        return still_open(Busy(f"fal is not ready: {text}", **facts) if pending else of_call(response), job)
    return _of_failure(response, facts)


def of_status(response: httpx.Response, job: Job) -> ProviderError | None:
    """The verdict in a status, from the type of an error, or from its text in a state that means failure.

    The state alone is no verdict: fal documents no such state, and the next read of the result may return the video.
    """
    body = json_object(response) or {}
    reason = non_blank(body.get("error")) if phase(body.get("status")) == "failed" else None
    if response.is_success and (reason or non_blank(body.get("error_type"))):
        return _of_failure(response, {**_facts(response), "request_id": job.request_id})
    return None


def of_odd_success(response: httpx.Response, job: Job) -> ProviderError:
    """Why a 200 for an ended job has no result: an error in its body, another document, or an empty result."""
    body, text = json_object(response) or {}, _text(response)
    facts = {**_facts(response), "request_id": job.request_id}
    if _is_pending(text) or set(body) <= _OF_STATUS:
        return still_open(Busy("fal answered without a result", **facts), job)
    if body.get("error") or body.get("error_type"):
        return _of_failure(response, facts)
    if body.get("detail"):
        return _of_rejection(response, facts, job.endpoint)
    return no_result("fal", charged=_charged(response), raw=body, **facts)


def of_flagged(response: httpx.Response, job: Job) -> ProviderError:
    """A picture that the model's own filter has blacked out, as FLUX and Qwen report it."""
    return flagged(charged=_charged(response), **{**_facts(response), "request_id": job.request_id})


def unreadable(response: httpx.Response) -> ProviderError:
    """A 2xx that is not JSON, most likely a proxy's page. The call is retried."""
    return Busy(f"fal answered {response.status_code} with something that is not JSON", **_facts(response))


def billable_units(response: httpx.Response) -> float | None:
    """The number of units that fal bills for the job, if it says so."""
    return number(response, "x-fal-billable-units")


def _is_own(response: httpx.Response) -> bool:
    """Whether an error is fal's own document and not the page of a proxy in front of it."""
    return bool({"detail", "error", "status"} & set(json_object(response) or {}))


def _is_pending(text: str) -> bool:
    return "in progress" in text.lower()


def _of_account(response: httpx.Response) -> ProviderError:
    """Key and credit. fal locks an account without credit, and says so in a 403."""
    text, facts, code = _text(response), _facts(response), response.status_code
    lower = text.lower()
    if code == 402 or (code == 403 and ("balance" in lower or lower.rstrip(".").endswith(" locked"))):
        return OutOfCredit(f"the account at fal has no credit: {text}", **facts)
    if code == 403 and not _is_own(response):
        return submit_blocked_by_proxy("fal", code, **facts)
    does = "accept the key" if code == 401 else "let the key do this"
    return blocked("fal", text, **facts) or Unauthorized(f"fal does not {does}: {text}", **facts)


def _of_rejection(response: httpx.Response, facts: dict[str, Any], endpoint: str) -> ProviderError:
    """A 422 of the model: its `type` decides, or its text if there is no type."""
    field, text, charged, kind = _field(response), _text(response), _charged(response), _kind(response)
    vague = kind in {"", "value_error"} or part(text, field) == "output"
    if kind == "content_policy_violation" or (vague and is_moderation(text)):
        return refusal(text, field=field, charged=charged, **facts)
    match kind:
        case "no_media_generated":
            message = f"the model produced no media: {text}"
            if draws("fal", endpoint):  # clients saw the same request pass the next time, and nothing billed
                return failure(message, again=True, by_chance=True, charged=bool(charged), **facts)
            return failure(message, charged=charged, **facts)
        case "file_download_error":
            message = f"fal could not fetch a file of the scene: {text}"
            return stale_upload(message, charged=bool(charged), **facts)
    what = field or "the request"
    return invalid(f"the model does not take {what}: {text}", text, field=field, charged=charged, **facts)


def _of_failure(response: httpx.Response, facts: dict[str, Any]) -> ProviderError:
    """A job that failed at fal or its partner, by the type of its error."""
    text, kind, charged = _text(response), _kind(response), _charged(response)
    if kind == "bad_request":
        return invalid(f"fal does not take the request: {text}", text, charged=charged, **facts)
    if kind == "content_policy_violation" or (not kind and is_moderation(text)):
        return refusal(text, field=_field(response), charged=charged, **facts)
    message = f"the job failed at fal ({kind or response.status_code}): {text}"
    return failure(message, again=_again(response, kind), charged=charged, **facts)


def _again(response: httpx.Response, kind: str) -> bool:
    """Whether the same request may succeed: fal's own hint, under its two names, or else by the error's type."""
    if response.headers.get("x-fal-request-timeout-type") == "user":
        return False
    hints = [response.headers[name] for name in ("x-fal-needs-retry", "x-fal-retryable") if name in response.headers]
    return hints[0].lower() in {"1", "true", "yes"} if hints else kind in _TRANSIENT


def _charged(response: httpx.Response) -> bool | None:
    """A 5xx is free, as fal documents. A 422 after a runner has started may cost: only the billed units show it."""
    units = billable_units(response)
    if units is None:
        return False if response.status_code >= 500 else None
    return units > 0


def _facts(response: httpx.Response) -> dict[str, Any]:
    return {"http_status": response.status_code, "request_id": response.headers.get("x-fal-request-id")}


def _kind(response: httpx.Response) -> str:
    """The machine-readable name of the error, which fal puts in three places."""
    body = json_object(response) or {}
    kinds = (body.get("error_type"), _first(response).get("type"), response.headers.get("x-fal-error-type"))
    return next((kind for kind in kinds if isinstance(kind, str) and kind), "")


def _first(response: httpx.Response) -> JsonObject:
    detail = (json_object(response) or {}).get("detail")
    return detail[0] if isinstance(detail, list) and detail and isinstance(detail[0], dict) else {}


def _field(response: httpx.Response) -> str | None:
    place = _first(response).get("loc")
    return ".".join(str(part) for part in place if part != "body") or None if isinstance(place, list) else None


def _text(response: httpx.Response) -> str:
    """One line for a person, without the echoed input."""
    body = json_object(response)
    if body is None:
        return f"a page that is not JSON (HTTP {response.status_code})"
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    words = (message, _first(response).get("msg"), body.get("detail"), body.get("status"))
    text = next((word for word in words if isinstance(word, str) and word.strip()), "no reason given")
    return " ".join(text.split())[:_LONGEST]
