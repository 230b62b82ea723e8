"""From ToAPIs' answers to our errors, one table for each kind of call. Source: https://docs.toapis.com.

Its HTTP status says what happened. Its messages come in Chinese, English, Korean or Japanese: they are for people, and
decide nothing, but for the two that have no code of their own.
"""

import re

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
from prefect_storyboard.providers.json_values import word
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_NO_CREDIT = {"insufficient_quota", "payment_required"}
_NOT_ALLOWED = {"content_policy_violation", "422"}
_INVALID = {"invalid_request", "invalid_request_error", "400"}
_TRANSIENT = {"generation_failed", "internal_error"}  # of a task: the same request may succeed next time
_POLICY = re.compile(r"policy|政策|정책|ポリシー", re.IGNORECASE)  # a generation_failed that says so is a refusal
_LONGEST = 300  # characters of ToAPIs' own words in a message


def of_submit(response: httpx.Response, model: str) -> ProviderError:
    """Why a submit was not accepted. Only a definite refusal says so; the rest may have been bought."""
    text, facts, code, names = _text(response), _facts(response), response.status_code, _names(response)
    if code in {400, 403, 404, 503} and ("model_not_found" in names or "no available channel" in text.lower()):
        return Retired(f"ToAPIs does not offer {model} (any more): {text}", **facts)
    if code in {401, 402, 403}:
        return _of_account(response)
    match code:
        case 429:
            wait = retry_after(response)
            return Busy(f"ToAPIs has too many requests of this account: {text}", retry_after=wait, **facts)
        case 503 if "rate_limit_unavailable" in names:
            return Busy(f"ToAPIs takes no submits now: {text}", retry_after=retry_after(response), **facts)
        case 400 | 422 if _is_refusal(response):
            return Refused(f"moderation refused the request: {text}", **facts)
        case 400 | 404 | 405 | 413 | 415 | 422:
            return InvalidRequest(f"ToAPIs does not take the request: {text}", **facts)
        case code if 300 <= code < 400:
            return InvalidRequest(f"ToAPIs' address answered with a redirect ({code}); check api_url", **facts)
    return OutcomeUnknown(f"ToAPIs answered a submit with {code}, and it may have been accepted: {text}", **facts)


def of_upload(response: httpx.Response) -> ProviderError:
    """Why a file was not taken. Such an answer may come with a 200."""
    if response.is_success or response.status_code in {400, 413, 415, 422}:
        return InvalidRequest(f"ToAPIs does not take the file: {_text(response)}", field="file", **_facts(response))
    return of_call(response)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code in {401, 402, 403}:
        return _of_account(response)
    match code:
        case 404:
            return Expired(f"ToAPIs does not know what was asked for: {text}", **facts)
        case 400 | 413 | 415 | 422:
            return InvalidRequest(f"ToAPIs does not take the request: {text}", **facts)
        case code if code in {408, 409, 425, 429} or code >= 500:
            return Busy(f"ToAPIs cannot answer now ({code}): {text}", retry_after=retry_after(response), **facts)
        case code if 200 <= code < 300:
            return Busy(f"ToAPIs answered with a failure: {text}", **facts)
    return ProtocolError(f"ToAPIs gave an answer that nobody has documented ({code}): {text}", **facts)


def of_task(task: JsonObject, job: Job) -> ProviderError:
    """Why a failed task has no result. ToAPIs gives its credits back before it says so."""
    told, facts = task.get("error"), {"request_id": job.request_id, "http_status": 200}
    names, text = _named(told), _said(told) or _said(task) or "no reason given"
    if names & _NOT_ALLOWED or ("generation_failed" in names and _POLICY.search(text)):
        return Refused(f"moderation refused the scene: {text}", **facts)
    if names & _INVALID:
        return InvalidRequest(f"the model does not take the request: {text}", **facts)
    kind = word(told.get("code")) if isinstance(told, dict) else None
    again = bool(names & _TRANSIENT)
    remedy = "It was not charged: run it again." if again else GenerationFailed.remedy
    message = f"the job failed at ToAPIs ({kind or 'no code'}): {text}"
    return GenerationFailed(message, resubmittable=again, charged=False, remedy=remedy, **facts)


def unreadable(response: httpx.Response) -> ProviderError:
    """A 2xx that is no JSON: a proxy's page, most likely. Ask again."""
    return Busy(f"ToAPIs answered {response.status_code} with something that is no JSON", **_facts(response))


def _of_account(response: httpx.Response) -> ProviderError:
    """Key and credit. A 403 is not documented: its code may speak of credit, else the key may not do this."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code == 402 or (code == 403 and _names(response) & _NO_CREDIT):
        return OutOfCredit(f"the account at ToAPIs has no credit: {text}", **facts)
    what = "accept the key" if code == 401 else "let the key do this"
    return Unauthorized(f"ToAPIs does not {what}: {text}", **facts)


def _is_refusal(response: httpx.Response) -> bool:
    """Moderation, which a 422 means unless its code says otherwise."""
    names = _names(response)
    return bool(names & _NOT_ALLOWED) or (response.status_code == 422 and not names & _INVALID)


def _facts(response: httpx.Response) -> dict[str, JsonValue]:
    return {"http_status": response.status_code}


def _names(response: httpx.Response) -> set[str]:
    return _named((json_object(response) or {}).get("error"))


def _named(error: JsonValue) -> set[str]:
    """What an error calls itself: its code is a number on older pages and a word on newer ones."""
    return {str(error.get(name)) for name in ("code", "type")} if isinstance(error, dict) else set()


def _said(told: JsonValue) -> str:
    """What an object says to a person, in one line."""
    words = [word(told.get(name)) for name in ("message", "fail_reason")] if isinstance(told, dict) else [word(told)]
    text = next((each for each in words if each), "")
    return " ".join(text.split())[:_LONGEST]


def _text(response: httpx.Response) -> str:
    """One line for a person."""
    body = json_object(response)
    if body is None:
        return f"a page that is no JSON (HTTP {response.status_code})"
    return _said(body.get("error")) or _said(body) or "no reason given"
