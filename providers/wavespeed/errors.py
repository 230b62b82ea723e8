"""From WaveSpeed's answers to our errors, a table for each kind of call. Source: https://wavespeed.ai/docs/error-codes.

An answer has two codes: HTTP's, and the envelope's, which may be an error under HTTP 200. A task that failed has a
third one of its own beside its state.
"""

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
from prefect_storyboard.providers.json_values import amount, word
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_OK = 200
_ACCOUNT = {401, 402, 403, 1406, 1407}
_NOT_TAKEN = {400, 413, 422, 1400, 1401}
_FINER = {1200, 1406, 1407}  # what an HTTP 400 may be besides an input that is not taken
_MODERATION = ("moderation", "policy", "violat", "nsfw", "sensitive", "copyright")
_PASSING = ("HTTP 5", "HTTP 429")
_MINUTE = 60.0  # seconds; the window of the rate limit
_REFUNDED = "WaveSpeed refunds it within 3 hours: run it again."
_LONGEST = 300  # characters of WaveSpeed's own words in a message


def code(response: httpx.Response) -> int:
    """HTTP's code; under a 200 the envelope's, 0 if it has none. Under a 400 the envelope's where it is a finer one."""
    told = _whole((json_object(response) or {}).get("code"))
    finer = response.status_code == httpx.codes.BAD_REQUEST and told in _FINER
    return told if finer or response.status_code == _OK else response.status_code


def data(response: httpx.Response) -> JsonObject:
    """What the envelope holds; nothing where it holds no object."""
    held = (json_object(response) or {}).get("data")
    return held if isinstance(held, dict) else {}


def of_submit(response: httpx.Response, endpoint: str) -> ProviderError:
    """Why a submit was not accepted. Only a documented refusal that names no task says so; the rest may be bought."""
    text, facts, told = _text(response), _facts(response), code(response)
    named = word(data(response).get("id"))
    if told in _ACCOUNT and not named:
        return _of_account(response)
    if told in _NOT_TAKEN and not named:
        return InvalidRequest(f"WaveSpeed does not take the request: {text}", **facts)
    match told:
        case 404 if not named:
            return Retired(f"WaveSpeed does not offer {endpoint} (any more): {text}", **facts)
        case 429 if not named:
            asked = retry_after(response)
            wait = _MINUTE if asked is None else asked
            return Busy(f"WaveSpeed has too many requests of this account: {text}", retry_after=wait, **facts)
        case 1200 if not named and response.status_code == httpx.codes.BAD_REQUEST:
            return Refused(f"WaveSpeed's moderation refused the request: {text}", **facts)
    said = f"WaveSpeed answered a submit with {told or 'no code'}"
    return OutcomeUnknown(f"{said}, and it may have been accepted: {text}", **facts)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text, facts, told = _text(response), _facts(response), code(response)
    if told in _ACCOUNT:
        return _of_account(response)
    if told in {1200, *_NOT_TAKEN} or "file too large" in text.lower():
        return InvalidRequest(f"WaveSpeed does not take the request: {text}", **facts)
    match told:
        case 0:
            return unreadable(response)
        case 404:
            return Expired(f"WaveSpeed does not know what was asked for: {text}", **facts)
        case 408 | 409 | 425 | 429:
            return Busy(f"WaveSpeed cannot answer now ({told}): {text}", retry_after=retry_after(response), **facts)
        case _ if 500 <= told < 600 or told >= 5000:
            return Busy(f"WaveSpeed cannot answer now ({told}): {text}", retry_after=retry_after(response), **facts)
    return ProtocolError(f"WaveSpeed gave an answer that nobody has documented ({told}): {text}", **facts)


def of_result(response: httpx.Response, job: Job) -> ProviderError:
    """Why an ended task has no result. Its code decides; where it has none, its text does.

    Failed tasks are refunded. A task that was cancelled or deleted counts as billed, one that timed out does not.
    """
    task = data(response)
    status, told = task.get("status"), _whole(task.get("code"))
    text = _line(word(task.get("error")) or "no reason given") + (f" (code {told})" if told else "")
    facts: dict[str, JsonValue] = {"http_status": response.status_code, "request_id": job.request_id, "charged": False}
    if status in {"cancelled", "deleted"}:
        return GenerationFailed(f"the task was {status} at WaveSpeed: {text}", **{**facts, "charged": True})
    again = {**facts, "resubmittable": True, "remedy": _REFUNDED}
    if status == "timeout":
        return GenerationFailed(
            f"the task took too long at WaveSpeed: {text}", **{**again, "remedy": "It was not charged: run it again."}
        )
    match told or _kind(text):
        case 1200:
            return Refused(f"WaveSpeed's moderation refused the input: {text}", **facts)
        case 1400 | 1401:
            return InvalidRequest(f"the model does not take the request: {text}", **facts)
        case 1402:
            return GenerationFailed(f"WaveSpeed could not fetch a file of the request: {text}", **again)
        case 1406 | 1407:
            again["remedy"] = "Top up the account at WaveSpeed, then run it again."
            return GenerationFailed(f"the account at WaveSpeed has no credit: {text}", **again)
        case kind if 5000 <= kind < 6000:
            return GenerationFailed(f"the task failed at WaveSpeed: {text}", **again)
    return GenerationFailed(f"the task failed at WaveSpeed: {text}", **facts)


def unreadable(response: httpx.Response) -> ProviderError:
    """A 200 without code or data: a proxy's page, most likely. Ask again."""
    return Busy(
        f"WaveSpeed answered {response.status_code} with something that is no answer of its API", **_facts(response)
    )


def _of_account(response: httpx.Response) -> ProviderError:
    """Key and credit. A key does not work before the account's first top-up."""
    text, facts, told = _text(response), _facts(response), code(response)
    if told in {401, 403}:
        does = "accept the key" if told == 401 else "let the key do this"
        return Unauthorized(f"WaveSpeed does not {does}: {text}", **facts)
    return OutOfCredit(f"the account at WaveSpeed has no credit: {text}", **facts)


def _kind(text: str) -> int:
    """The code that a text without one stands for, 0 if none. What was refused is never taken for a passing fault."""
    if any(sign in text.lower() for sign in _MODERATION):
        return 1200
    return 5000 if any(sign in text for sign in _PASSING) else 0


def _whole(value: JsonValue) -> int:
    return int(amount(value) or 0)


def _facts(response: httpx.Response) -> dict[str, JsonValue]:
    return {"http_status": response.status_code}


def _text(response: httpx.Response) -> str:
    """One line for a person; a 403 may name the missing right besides."""
    body = json_object(response)
    if body is None:
        return f"a page that is no JSON (HTTP {response.status_code})"
    text, detail = word(body.get("message")) or "no reason given", word(body.get("error_code"))
    return _line(f"{text} ({detail})" if detail else text)


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
