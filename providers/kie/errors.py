"""From Kie's answers to our errors, one table for each kind of call. Source: https://docs.kie.ai, "Status Codes".

Kie answers HTTP 200 to nearly everything; what happened stands in the `code` of its envelope. A page without one comes
from something in front of Kie, and counts by its HTTP status.
"""

import re
from typing import NamedTuple

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

_GONE = ("model name you specified", "page does not exist or is not published")
_POLICY = ("content policy", "guardrails", "moderat", "sensitive", "violat", "photorealistic people")
_PASSING = ("internal error", "try again later")  # the words of a failure that is not the scene's fault
_AGAIN = re.compile(r"5\d\d|408")  # failCode of one
# "aspect_ratio is required": Kie words it as a 500, and means the input. Nothing vaguer than that counts.
_COMPLAINT = re.compile(
    r"\W*(?:(?:the|this|input|parameter|field)\W+)*(?P<field>[a-z][\w.\[\]]*)\W+(?:(?:field|parameter|input)\s+)?"
    r"(?:(?:is|are)\s+(?:required|missing|invalid|not\s+(?:valid|supported|allowed|within|one of|an?\b))"
    r"|(?:must|should|has to)\s+(?:not\s+)?be\s+(?:(?:an?|one|in|of|at|between|greater|less|empty|null)\b|['\"\d])"
    r"|(?:cannot|can not)\s+(?:exceed|be\s+(?:empty|blank|null|greater|less|longer|shorter))|exceeds\b)",
    re.IGNORECASE,
)
_WINDOW = 10.0  # seconds in which Kie takes 20 submits
_MAINTENANCE = 120.0
_LONGEST = 300  # characters of Kie's own words in a message


class Heard(NamedTuple):
    """What an answer says. `spoken` is whether it is Kie's own envelope."""

    code: int
    text: str
    data: JsonValue
    spoken: bool

    @property
    def well(self) -> bool:
        """Whether Kie says that it did what was asked."""
        return self.spoken and self.code == httpx.codes.OK


def hear(response: httpx.Response) -> Heard:
    """Read the envelope; its code counts, except where HTTP knows of an error and it does not."""
    body = json_object(response) or {}
    code, data = body.get("code"), body.get("data")
    if not isinstance(code, int) or isinstance(code, bool):
        return Heard(response.status_code, _text(body, response), data, spoken=False)
    if code == httpx.codes.OK and not response.is_success:
        code = response.status_code
    return Heard(code, _text(body, response), data, spoken=True)


def of_submit(response: httpx.Response, endpoint: str) -> ProviderError:
    """Why a submit was not accepted. Only a definite refusal says so; the rest may have been bought."""
    heard, facts = hear(response), _facts(response)
    text, code = heard.text, heard.code
    if named := _task(heard.data):
        message = f"Kie answered a submit with {code}, and names the task {named}: {text}"
        return OutcomeUnknown(message, **facts)
    if code in {401, 402, 433}:
        return _of_account(heard, facts)
    match code:
        case 200 if heard.well and isinstance(heard.data, dict | None):
            message = f"Kie made no task of this, and charges nothing without one: {text}"
            return InvalidRequest(message, remedy="Nothing was bought. Run it again; if it stays, report it.", **facts)
        case 404 | 422 if _has(text, _GONE):
            return Retired(f"Kie does not offer {endpoint} (any more): {text}", **facts)
        case 505:
            return Retired(f"Kie has switched {endpoint} off: {text}", **facts)
        case 429 | 455:
            return _busy(response, heard)
        case 400 | 405 | 413 | 415 | 422 | 451:
            return _of_input(heard, facts)
        case 500 if heard.spoken and _COMPLAINT.match(text):
            return _of_input(heard, facts)
        case 301 | 302 | 307 | 308 | 404:
            return InvalidRequest(f"Kie takes no submits at this address ({code}); check api_url: {text}", **facts)
    return OutcomeUnknown(f"Kie answered a submit with {code}, and it may have been accepted: {text}", **facts)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    heard, facts = hear(response), _facts(response)
    text, code = heard.text, heard.code
    if code in {401, 402, 433}:
        return _of_account(heard, facts)
    match code:
        case 200:
            return Busy(f"Kie answered with something that says nothing: {text}", **facts)
        case 404:
            return Expired(f"Kie does not know what was asked for: {text}", **facts)
        case 400 | 405 | 413 | 415 | 422 | 451:
            return _of_input(heard, facts)
        case 505:
            return Retired(f"Kie has switched this off: {text}", **facts)
        case 408 | 409 | 425 | 429 | 455:
            return _busy(response, heard)
        case code if code >= 500:
            return _busy(response, heard)
    return ProtocolError(f"Kie gave an answer that nobody has documented ({code}): {text}", **facts)


def of_look(response: httpx.Response) -> ProviderError:
    """Why a look at a task shows none. Of a task that it has just made, Kie says that its record is null."""
    heard = hear(response)
    if heard.code == httpx.codes.UNPROCESSABLE_ENTITY and "is null" in heard.text.lower():
        return Expired(f"Kie does not know the task: {heard.text}", **_facts(response))
    return of_call(response)


def of_failure(record: JsonObject, job: Job) -> ProviderError:
    """Why an ended job has no result, by `failCode` and `failMsg`. Whether a failure is paid back is not documented."""
    kind, text, credits_ = str(record.get("failCode") or "")[:40], _line(record.get("failMsg")), credits_of(record)
    charged = None if credits_ is None else credits_ > 0
    said = f"{kind or 'without a code'}: {text}"
    if _has(said, _POLICY):
        return Refused(f"moderation refused the request ({said})", charged=charged, request_id=job.request_id)
    if kind in {"400", "422"}:
        message = f"the model does not take the request: {text}"
        return InvalidRequest(message, field=_field(text), charged=charged, request_id=job.request_id)
    again = bool(_AGAIN.fullmatch(kind)) or _has(said, _PASSING)
    remedy = "It was not charged: run it again." if again and charged is False else GenerationFailed.remedy
    if kind == "402":
        remedy = "Top up the account at Kie, then raise the scene's take to try once more."
    facts = {"resubmittable": again, "charged": charged, "request_id": job.request_id}
    return GenerationFailed(f"the job failed at Kie ({said})", remedy=remedy, **facts)


def credits_of(record: JsonObject) -> float | None:
    """What a task has used up, in credits, where its record says so."""
    return amount(record.get("creditsConsumed"))


def _of_account(heard: Heard, facts: dict[str, JsonValue]) -> ProviderError:
    """Key and credit. A key may have a cap of its own, by the hour, the day or in all."""
    match heard.code:
        case 402:
            return OutOfCredit(f"the account at Kie has no credit: {heard.text}", **facts)
        case 433:
            remedy = "Nothing was bought. Raise the key's cap at Kie, or wait until it begins anew; then run it again."
            return OutOfCredit(f"the key has used up its own cap at Kie: {heard.text}", remedy=remedy, **facts)
    remedy = f"{Unauthorized.remedy[:-1]}, and the addresses from which Kie lets it be used."
    return Unauthorized(f"Kie does not accept the key: {heard.text}", remedy=remedy, **facts)


def _of_input(heard: Heard, facts: dict[str, JsonValue]) -> ProviderError:
    """What is wrong with a request, or with what it shows."""
    if _has(heard.text, _POLICY):
        return Refused(f"moderation refused the request: {heard.text}", **facts)
    return InvalidRequest(f"Kie does not take the request: {heard.text}", field=_field(heard.text), **facts)


def _busy(response: httpx.Response, heard: Heard) -> Busy:
    """For how long: as Kie asks, else as it documents its window of submits and its maintenance."""
    usual = {429: _WINDOW, 455: _MAINTENANCE}.get(heard.code)
    asked = retry_after(response)
    wait = usual if asked is None else asked
    return Busy(f"Kie cannot do it now ({heard.code}): {heard.text}", retry_after=wait, **_facts(response))


def _task(data: JsonValue) -> JsonValue:
    """Anything by which an answer names a task, as documented or nearly so."""
    return (data.get("taskId") or data.get("recordId")) if isinstance(data, dict) else None


def _field(text: str) -> str | None:
    complaint = _COMPLAINT.match(text)
    return complaint["field"] if complaint and complaint["field"].lower() not in {"field", "this", "it"} else None


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(each in text.lower() for each in words)


def _facts(response: httpx.Response) -> dict[str, JsonValue]:
    return {"http_status": response.status_code}


def _text(body: JsonObject, response: httpx.Response) -> str:
    if not body:
        return f"a page that is no JSON (HTTP {response.status_code})"
    return _line(word(body.get("msg")) or body.get("message"))


def _line(text: JsonValue) -> str:
    """One line for a person."""
    return " ".join((word(text) or "no reason given").split())[:_LONGEST]
