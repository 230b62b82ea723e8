"""From fal's answers to our errors, one table for each kind of call. Source: https://fal.ai/docs/errors."""

import httpx
from pydantic import JsonValue

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
from prefect_storyboard.providers.http import json_object, number, retry_after
from prefect_storyboard.providers.open_jobs import still_open
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
    "client_cancelled",  # who runs it again wants it after all
}
_TRUE = {"1", "true", "yes"}
_LONGEST = 300  # characters of fal's own words in a message


def of_submit(response: httpx.Response, endpoint: str) -> ProviderError:
    """Why a submit was not accepted. Only a definite refusal says so; the rest may have been bought."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code in {401, 402, 403}:
        return _of_account(response)
    match code:
        case 404:
            return Retired(f"fal does not offer {endpoint} (any more): {text}", **facts)
        case 429:
            wait = retry_after(response)
            return Busy(f"fal has too many requests of this account: {text}", retry_after=wait, **facts)
        case 503 if "x-fal-request-id" in response.headers:
            return Busy(f"fal is overloaded: {text}", retry_after=retry_after(response), **facts)
        case 400 | 405 | 413 | 415 | 422:
            return InvalidRequest(f"fal does not take the request: {text}", field=_field(response), **facts)
        case code if 300 <= code < 400:
            return InvalidRequest(f"fal's queue address answered with a redirect ({code}); check queue_url", **facts)
    return OutcomeUnknown(f"fal answered a submit with {code}, and it may have been accepted: {text}", **facts)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code in {401, 402, 403}:
        return _of_account(response)
    match code:
        case 404:
            return Expired(f"fal does not know what was asked for: {text}", **facts)
        case 400 | 413 | 415 | 422:
            return InvalidRequest(f"fal does not take the request: {text}", field=_field(response), **facts)
        case 408 | 409 | 425 | 429:
            return Busy(f"fal cannot answer now ({code}): {text}", retry_after=retry_after(response), **facts)
        case code if code >= 500:
            return Busy(f"fal cannot answer now ({code}): {text}", retry_after=retry_after(response), **facts)
    return ProtocolError(f"fal gave an answer that nobody has documented ({code}): {text}", **facts)


def of_result(response: httpx.Response, job: Job) -> ProviderError:
    """Why an ended job has no result: the job's own verdict, or a passing fault on the way to it.

    A verdict names its type, in `error_type` or in its list of details, or comes from fal itself with a 5xx. All else
    leaves the job open: to call a paid job failed by mistake is to lose it.
    """
    facts = {**_facts(response), "request_id": job.request_id}
    text, kind, code = _text(response), _kind(response), response.status_code
    if code == 422 and json_object(response) is not None:
        return _of_rejection(response, facts)
    if code == 404 and text.startswith("Path "):
        return Retired(f"fal does not offer {job.endpoint} (any more): {text}", **facts)
    typed = bool(kind) and code not in {401, 402, 403, 404, 408, 409, 425, 429}
    if not typed and not (code >= 500 and "x-fal-request-id" in response.headers):
        pending = code == 400 and "in progress" in text.lower()
        return still_open(Busy(f"fal is not ready: {text}", **facts) if pending else of_call(response), job)
    charged = _charged(response)
    if kind == "bad_request":
        return InvalidRequest(f"fal does not take the request: {text}", charged=charged, **facts)
    again = _again(response, kind)
    remedy = "It was not charged: run it again." if again and charged is False else GenerationFailed.remedy
    message = f"the job failed at fal ({kind or code}): {text}"
    return GenerationFailed(message, resubmittable=again, charged=charged, remedy=remedy, **facts)


def unreadable(response: httpx.Response) -> ProviderError:
    """A 2xx that is no JSON: a proxy's page, most likely. Ask again."""
    return Busy(f"fal answered {response.status_code} with something that is no JSON", **_facts(response))


def billable_units(response: httpx.Response) -> float | None:
    """The number of units that fal bills for the job, where it says so."""
    return number(response, "x-fal-billable-units")


def _of_account(response: httpx.Response) -> ProviderError:
    """Key and credit. fal locks an account without credit, which says so in a 403."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code == 402 or (code == 403 and ("balance" in text.lower() or "locked" in text.lower())):
        return OutOfCredit(f"the account at fal has no credit: {text}", **facts)
    return Unauthorized(f"fal does not {'accept the key' if code == 401 else 'let the key do this'}: {text}", **facts)


def _of_rejection(response: httpx.Response, facts: dict[str, JsonValue]) -> ProviderError:
    """A 422 of the model: its `type` decides, its text is for people only."""
    field, text, charged = _field(response), _text(response), _charged(response)
    match _kind(response):
        case "content_policy_violation":
            what = field or "the scene"
            return Refused(f"moderation refused {what}: {text}", field=field, charged=charged, **facts)
        case "no_media_generated":
            return GenerationFailed(f"the model made no video of this: {text}", charged=charged, **facts)
        case "file_download_error":
            message = f"fal could not fetch a file of the scene: {text}"
            return GenerationFailed(message, resubmittable=True, charged=charged, **facts)
    what = field or "the request"
    return InvalidRequest(f"the model does not take {what}: {text}", field=field, charged=charged, **facts)


def _again(response: httpx.Response, kind: str) -> bool:
    """Whether the same request may succeed: fal's own hint, under its two names, else what its type says."""
    if response.headers.get("x-fal-request-timeout-type") == "user":
        return False
    hints = [response.headers[name] for name in ("x-fal-needs-retry", "x-fal-retryable") if name in response.headers]
    return hints[0].lower() in _TRUE if hints else kind in _TRANSIENT


def _charged(response: httpx.Response) -> bool | None:
    """A 5xx is free. A 422 on which a runner spent time may cost: the units say so, their absence says nothing."""
    units = billable_units(response)
    if units is None:
        return False if response.status_code >= 500 else None
    return units > 0


def _facts(response: httpx.Response) -> dict[str, JsonValue]:
    return {"http_status": response.status_code, "request_id": response.headers.get("x-fal-request-id")}


def _kind(response: httpx.Response) -> str:
    """The machine-readable name of the error, of which fal has three places."""
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
        return f"a page that is no JSON (HTTP {response.status_code})"
    error = body.get("error")
    told = error.get("message") if isinstance(error, dict) else error
    words = (told, _first(response).get("msg"), body.get("detail"), body.get("status"))
    text = next((word for word in words if isinstance(word, str) and word.strip()), "no reason given")
    return " ".join(text.split())[:_LONGEST]
