"""Map ToAPIs' responses to our errors, one table for each kind of call. Source: https://docs.toapis.com.

Its HTTP status says what happened. Its messages are Chinese, English, Korean or Japanese: they decide only for the
catch-all code `generation_failed`.
"""

from typing import Any

import httpx
from pydantic import JsonValue

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
from prefect_storyboard.providers.http import REDIRECTS, is_refusal, json_object, retry_after
from prefect_storyboard.providers.json_values import named_tasks, non_blank
from prefect_storyboard.providers.reasons import (
    blocked,
    call_blocked_by_proxy,
    failure,
    invalid,
    is_moderation,
    is_stale_upload,
    is_transient,
    no_result,
    outcome_unknown,
    refusal,
    stale_upload,
    submit_blocked_by_proxy,
)
from prefect_storyboard.providers.states import phase
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_NO_CREDIT = {"insufficient_quota", "payment_required"}
_NOT_ALLOWED = {"content_policy_violation", "422"}
_INVALID = {"invalid_request", "invalid_request_error", "400"}
_TRANSIENT = {"internal_error"}  # of a task: the same request may succeed next time
_LONGEST = 300  # characters of ToAPIs' own text in a message


def task_ids(reply: JsonObject) -> tuple[str, ...]:
    """The task ids in a response, the one to use first.

    A submit may return two: `task_id` (video_task_...) is the task, `id` (video_resource_...) its product.
    """
    return named_tasks(reply, "task_id", "id")


def of_submit(response: httpx.Response, model: str) -> ProviderError:
    """Why a submit was not accepted.

    Only a definite refusal proves that; after any other error it may have been bought.
    """
    text, facts, code, names = _text(response), _facts(response), response.status_code, _names(response)
    named = next(iter(task_ids(json_object(response) or {})), None)
    if named is None:
        gone = "model_not_found" in names or "no available channel" in text.lower()
        if code == 410 or (code in {400, 403, 404, 503} and gone):
            return Retired(f"ToAPIs does not offer {model} (any more): {text}", **facts)
        if code in {401, 402, 403}:
            return _of_account(response)
        match code:
            case 429:
                wait = retry_after(response)
                return Busy(f"ToAPIs has too many requests of this account: {text}", retry_after=wait, **facts)
            case 503 if "rate_limit_unavailable" in names:
                return Busy(f"ToAPIs takes no submits now: {text}", retry_after=retry_after(response), **facts)
            case code if code in REDIRECTS:
                return InvalidRequest(f"ToAPIs' address answered with a redirect ({code}); check api_url", **facts)
            case code if is_refusal(code):
                return _of_input(response)
    raw = None if json_object(response) is None else response.text[:2000]
    return outcome_unknown("ToAPIs", f"{code} ({text})", named, raw=raw, **facts)


def of_upload(response: httpx.Response) -> ProviderError:
    """Why a file was not accepted. Such a response may come with a 200."""
    if response.is_success or response.status_code in {400, 413, 415, 422}:
        return InvalidRequest(f"ToAPIs does not take the file: {_text(response)}", field="file", **_facts(response))
    return of_call(response)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code == 403 and not _is_own(response):
        return call_blocked_by_proxy("ToAPIs", code, **facts)
    if code in {401, 402, 403}:
        return _of_account(response)
    match code:
        case 404:
            return Expired(f"ToAPIs does not know the resource: {text}", **facts)
        case 400 | 413 | 415 | 422:
            return InvalidRequest(f"ToAPIs does not take the request: {text}", field=_field(response), **facts)
        case code if code in {408, 409, 425, 429} or code >= 500:
            return Busy(f"ToAPIs cannot answer now ({code}): {text}", retry_after=retry_after(response), **facts)
        case code if 200 <= code < 300:
            return Busy(f"ToAPIs answered with a failure: {text}", **facts)
    return ProtocolError(f"ToAPIs gave an undocumented answer ({code}): {text}", **facts)


def of_task(task: JsonObject, job: Job) -> ProviderError:
    """Why a failed task has no result. ToAPIs refunds a failed task before it reports it.

    Whether it refunds a cancelled or expired task is not documented.
    """
    error = task.get("error")
    names, text = _named(error), _message(error) or _message(task) or "no reason given"
    field = non_blank(error.get("param")) if isinstance(error, dict) else None
    refunded = str(task.get("status")).casefold() in {"fail", "failed", "failure"} or bool(names & _TRANSIENT)
    facts: dict[str, Any] = {"request_id": job.request_id, "http_status": 200, "charged": False if refunded else None}
    kind = (non_blank(error.get("code")) if isinstance(error, dict) else None) or "no code"
    if _is_moderated(names, text):
        return refusal(f"{kind}: {text}", field=field, **facts)
    if is_stale_upload(f"{kind}: {text}"):
        return stale_upload(f"ToAPIs could not fetch a file of the scene: {text}", **facts)
    if names & _INVALID:
        return invalid(f"the model does not take the request: {text}", text, field=field, **facts)
    again = bool(names & _TRANSIENT) or is_transient(text)
    return failure(f"the job failed at ToAPIs ({kind}): {text}", again=again, **facts)


def of_no_result(task: JsonObject, job: Job) -> ProviderError:
    """A task that succeeded, and whose document contains nothing that can be stored."""
    return no_result("ToAPIs", raw=task, request_id=job.request_id)


def has_failed(task: JsonObject, *, empty: bool) -> bool:
    """Whether a task's document says that it failed; in an unknown state, an error without a result says so.

    A state that means failure does not count if there is a result and no error: a task whose link will expire may be
    called expired.
    """
    ended, error = phase(task.get("status")), task.get("error")
    return (ended == "failed" and (empty or bool(error))) or (ended is None and empty and bool(_message(error)))


def unreadable(response: httpx.Response) -> ProviderError:
    """A 2xx that is not JSON, most likely a proxy's page. The call is retried."""
    return Busy(f"ToAPIs answered {response.status_code} with something that is not JSON", **_facts(response))


def _is_own(response: httpx.Response) -> bool:
    """Whether an error is ToAPIs' own document and not the page of a proxy in front of it."""
    return bool({"error", "success", "message", "code"} & set(json_object(response) or {}))


def _of_account(response: httpx.Response) -> ProviderError:
    """Errors of key and credit. A 403 is not documented: its code may name credit, else the key may not do this."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code == 402 or (code == 403 and _names(response) & _NO_CREDIT):
        return OutOfCredit(f"the account at ToAPIs has no credit: {text}", **facts)
    if code == 403 and not _is_own(response):
        return submit_blocked_by_proxy("ToAPIs", code, **facts)
    does = "accept the key" if code == 401 else "let the key do this"
    return blocked("ToAPIs", text, **facts) or Unauthorized(f"ToAPIs does not {does}: {text}", **facts)


def _of_input(response: httpx.Response) -> ProviderError:
    """Errors of a request. A 422 means moderation unless its code says otherwise."""
    text, names, field, facts = _text(response), _names(response), _field(response), _facts(response)
    unnamed = response.status_code == httpx.codes.UNPROCESSABLE_ENTITY and not names & _INVALID
    if unnamed or _is_moderated(names, text):
        kind = next((name for name in sorted(names) if is_moderation(name)), "")
        return refusal(f"{kind}: {text}" if kind else text, field=field, **facts)
    if "webhook_not_configured" in names:
        remedy = "Set up the webhook of the key in ToAPIs' console, or leave callback_url out of the credentials."
        return InvalidRequest(f"ToAPIs sends no callbacks yet: {text}", field="callback_url", remedy=remedy, **facts)
    return invalid(f"ToAPIs does not take the request: {text}", text, field=field, **facts)


def _is_moderated(names: set[str], text: str) -> bool:
    """Moderation by code, like the makers' own (OutputVideoSensitiveContentDetected), or by text.

    `invalid_request_error` is the type of those codes too; the text decides only for an error without a code.
    """
    if names & _NOT_ALLOWED or any(is_moderation(name) for name in names):
        return True
    return not names & _INVALID and is_moderation(text)


def _field(response: httpx.Response) -> str | None:
    """The input that an error is about, by ToAPIs' own name of it."""
    error = (json_object(response) or {}).get("error")
    return non_blank(error.get("param")) if isinstance(error, dict) else None


def _facts(response: httpx.Response) -> dict[str, Any]:
    return {"http_status": response.status_code}


def _names(response: httpx.Response) -> set[str]:
    return _named((json_object(response) or {}).get("error"))


def _named(error: JsonValue) -> set[str]:
    """The error's own code: a number on older pages and a word on newer ones."""
    return {str(error[name]) for name in ("code", "type") if error.get(name)} if isinstance(error, dict) else set()


def _message(value: JsonValue) -> str:
    """The message of an object or a string, on one line."""
    names = ("message", "fail_reason")
    words = [non_blank(value.get(name)) for name in names] if isinstance(value, dict) else [non_blank(value)]
    text = next((each for each in words if each), "")
    return " ".join(text.split())[:_LONGEST]


def _text(response: httpx.Response) -> str:
    """One line for a person."""
    body = json_object(response)
    if body is None:
        return f"a page that is not JSON (HTTP {response.status_code})"
    return _message(body.get("error")) or _message(body) or "no reason given"
