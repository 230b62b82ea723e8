"""Map an OpenAI-compatible server's responses to our errors, one table for each kind of call.

OpenAI's own errors are `{"error": {"message", "type", "param", "code"}}`; servers that are built on FastAPI also answer
`{"detail": ...}`. The HTTP status says what happened; code, type and text say why.
"""

import re
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
from prefect_storyboard.providers.http import REDIRECTS, is_refusal, json_object, number, retry_after
from prefect_storyboard.providers.json_values import non_blank, objects
from prefect_storyboard.providers.reasons import (
    blocked,
    call_blocked_by_proxy,
    failure,
    invalid,
    is_moderation,
    is_transient,
    outcome_unknown,
    refusal,
    submit_blocked_by_proxy,
)
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

WHO = "the OpenAI-compatible server"
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached"}
_GONE = {"model_not_found", "deprecated"}
_GONE_TEXT = re.compile(r"does not exist|shut down|deprecated|no longer available", re.IGNORECASE)
_MODERATION = {"moderation_blocked", "sentinel_block", "content_policy_violation"}
_OUTPUT = {"content_filter"}
_TRANSIENT = {"video_generation_failed", "internal_error", "server_error", "rate_limit_exceeded"}
_ID = re.compile(r"(?:video|char)[_-][\w-]{6,}")
_LONGEST = 300  # characters of a server's own text in a message


def of_submit(response: httpx.Response, model: str) -> ProviderError:
    """Why a submit was not accepted.

    Only a definite refusal proves that; after any other error it may have been bought.
    """
    text, facts, code, names = _text(response), _facts(response), response.status_code, _names(response)
    named = named_job(response)
    if named is None:
        if code == httpx.codes.GONE or _is_gone(response):
            return Retired(f"{WHO} does not serve {model} (any more): {text}", **facts)
        if names & _NO_CREDIT and code in {400, 402, 403, 429}:
            return OutOfCredit(f"the account has no credit: {text}", **facts)
        match code:
            case 401 | 402 | 403:
                return _of_account(response)
            case 429:
                return Busy(f"{WHO} has too many requests: {text}", retry_after=_wait(response), **facts)
            case code if code in {404, 405, *REDIRECTS}:
                return InvalidRequest(f"there is no /videos at the server's address ({code}); check base_url", **facts)
            case code if is_refusal(code):
                return _of_input(response)
    raw = None if json_object(response) is None else response.text[:2000]
    return outcome_unknown(WHO, f"{code} ({text})", named, raw=raw, **facts)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    text, facts, code = _text(response), _facts(response), response.status_code
    if code == 403 and not _is_own(response):
        return call_blocked_by_proxy(WHO, code, **facts)
    match code:
        case 401 | 402 | 403:
            return _of_account(response)
        case 404 | 410:
            return Expired(f"{WHO} does not know the resource: {text}", **facts)
        case 400 | 405 | 413 | 415 | 422:
            return InvalidRequest(f"{WHO} does not take the request: {text}", field=_field(response), **facts)
        case code if code in {408, 409, 425, 429} or code >= 500:
            return Busy(f"{WHO} cannot answer now ({code}): {text}", retry_after=_wait(response), **facts)
    return ProtocolError(f"{WHO} gave an undocumented answer ({code}): {text}", **facts)


def of_video(video: JsonObject, job: Job) -> ProviderError:
    """Why an ended job has no video. Whether a failed one is billed is not documented."""
    error = video.get("error")
    code = non_blank(error.get("code")) if isinstance(error, dict) else None
    text = _message(error) or "no reason given"
    facts: dict[str, Any] = {"request_id": job.request_id, "http_status": 200, "charged": None}
    kind = code or "no code"
    if code in _OUTPUT:
        return refusal(f"{kind}: {text}", field="output", **facts)
    if code in _MODERATION or is_moderation(text):
        return refusal(f"{kind}: {text}", **facts)
    again = code is None or code in _TRANSIENT or is_transient(text)
    return failure(f"the server could not render the video ({kind}): {text}", again=again, **facts)


def unreadable(response: httpx.Response) -> ProviderError:
    """A 2xx that is not a JSON object, most likely a proxy's page. The call is retried."""
    return Busy(f"{WHO} answered {response.status_code} with something that is not a JSON object", **_facts(response))


def named_job(response: httpx.Response) -> str | None:
    """The id of the video or character in the response to a submit, even if it is an error."""
    body = json_object(response) or {}
    error = body.get("error")
    held = [body.get("id"), *((error.get("id"), error.get("code")) if isinstance(error, dict) else ())]
    first = non_blank(held[0])
    return first or next((each for each in held[1:] if isinstance(each, str) and _ID.fullmatch(each)), None)


def _is_gone(response: httpx.Response) -> bool:
    """Whether the model is not served: 404, 400 or 410, by code, by the field at fault, or by the text."""
    if response.status_code not in {400, 404, 410} or not _is_own(response):
        return False
    return bool(_names(response) & _GONE) or _field(response) == "model" or bool(_GONE_TEXT.search(_text(response)))


def _of_account(response: httpx.Response) -> ProviderError:
    text, facts, code = _text(response), _facts(response), response.status_code
    if code == 402:
        return OutOfCredit(f"the account has no credit: {text}", **facts)
    if code == 403 and not _is_own(response):
        return submit_blocked_by_proxy(WHO, code, **facts)
    does = "accept the key" if code == 401 else "let the key do this"
    return blocked(WHO, text, **facts) or Unauthorized(f"{WHO} does not {does}: {text}", **facts)


def _of_input(response: httpx.Response) -> ProviderError:
    text, field, facts = _text(response), _field(response), _facts(response)
    if _names(response) & _MODERATION or is_moderation(text):
        return refusal(text, field=field, **facts)
    return invalid(f"{WHO} does not take the request: {text}", text, field=field, **facts)


def _wait(response: httpx.Response) -> float | None:
    """Seconds to wait: OpenAI may also say so in milliseconds."""
    exact = number(response, "retry-after-ms")
    return retry_after(response) if exact is None else max(exact / 1000, 0.0)


def _is_own(response: httpx.Response) -> bool:
    """Whether an error is the server's own document and not the page of a proxy in front of it."""
    return bool({"error", "detail", "message"} & set(json_object(response) or {}))


def _facts(response: httpx.Response) -> dict[str, Any]:
    return {"http_status": response.status_code}


def _names(response: httpx.Response) -> set[str]:
    """The code and the type of an error."""
    error = (json_object(response) or {}).get("error")
    return {str(error[name]) for name in ("code", "type") if error.get(name)} if isinstance(error, dict) else set()


def _field(response: httpx.Response) -> str | None:
    """The field that an error is about; FastAPI names it as the end of a path."""
    body = json_object(response) or {}
    error = body.get("error")
    if isinstance(error, dict):
        return non_blank(error.get("param"))
    where = next((each.get("loc") for each in objects(body.get("detail"))), None)
    return str(where[-1]) if isinstance(where, list) and where else None


def _text(response: httpx.Response) -> str:
    """One line for a person."""
    body = json_object(response)
    if body is None:
        return f"a page that is not JSON (HTTP {response.status_code})"
    return _message(body.get("error")) or _message(body.get("detail")) or _message(body) or "no reason given"


def _message(value: JsonValue) -> str:
    """The message of an object, a list of objects or a string, on one line."""
    first = value[0] if isinstance(value, list) and value else value
    words = (
        [non_blank(first.get(name)) for name in ("message", "msg")] if isinstance(first, dict) else [non_blank(first)]
    )
    return " ".join(next((each for each in words if each), "").split())[:_LONGEST]
