"""Why there is no result, read from a gateway's text: one table for all gateways, and the errors made from it.

Codes and types decide first, in each gateway's own errors.py. The text decides if there is no code, or if the code says
too little. It is folded before it is compared: case, camel case, underscores and punctuation do not matter.
"""

import re
import unicodedata
from typing import Any

from pydantic import JsonValue

from prefect_storyboard.providers.errors import (
    Busy,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
    Refused,
    Unauthorized,
)

_MODERATION = re.compile(
    r"\bpolic(y|ies)\b|guardrail|moderat(ion|ed|or)|(?<!case )sensitive|violat|photorealistic (people|person)"
    r"|real (people|persons?|humans?)\b|likeness|nsfw|prohibited|rejected by flow|safety (filter|system|check|guard)"
    r"|unsafe|content (was |is |has been )?(block|filter|restrict|reject|flag)|copyright|intellectual property"
    r"|third party content|privacy information|public figure|celebrit|inappropriate|\bsexual|nudity|explicit content"
    r"|(request|prompt|text|image|picture|photo|video|clip|audio|input|output)s? (was|were|is|are|has been|have been)"
    r"( \w+)? (rejected|blocked|flagged|refused)"
    r"|政策|违规|违反|敏感|审核|정책|민감|ポリシー|センシティブ"
)
_TRANSIENT = re.compile(
    r"internal (server )?error|server error|try(ing)? again|please retry|retry later|tim(ed|e) ?out|temporar|overload"
    r"|unavailable|\bbusy\b|(high|heavy) (demand|load|traffic)|service issues|upstream error|no result\b"
    r"|rate limit|too many requests|\b(http|status|code) (5\d\d|429)\b|bad gateway|disconnect"
    r"|connection (reset|refused|error|lost)|(at|out of) capacity|queue is full"
    r"|内部错误|服务器错误|超时|稍后|繁忙|重试|다시 시도|内部エラー|タイムアウト"
)
_OTHER_INPUT = re.compile(  # "try again with another prompt" is not transient
    r"again (with|using|after)\b|(another|different|new) (prompt|text|image|picture|photo|video|clip|audio|file|input)"
    r"|(change|modify|adjust|edit|revise|rephrase|check|shorten) (your|the|its)\b"
)
_FILE = re.compile(r"image|picture|photo|video|audio|clip|file|media|\burls?\b|\blinks?\b|文件|图片|视频")
_NOT_FETCHED = re.compile(
    r"(fail\w*|could not|cannot|can not|can t|unable|error|invalid)( \w+){0,3} (download|fetch|access|retriev)\w*"
    r"|(download|fetch)\w*( \w+){0,3} (fail|error|timed)"
    r"|(could not|cannot|can not|can t) be (fetched|downloaded|accessed|retrieved|reached)"
    r"|\b404\b|下载失败|无法下载|无法访问"
)
_BLOCKED = re.compile(
    r"(user|account|organi[sz]ation|team|key)( \w+){0,3} (blocked|banned|suspended|locked|disabled|deactivated|frozen)"
    r"|封禁|禁用|冻结|停用"
)
_NO_ACCESS = re.compile(r"cannot access application")
_OUTPUT = re.compile(r"\b(generated|output|resulting)\b( \w+)? (video|audio|image|content|frame|speech|text)s?\b")
_PARTS = {
    "prompt": re.compile(r"\bprompt|\binput text\b|\btext\b|\bwords?\b|提示词"),
    "character": re.compile(r"\bcharacter|\bcameo"),
    "image": re.compile(r"\bimages?\b|\bpictures?\b|\bphotos?\b|\bframes?\b|图片"),
    "clip": re.compile(r"\bvideos?\b|\bclips?\b|视频"),
    "audio": re.compile(r"\baudios?\b|\bvoice\b|\bsound\b"),
}
_NUMBER = re.compile(r"(?:image|picture|photo|video|clip|audio|content)s?(?: urls?)? (\d{1,3})\b")

_FREE = "It was not charged. "
_OUTPUT_REMEDY = (
    "The scene itself was not refused: allow more attempts or run it again, and set audio: false if its sound was "
    "refused."
)
_PICTURE_REMEDY = (
    "The prompt was not refused: allow more attempts, or draw it again with a further take or another prompt."
)
_UPLOAD_REMEDY = "Run it again: the file is uploaded again, once. If that fails too, check the file."


def fold(text: str) -> str:
    """Lower case, single spaces, no punctuation; CamelCase and under_scores become words."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFKC", text))
    return " ".join(re.sub(r"[\W_]+", " ", spaced).casefold().split())


def is_moderation(text: str) -> bool:
    """Whether a text is about moderation."""
    return bool(_MODERATION.search(fold(text)))


def is_transient(text: str) -> bool:
    """Whether a text is about a transient fault, and asks for no other input."""
    folded = fold(text)
    return bool(_TRANSIENT.search(folded)) and not _OTHER_INPUT.search(folded) and not _MODERATION.search(folded)


def is_stale_upload(text: str) -> bool:
    """Whether a text says that the provider could not fetch a file of the request."""
    folded = fold(text)
    return bool(_FILE.search(folded) and _NOT_FETCHED.search(folded))


def part(text: str, field: str | None = None) -> str | None:
    """Which part of a scene a text or a field is about: prompt, image (2), clip (1), audio, character or output."""
    folded = fold(text)
    named = fold(field or "")
    if _OUTPUT.search(named) or _OUTPUT.search(folded) or named.startswith("output"):
        return "output"
    for words in (named, folded):
        kind = next((kind for kind, pattern in _PARTS.items() if pattern.search(words)), None)
        if kind:
            return f"{kind} {number}" if kind != "prompt" and (number := _number(words, named)) else kind
    return None


def refusal(text: str, *, field: str | None = None, charged: bool | None = False, **facts: Any) -> Refused:
    """A refusal by moderation, of an input or of the output."""
    what = part(text, field)
    if what != "output":
        message = f"moderation refused {f'the {what}' if what else field or 'the scene'}: {text}"
        return Refused(message, field=field, what=what, charged=charged, **facts)
    remedy = (_FREE if charged is False else "") + _OUTPUT_REMEDY
    message = f"moderation refused the output, not the scene: {text}"
    facts |= {"what": what, "resubmittable": True, "charged": charged, "remedy": remedy}
    return Refused(message, field=field, **facts)


def is_flagged(flags: JsonValue) -> bool:
    """Whether a model's own filter reports that it has blacked out a picture."""
    return isinstance(flags, list) and any(flag is True for flag in flags)


def flagged(**facts: Any) -> Refused:
    """A picture that a model's own filter has blacked out."""
    remedy = (_FREE if facts["charged"] is False else "") + _PICTURE_REMEDY
    message = "the model's own filter flagged the picture and blacked it out"
    return Refused(message, what="output", resubmittable=True, remedy=remedy, **facts)


def failure(message: str, *, again: bool = False, charged: bool | None = None, **facts: Any) -> GenerationFailed:
    """A failed job. `again` means that the same request may succeed next time."""
    if "remedy" not in facts and charged is False:
        facts["remedy"] = "It was not charged: run it again." if again else _FREE + GenerationFailed.remedy
    return GenerationFailed(message, resubmittable=again, charged=charged, **facts)


def stale_upload(message: str, *, charged: bool | None = False, **facts: Any) -> GenerationFailed:
    """A job that failed because its file could not be fetched. Nothing was generated from it, so it is free."""
    remedy = ("" if charged else _FREE) + _UPLOAD_REMEDY
    return failure(message, again=True, charged=charged, stale_upload=True, remedy=remedy, **facts)


def invalid(message: str, text: str, *, field: str | None = None, **facts: Any) -> InvalidRequest:
    """An input that the provider does not accept, and which part of the scene it is."""
    if is_stale_upload(text):
        return file_not_fetched(message, field=field, **facts)
    return InvalidRequest(message, field=field, what=part("", field), **facts)


def file_not_fetched(message: str, *, field: str | None = None, **facts: Any) -> InvalidRequest:
    """A submit that was refused because a file of it could not be fetched."""
    facts |= {"stale_upload": True, "remedy": _UPLOAD_REMEDY, "what": part("", field)}
    return InvalidRequest(message, field=field, **facts)


def no_result(who: str, **facts: Any) -> GenerationFailed:
    """An ended job whose result contains nothing that can be stored. It is polled again before this is a verdict."""
    remedy = "Check the job on the provider's own page; increase the scene's take to render it again."
    message = f"the job ended at {who} without a video, a picture or a character"
    return failure(message, remedy=remedy, empty=True, **facts)


def outcome_unknown(who: str, answer: str, named: str | None = None, **facts: Any) -> OutcomeUnknown:
    """A submit that may have been accepted. The job id in its response, if any, is kept."""
    if named is None:
        return OutcomeUnknown(
            f"{who} answered a submit with {answer} and names no task; it may have been accepted", **facts
        )
    remedy = OutcomeUnknown.remedy.replace("<the provider's id>", named)
    message = f"{who} answered a submit with {answer}; it names the task {named} and may have accepted it"
    return OutcomeUnknown(message, request_id=named, remedy=remedy, **facts)


def blocked(who: str, text: str, **facts: Any) -> Unauthorized | None:
    """A 401 or 403 that is not about the key: the account is blocked, or has no access to the model."""
    folded = fold(text)
    if _NO_ACCESS.search(folded):
        remedy = "Nothing was bought. Ask the model's owner for access, or use another model; the key itself is valid."
        return Unauthorized(f"this account at {who} has no access to the model: {text}", remedy=remedy, **facts)
    if _BLOCKED.search(folded):
        remedy = f"Nothing was bought. Ask {who}'s support why the account is blocked; another key does not help."
        return Unauthorized(f"{who} has blocked the account: {text}", remedy=remedy, **facts)
    return None


def submit_blocked_by_proxy(who: str, code: int, **facts: Any) -> Unauthorized:
    """A submit that a firewall or a proxy refused before it reached the gateway."""
    message, remedy = _blocked_by_proxy(who, code)
    return Unauthorized(message, remedy=f"Nothing was bought. {remedy}", **facts)


def call_blocked_by_proxy(who: str, code: int, **facts: Any) -> Busy:
    """The same for a call that buys nothing: it is retried, because the refusal says nothing about a job."""
    message, remedy = _blocked_by_proxy(who, code)
    return Busy(message, remedy=f"Nothing was bought. {remedy}", **facts)


def _blocked_by_proxy(who: str, code: int) -> tuple[str, str]:
    message = f"a firewall or proxy in front of {who} refused the request (HTTP {code}, not {who}'s own response)"
    remedy = "The key is not the reason: check firewall, proxy and VPN, then run it again."
    return message, remedy


def _number(words: str, field: str) -> int | None:
    """The number of the item, counted from 1. A field counts from 0, but `content[0]` is the prompt."""
    found = _NUMBER.search(words)
    if found is None:
        return None
    number = int(found[1])
    return number + 1 if words == field and not found[0].startswith("content") else number
