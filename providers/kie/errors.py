"""Map Kie's responses to our errors, one table for each kind of call. Source: https://docs.kie.ai, "Status Codes".

Kie responds with HTTP 200 to nearly everything; the outcome is the `code` of its envelope. A page without an envelope
comes from a proxy in front of Kie, and is judged by its HTTP status.
"""

import re
from typing import Any, NamedTuple

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

_GONE = ("model name you specified", "page does not exist or is not published")
_RETRYABLE = re.compile(r"5\d\d|408")  # failCode of a transient fault, if no text says more
# "aspect_ratio is required": Kie responds 500 and means the input. Vaguer texts do not count.
_COMPLAINT = re.compile(
    r"\W*(?:(?:the|this|input|parameter|field)\W+)*(?P<field>[a-z][\w.\[\]]*)\W+(?:(?:field|parameter|input)\s+)?"
    r"(?:(?:is|are)\s+(?:required|missing|invalid|not\s+(?:valid|supported|allowed|within|one of|an?\b))"
    r"|(?:must|should|has to)\s+(?:not\s+)?be\s+(?:(?:an?|one|in|of|at|between|greater|less|empty|null)\b|['\"\d])"
    r"|(?:cannot|can not)\s+(?:exceed|be\s+(?:empty|blank|null|greater|less|longer|shorter))|exceeds\b)",
    re.IGNORECASE,
)
_WINDOW = 10.0  # seconds in which Kie takes 20 submits
_MAINTENANCE = 120.0
_LONGEST = 300  # characters of Kie's own text in a message


class Envelope(NamedTuple):
    """A parsed response. `own` is whether it is Kie's own envelope and not the page of a proxy in front of it."""

    code: int
    text: str
    data: JsonValue
    own: bool

    @property
    def ok(self) -> bool:
        """Whether Kie reports success."""
        return self.own and self.code == httpx.codes.OK


def parse_envelope(response: httpx.Response) -> Envelope:
    """Read the envelope; its code decides, unless HTTP reports an error and the code does not."""
    body = json_object(response) or {}
    value, data = body.get("code"), body.get("data")
    number = None if isinstance(value, bool) else amount(value)
    if number is None or number != int(number):
        return Envelope(response.status_code, _text(body, response), data, own=False)
    code = int(number)
    if code == httpx.codes.OK and not response.is_success:
        code = response.status_code
    return Envelope(code, _text(body, response), data, own=True)


def of_submit(response: httpx.Response, endpoint: str) -> ProviderError:
    """Why a submit was not accepted.

    Only a definite refusal proves that; after any other error it may have been bought.
    """
    envelope, facts = parse_envelope(response), _facts(response)
    text, code = envelope.text, envelope.code
    if named := named_tasks(json_object(response), "task_id", "record_id"):
        return outcome_unknown("Kie", f"{code} ({text})", named[0], **facts)
    if code in {401, 402, 403, 433}:
        return _of_account(envelope, facts)
    match code:
        case 200 if envelope.ok and isinstance(envelope.data, dict | None) and not (envelope.data or {}).get("taskId"):
            message = f"Kie created no task, and charges nothing without one: {text}"
            return InvalidRequest(
                message, remedy="Nothing was bought. Run it again; if the error persists, report it.", **facts
            )
        case 404 | 422 if any(words in text.lower() for words in _GONE):
            return Retired(f"Kie does not offer {endpoint} (any more): {text}", **facts)
        case 410 | 505:
            return Retired(f"Kie has switched {endpoint} off: {text}", **facts)
        case 429 | 455:
            return _busy(response, envelope)
        case code if code in REDIRECTS or code == httpx.codes.NOT_FOUND:
            return InvalidRequest(f"Kie takes no submits at this address ({code}); check api_url: {text}", **facts)
        case code if is_refusal(code):
            return _of_input(envelope, facts)
        case 500 if envelope.own and _COMPLAINT.match(text):
            return _of_input(envelope, facts)
    return outcome_unknown("Kie", f"{code} ({text})", **facts)


def of_call(response: httpx.Response) -> ProviderError:
    """Why a call that buys nothing failed."""
    envelope, facts = parse_envelope(response), _facts(response)
    text, code = envelope.text, envelope.code
    if code == 403 and not envelope.own:
        return call_blocked_by_proxy("Kie", code, **facts)
    if code in {401, 402, 403, 433}:
        return _of_account(envelope, facts)
    match code:
        case 200:
            return Busy(f"Kie returned an empty envelope: {text}", **facts)
        case 404:
            return Expired(f"Kie does not know the resource: {text}", **facts)
        case 400 | 405 | 413 | 415 | 422 | 451:
            return _of_input(envelope, facts)
        case 505:
            return Retired(f"Kie has switched this off: {text}", **facts)
        case 408 | 409 | 425 | 429 | 455:
            return _busy(response, envelope)
        case code if code >= 500:
            return _busy(response, envelope)
    return ProtocolError(f"Kie gave an undocumented answer ({code}): {text}", **facts)


def of_look(response: httpx.Response) -> ProviderError:
    """Why a status call returned no task. For a task that is very new, Kie says that its record is null."""
    envelope = parse_envelope(response)
    if envelope.code == httpx.codes.UNPROCESSABLE_ENTITY and "is null" in envelope.text.lower():
        return Expired(f"Kie does not know the task: {envelope.text}", **_facts(response))
    return of_call(response)


def of_failure(record: JsonObject, job: Job) -> ProviderError:
    """Why an ended job has no result, by `failCode` and `failMsg`. Whether a failure is refunded is not documented.

    A 5xx code alone does not prove a transient fault: Kie uses it for refusals too, so the text decides if there is
    one.
    """
    kind, text, credits_ = str(record.get("failCode") or "")[:40], _line(record.get("failMsg")), credits_of(record)
    facts: dict[str, Any] = {"charged": None if credits_ is None else credits_ > 0, "request_id": job.request_id}
    reason = f"{kind or 'without a code'}: {text}"
    if is_moderation(reason):
        return refusal(reason, **facts)
    if is_stale_upload(text):
        return stale_upload(f"Kie could not fetch a file of the scene: {text}", **{**facts, "charged": bool(credits_)})
    if kind in {"400", "422"}:
        return invalid(f"the model does not take the request: {text}", text, field=_field(text), **facts)
    if kind == "402":
        facts["remedy"] = "Top up the account at Kie, then increase the scene's take to render it again."
    silent = non_blank(record.get("failMsg")) is None
    again = kind == "408" or is_transient(text) or (silent and bool(_RETRYABLE.fullmatch(kind)))
    return failure(f"the job failed at Kie ({reason})", again=again, **facts)


def of_no_result(record: JsonObject, job: Job) -> ProviderError:
    """A task that succeeded, and whose record contains nothing that can be stored."""
    kept = {key: value for key, value in record.items() if key != "param"}  # the echo of the order
    credits_ = credits_of(record)
    charged = None if credits_ is None else credits_ > 0
    return no_result("Kie", charged=charged, raw=kept, request_id=job.request_id)


def credits_of(record: JsonObject) -> float | None:
    """What a task cost in credits, if its record says so."""
    return amount(record.get("creditsConsumed"))


def _of_account(envelope: Envelope, facts: dict[str, Any]) -> ProviderError:
    """Errors of key and credit. A key may have a cap of its own, per hour, per day or in total."""
    match envelope.code:
        case 402:
            return OutOfCredit(f"the account at Kie has no credit: {envelope.text}", **facts)
        case 403 if not envelope.own:
            return submit_blocked_by_proxy("Kie", 403, **facts)
        case 433:
            remedy = "Nothing was bought. Raise the key's cap at Kie, or wait until it is reset; then run it again."
            return OutOfCredit(f"the key has used up its own cap at Kie: {envelope.text}", remedy=remedy, **facts)
    if why := blocked("Kie", envelope.text, **facts):
        return why
    remedy = f"{Unauthorized.remedy[:-1]}, and the addresses from which Kie lets it be used."
    return Unauthorized(f"Kie does not accept the key: {envelope.text}", remedy=remedy, **facts)


def _of_input(envelope: Envelope, facts: dict[str, Any]) -> ProviderError:
    """Errors of the request's fields or media."""
    if is_moderation(envelope.text):
        return refusal(envelope.text, **facts)
    message = f"Kie does not take the request: {envelope.text}"
    return invalid(message, envelope.text, field=_field(envelope.text), **facts)


def _busy(response: httpx.Response, envelope: Envelope) -> Busy:
    """Busy, for as long as Kie asks or, by default, as it documents for its submit window and its maintenance."""
    usual = {429: _WINDOW, 455: _MAINTENANCE}.get(envelope.code)
    asked = retry_after(response)
    wait = usual if asked is None else asked
    return Busy(f"Kie cannot do it now ({envelope.code}): {envelope.text}", retry_after=wait, **_facts(response))


def _field(text: str) -> str | None:
    complaint = _COMPLAINT.match(text)
    return complaint["field"] if complaint and complaint["field"].lower() not in {"field", "this", "it"} else None


def _facts(response: httpx.Response) -> dict[str, Any]:
    return {"http_status": response.status_code}


def _text(body: JsonObject, response: httpx.Response) -> str:
    if not body:
        return f"a page that is not JSON (HTTP {response.status_code})"
    return _line(non_blank(body.get("msg")) or body.get("message"))


def _line(text: JsonValue) -> str:
    """One line for a person."""
    return " ".join((non_blank(text) or "no reason given").split())[:_LONGEST]
