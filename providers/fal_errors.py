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
from prefect_storyboard.providers.http import json_object, retry_after
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
}
_TRUE = {"1", "true", "yes"}


def of_submit(response: httpx.Response, endpoint: str) -> ProviderError:
    """Why a submit was not accepted. Only a definite refusal says so; the rest may have been bought."""
    text = _text(response)
    facts = _facts(response)
    match response.status_code:
        case 401:
            return Unauthorized(f"fal does not accept the key: {text}", **facts)
        case 403 if "balance" in text.lower() or "locked" in text.lower():
            return OutOfCredit(f"fal refused the job: {text}", **facts)
        case 403:
            return Unauthorized(f"fal refused the job: {text}", **facts)
        case 404:
            return Retired(f"fal does not offer {endpoint} (any more): {text}", **facts)
        case 429:
            return Busy(
                f"fal has too many requests of this account: {text}", retry_after=retry_after(response), **facts
            )
        case 503 if "x-fal-request-id" in response.headers:
            return Busy(f"fal is overloaded: {text}", retry_after=retry_after(response), **facts)
        case 400 | 405 | 413 | 415 | 422:
            return InvalidRequest(f"fal does not take the request: {text}", field=_field(response), **facts)
        case code if 300 <= code < 400:
            return InvalidRequest(f"fal's queue address answered with a redirect ({code}); check queue_url", **facts)
    return OutcomeUnknown(f"fal answered a submit with {response.status_code}; it may have been accepted", **facts)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text = _text(response)
    facts = _facts(response)
    match response.status_code:
        case 401:
            return Unauthorized(f"fal does not accept the key: {text}", **facts)
        case 403 if "balance" in text.lower() or "locked" in text.lower():
            return OutOfCredit(f"fal refused the call: {text}", **facts)
        case 403:
            return Unauthorized(f"fal refused the call: {text}", **facts)
        case 404:
            return Expired(f"fal does not know it: {text}", **facts)
        case 408 | 409 | 429 | 500 | 502 | 503 | 504:
            return Busy(f"fal answered {response.status_code}: {text}", retry_after=retry_after(response), **facts)
        case 400 | 413 | 415 | 422:
            return InvalidRequest(f"fal does not take it: {text}", field=_field(response), **facts)
    return ProtocolError(f"fal answered {response.status_code}: {text}", **facts)


def of_result(response: httpx.Response, job: Job) -> ProviderError:
    """Why an ended job has no result: the job's own verdict, or a passing fault on the way to it (Busy)."""
    facts = {**_facts(response), "request_id": job.request_id}
    text = _text(response)
    kind = _error_type(response)
    code = response.status_code
    if code == httpx.codes.NOT_FOUND and (json_object(response) or {}).get("status") == "NOT_FOUND":
        return Expired(f"fal has forgotten the result of request {job.request_id}", **facts)
    if code == httpx.codes.BAD_REQUEST and "in progress" in text.lower():
        return Busy(f"fal says that request {job.request_id} is still in progress", **facts)
    if code == httpx.codes.UNPROCESSABLE_ENTITY:
        return _of_rejection(response, facts)
    passing = not kind and "x-fal-request-id" not in response.headers
    if code in {401, 403, 408, 429} or (code >= httpx.codes.INTERNAL_SERVER_ERROR and passing):
        return of_call(response)
    needs = next((response.headers[n] for n in ("x-fal-needs-retry", "x-fal-retryable") if n in response.headers), None)
    again = needs.lower() in _TRUE if needs is not None else kind in _TRANSIENT
    charged = False if code >= httpx.codes.INTERNAL_SERVER_ERROR else _charged(response)
    remedy = "It was not charged: run it again." if again and charged is False else GenerationFailed.remedy
    return GenerationFailed(f"{kind or code}: {text}", resubmittable=again, charged=charged, remedy=remedy, **facts)


def unreadable(response: httpx.Response) -> ProviderError:
    """A 2xx that is no JSON: a proxy's page, most likely. Ask again."""
    return Busy(f"fal answered {response.status_code} with something that is no JSON", **_facts(response))


def billable_units(response: httpx.Response) -> float | None:
    """The number of units that fal bills for the job, where it says so."""
    try:
        return float(response.headers["x-fal-billable-units"])
    except (KeyError, ValueError):
        return None


def _of_rejection(response: httpx.Response, facts: dict[str, JsonValue]) -> ProviderError:
    """A 422 of the model: its `type` decides, its text is for people only."""
    first = _first(response)
    kind, field, charged = str(first.get("type", "")), _field(response), _charged(response)
    text = f"{field}: {_text(response)}" if field else _text(response)
    if kind == "content_policy_violation":
        return Refused(f"refused by moderation: {text}", field=field, charged=charged or False, **facts)
    if kind in {"no_media_generated", "file_download_error"}:
        again = kind == "file_download_error"
        return GenerationFailed(f"{kind}: {text}", resubmittable=again, charged=charged, **facts)
    return InvalidRequest(f"the model does not take the input: {text}", field=field, charged=charged, **facts)


def _charged(response: httpx.Response) -> bool | None:
    """fal may charge a 422 on which a runner spent time; the units say so, their absence says nothing."""
    units = billable_units(response)
    return None if units is None else units > 0


def _facts(response: httpx.Response) -> dict[str, JsonValue]:
    return {"http_status": response.status_code, "request_id": response.headers.get("x-fal-request-id")}


def _error_type(response: httpx.Response) -> str:
    kind = (json_object(response) or {}).get("error_type") or response.headers.get("x-fal-error-type")
    return str(kind or "")


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
    error, detail = body.get("error"), body.get("detail")
    if isinstance(error, dict):
        return str(error.get("message", "no reason given"))
    message = _first(response).get("msg") if isinstance(detail, list) else detail
    return str(message or body.get("status") or "no reason given")
