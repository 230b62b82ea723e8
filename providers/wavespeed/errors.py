"""Map WaveSpeed's responses to our errors, a table for each kind of call.

Source: https://wavespeed.ai/docs/error-codes.

A response has two codes: HTTP's, and the envelope's, which may be an error under HTTP 200. A failed task has a third
one beside its state.
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
from prefect_storyboard.providers.json_values import amount, named_tasks, non_blank
from prefect_storyboard.providers.reasons import (
    blocked,
    call_blocked_by_proxy,
    failure,
    file_not_fetched,
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
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_OK = 200
_ACCOUNT = {401, 402, 403, 1406, 1407}
_NOT_TAKEN = {400, 413, 422, 1400, 1401}
_REFUSED = {*_NOT_TAKEN, 405, 415}  # a submit, also under HTTP 200: an error code means that there is no task
_NO_MODEL = {404, 410, 4006}
_FINER = {1200, 1402, 1406, 1407, 4006}  # what an HTTP 400 may be besides an invalid input
_MINUTE = 60.0  # seconds; the window of the rate limit
_REFUNDED = "WaveSpeed refunds it within 3 hours: run it again."
_LONGEST = 300  # characters of WaveSpeed's own text in a message


def code(response: httpx.Response) -> int:
    """HTTP's code; under a 200 the envelope's, 0 if it has none.

    Under a 400 the envelope's, if that is more specific.
    """
    own = _whole((json_object(response) or {}).get("code"))
    finer = response.status_code == httpx.codes.BAD_REQUEST and own in _FINER
    return own if finer or response.status_code == _OK else response.status_code


def data(response: httpx.Response) -> JsonObject:
    """The envelope's data; empty if that is not an object."""
    held = (json_object(response) or {}).get("data")
    return held if isinstance(held, dict) else {}


def of_submit(response: httpx.Response, endpoint: str) -> ProviderError:
    """Why a submit was not accepted. Only a definite refusal without a task id proves that; else it may be bought."""
    text, facts, number = _text(response), _facts(response), code(response)
    named = next(iter(named_tasks(json_object(response), "id", "task_id")), None)
    if named is None:
        match number:
            case number if number in _ACCOUNT:
                return _of_account(response)
            case number if number in _NO_MODEL:
                return Retired(f"WaveSpeed does not offer {endpoint} (any more): {text}", **facts)
            case 429:
                asked = retry_after(response)
                wait = _MINUTE if asked is None else asked
                return Busy(f"WaveSpeed has too many requests of this account: {text}", retry_after=wait, **facts)
            case 1200:
                return refusal(text, **facts)
            case 1402:
                return file_not_fetched(f"WaveSpeed could not fetch a file of the request: {text}", **facts)
            case number if number in REDIRECTS:
                return InvalidRequest(
                    f"WaveSpeed's address answered with a redirect ({number}); check api_url", **facts
                )
            case number if number in _REFUSED or is_refusal(number):
                return _of_input(text, facts)
    return outcome_unknown("WaveSpeed", f"{number or 'no code'} ({text})", named, raw=response.text[:2000], **facts)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text, facts, number = _text(response), _facts(response), code(response)
    if number == 403 and not _is_own(response):
        return call_blocked_by_proxy("WaveSpeed", number, **facts)
    if number in _ACCOUNT:
        return _of_account(response)
    if number in {1200, *_NOT_TAKEN} or "file too large" in text.lower():
        return InvalidRequest(f"WaveSpeed does not take the request: {text}", **facts)
    match number:
        case 0:
            return unreadable(response)
        case 404:
            return Expired(f"WaveSpeed does not know the resource: {text}", **facts)
        case 408 | 409 | 425 | 429:
            return Busy(f"WaveSpeed cannot answer now ({number}): {text}", retry_after=retry_after(response), **facts)
        case _ if 500 <= number < 600 or number >= 5000:
            return Busy(f"WaveSpeed cannot answer now ({number}): {text}", retry_after=retry_after(response), **facts)
    return ProtocolError(f"WaveSpeed gave an undocumented answer ({number}): {text}", **facts)


def of_result(response: httpx.Response, job: Job) -> ProviderError:
    """Why an ended task has no result. Its code decides; without a code, its text does.

    Failed tasks are refunded. A task that was cancelled or deleted counts as billed, one that timed out does not.
    """
    task = data(response)
    status, number = str(task.get("status")).casefold(), _whole(task.get("code"))
    text = _line(non_blank(task.get("error")) or "no reason given") + (f" (code {number})" if number else "")
    facts: dict[str, Any] = {"http_status": response.status_code, "request_id": job.request_id, "charged": False}
    if status in {"cancelled", "canceled", "deleted"}:
        return failure(f"the task was {status} at WaveSpeed: {text}", **{**facts, "charged": True})
    if status == "timeout":
        return failure(f"the task took too long at WaveSpeed: {text}", again=True, **facts)
    again = {**facts, "again": True, "remedy": _REFUNDED}
    match number or _number_of(text):
        case 1200:
            return refusal(text, **facts)
        case 1400 | 1401:
            return invalid(f"the model does not take the request: {text}", text, **facts)
        case 1402:
            return stale_upload(f"WaveSpeed could not fetch a file of the request: {text}", **facts)
        case 1406 | 1407:
            again["remedy"] = "Top up the account at WaveSpeed, then run it again."
            return failure(f"the account at WaveSpeed has no credit: {text}", **again)
        case number if 5000 <= number < 6000:
            return failure(f"the task failed at WaveSpeed: {text}", **again)
    return failure(f"the task failed at WaveSpeed: {text}", **facts)


def of_no_result(task: JsonObject, job: Job) -> ProviderError:
    """A task that succeeded, and whose outputs contain nothing that can be stored."""
    return no_result("WaveSpeed", raw=task, request_id=job.request_id)


def unreadable(response: httpx.Response) -> ProviderError:
    """A 200 without code or data, most likely a proxy's page. The call is retried."""
    return Busy(
        f"WaveSpeed answered {response.status_code} with something that is not a response of its API",
        **_facts(response),
    )


def _is_own(response: httpx.Response) -> bool:
    """Whether an error is WaveSpeed's own envelope and not the page of a proxy in front of it."""
    return bool({"code", "message", "error_code"} & set(json_object(response) or {}))


def _of_account(response: httpx.Response) -> ProviderError:
    """Errors of key and credit. A key does not work before the account's first top-up."""
    text, facts, number = _text(response), _facts(response), code(response)
    if number not in {401, 403}:
        return OutOfCredit(f"the account at WaveSpeed has no credit: {text}", **facts)
    if number == 403 and not _is_own(response):
        return submit_blocked_by_proxy("WaveSpeed", number, **facts)
    does = "accept the key" if number == 401 else "let the key do this"
    return blocked("WaveSpeed", text, **facts) or Unauthorized(f"WaveSpeed does not {does}: {text}", **facts)


def _of_input(text: str, facts: dict[str, Any]) -> ProviderError:
    """Errors of the request's fields or media."""
    if is_moderation(text):
        return refusal(text, **facts)
    return invalid(f"WaveSpeed does not take the request: {text}", text, **facts)


def _number_of(text: str) -> int:
    """The code that a text without a code implies, 0 if none. A refusal never counts as transient."""
    if is_moderation(text):
        return 1200
    if is_stale_upload(text):
        return 1402
    return 5000 if is_transient(text) else 0


def _whole(value: JsonValue) -> int:
    return int(amount(value) or 0)


def _facts(response: httpx.Response) -> dict[str, Any]:
    return {"http_status": response.status_code}


def _text(response: httpx.Response) -> str:
    """The message on one line; a 403 may also name the missing permission."""
    body = json_object(response)
    if body is None:
        return f"a page that is not JSON (HTTP {response.status_code})"
    text, detail = non_blank(body.get("message")) or "no reason given", non_blank(body.get("error_code"))
    return _line(f"{text} ({detail})" if detail else text)


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
