"""What can go wrong at a provider. Every error answers: was it sent, was it charged, what should the user do?

    ProviderError
    ├── NotSent              the request never left: send it again
    ├── OutcomeUnknown       it left and no answer came: it may have been bought
    ├── Busy                 refused for now; retry_after in seconds
    ├── InvalidRequest       the provider does not accept it; field and what name the input at fault
    ├── Refused              moderation; what names the part at fault: prompt, image 2, clip, character, output
    ├── Unauthorized         the key is wrong or may not do this
    ├── OutOfCredit          the account has no money
    ├── GenerationFailed     accepted, then failed; resubmittable or not
    ├── Retired              the model is no longer sold; successor names the next one
    ├── Expired              the provider has forgotten the job or its file
    └── ProtocolError        an undocumented answer; raw holds it
        └── OverBounds       a response or file that is larger or slower than any real one; not read to its end

`sent` and `charged` are None if unknown. `field` is the gateway's own name of an input, `what` is ours. Keys and signed
URLs never appear in an error: they are removed here from a provider's text, in the message and in `raw`.
"""

import json
import re
from typing import Any

from prefect_storyboard.addresses import bare

_KEY = re.compile(r"\b(Key\s+[^\s:]+:|Bearer\s|sk-)\s*[^\s\"'\\]+")
_PARTS = re.compile(r"[:._~/+=|-]|\s")  # separators between the parts of a gateway's key
_SHORTEST = 8  # characters of a key's part: shorter ones may be words
_LONGEST = 2_000  # characters of a message that quotes a provider
_LONGEST_RAW = 100_000

_secrets: dict[str, None] = {}  # the longest first


def redact(secret: str) -> None:
    """Remove a key, and every part of it, from all text from now on: some providers echo a key that they refuse."""
    parts = [secret, *_PARTS.split(secret), *re.split(r"[:-]", secret, maxsplit=1)]
    found = {part for part in parts if len(part) >= _SHORTEST}
    known = sorted({*_secrets, *found}, key=len, reverse=True)
    _secrets.clear()
    _secrets.update(dict.fromkeys(known))


def clean(text: str) -> str:
    """The text without keys, and with URLs reduced to host and path."""
    text = _KEY.sub("(a key)", bare(text))  # first: it also removes the word before a key
    for secret in _secrets:
        text = text.replace(secret, "(a key)")
    return text


class ProviderError(Exception):
    """Base of all errors of a provider. `str()` is one sentence for people; `remedy` says what to do."""

    sent: bool | None = True
    charged: bool | None = False
    remedy: str = "Run it again; if the error persists, report it with the request id."

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(clean(message[: 4 * _LONGEST])[:_LONGEST])
        self.request_id: str | None = facts.pop("request_id", None)
        self.http_status: int | None = facts.pop("http_status", None)
        self.raw: Any = _kept(facts.pop("raw", None))
        for name, value in facts.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no {name}")
            setattr(self, name, value)


def _kept(raw: Any) -> Any:
    """The raw response, cleaned; if it is very long, its beginning as text."""
    text = json.dumps(raw, default=str)
    return json.loads(clean(text)) if len(text) <= _LONGEST_RAW else clean(text[:_LONGEST_RAW])


class NotSent(ProviderError):
    """The request never reached the provider. Safe to send again."""

    sent = False
    remedy = "Nothing was sent. Check the network and the provider's address, then run it again."


class OutcomeUnknown(ProviderError):
    """The request was sent and no clear response came: it may have been bought. It is never sent again automatically.

    `request_id` is the job id in the response, if it contains one.
    """

    sent = None
    charged = None
    remedy = (
        "Look for the job on the provider's own page. If it is there: storyboard adopt <job> <the provider's id>. If "
        "it is not: storyboard abandon <job>, or run again with on_unknown='resubmit'; both buy it again."
    )


class Busy(ProviderError):
    """Refused for now, nothing was bought. `retry_after` in seconds, if the provider sends it."""

    retry_after: float | None = None
    remedy = "Nothing was bought. Run it again later, or with fewer scenes at once."


class InvalidRequest(ProviderError):
    """The provider does not accept the request as it is. `field` is the input at fault, if the provider names it.

    `stale_upload`: the provider could not fetch a file that was uploaded earlier. Upload it again, once.
    """

    field: str | None = None
    what: str | None = None
    stale_upload: bool = False
    remedy = "Change what the message names, then run it again."


class Refused(ProviderError):
    """The provider's moderation refused it. `field` is the input at fault, if the provider names it.

    `what` is "output" if the result was refused and not the input: then it is `resubmittable`, because the same request
    may pass next time.
    """

    field: str | None = None
    what: str | None = None
    resubmittable: bool = False
    remedy = (
        "Change the prompt or the reference that was refused, or use another model; sending it again changes nothing."
    )


class Unauthorized(ProviderError):
    """The key is wrong, or may not do this."""

    remedy = "Nothing was bought. Check the API key in the credentials block."


class OutOfCredit(ProviderError):
    """The account has no money left."""

    remedy = "Nothing was bought. Top up the provider's account, then run it again: what is stored is not bought twice."


class GenerationFailed(ProviderError):
    """The job was accepted and then failed. `resubmittable`: the same request may succeed next time.

    `stale_upload`: the provider could not fetch a file that was uploaded earlier. Upload it again, once. `empty`: the
    job has succeeded, but its response contains nothing that can be stored, or not yet. `by_chance`: the model produced
    nothing, but may do so the next time: the request is sent again, once.
    """

    resubmittable: bool = False
    stale_upload: bool = False
    by_chance: bool = False
    empty: bool = False
    charged: bool | None = None
    remedy = "Change the scene, or increase its take to render it again."


class Retired(ProviderError):
    """The model is no longer sold."""

    successor: str | None = None
    remedy = "Nothing was bought. Choose another model in the storyboard."


class Expired(ProviderError):
    """The provider has forgotten the job, or the file behind its link."""

    charged: bool | None = None
    remedy = "Look for the job on the provider's own page; increase the scene's take to render it again."


class ProtocolError(ProviderError):
    """An undocumented response. `raw` holds it, for a report."""

    sent: bool | None = None
    charged: bool | None = None
    remedy = "Report it: this version does not know the format of the provider's response."


class OverBounds(ProtocolError):
    """A response or file is larger, or arrives more slowly, than any real one: it was not read to its end."""

    remedy = "Check the job on the provider's own page; if it looks right there, report it."
