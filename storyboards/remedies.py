"""Messages for invalid values in a storyboard: what is wrong and what to write instead, one sentence each."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from prefect_storyboard.storyboards.nouns import Character, Scene, Storyboard

_ALIKE = 0.7  # "secnods" and "promt" are above, "seed" and "seconds" (0.55) below
_NOUNS: dict[tuple[str, ...], type[BaseModel]] = {(): Storyboard, ("cast",): Character, ("scenes",): Scene}
# The names that other tools and the providers use.
_ELSEWHERE = {
    "duration": ("seconds",),
    "length": ("seconds",),
    "aspect_ratio": ("aspect",),
    "ratio": ("aspect",),
    "size": ("resolution",),
    "quality": ("resolution",),
    "text": ("prompt",),
    "name": ("id", "title"),
    "cast": ("characters",),
    "characters": ("cast",),
    "character": ("characters", "cast"),
    "character_ids": ("characters",),
    "alias": ("aliases",),
    "nicknames": ("aliases",),
    "shots": ("scenes",),
    "video": ("clip",),
    "reference": ("clip",),
    "image": ("images",),
    "image_url": ("image", "images"),
    "first_frame": ("image",),
    "last_frame": ("ends",),
    "end_image": ("ends",),
    "sound": ("audio",),
    "generate_audio": ("audio",),
    "negative_prompt": ("negative",),
}
_FORMS = {
    ("int_",): ("must be a whole number", "; write for example {}: 4"),
    ("float_", "finite_"): ("must be a number", "; write for example {}: 2.5"),
    ("bool_",): ("must be true or false", ""),
}


def sentence(detail: ErrorDetails) -> str:
    """The rest of a sentence that begins with the field."""
    place, value = detail["loc"], detail["input"]
    noun = _NOUNS.get(tuple(part for part in place[:-1] if isinstance(part, str)), Storyboard)
    key = str(place[-1]) if place else ""
    match detail["type"]:
        case "rule":
            return detail["msg"]
        case "extra_forbidden":
            return f"is not a known key; {_meant(key, noun)}"
        case "missing":
            return f"is missing: {(noun.model_fields[key].description or '').partition('. ')[0]}"
        case kind if value is None or kind == "string_too_short":
            return f"is empty; write a value{'' if key in _required(noun) else ', or leave the line out'}"
        case "model_type":
            return f"must be an entry with keys such as {', '.join(_required(noun))}; found {_brief(value)}"
    return _unfit(detail, key)


def _unfit(detail: ErrorDetails, key: str) -> str:
    """The message for a value of the wrong type or format."""
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "string_pattern_mismatch":
            return f"{_brief(value)} is not safe as a file name; use letters, digits, - and _, for example s01"
        case "string_too_long":
            return f"has {len(value)} characters and may have {context['max_length']}; shorten it"
        case "string_type" if isinstance(value, bool | int | float):
            return f"must be text; put it in quotes: {str(value)!r}"
        case "string_type" | "string_unicode":
            return f"must be text; found {_brief(value)}"
        case "tuple_type":
            entries = f"write {key}: [{value}]" if isinstance(value, str) else "begin each entry with a hyphen"
            return f"must be a list; {entries}"
        case "greater_than_equal" | "less_than_equal":
            bound = f"{context['ge']:g} or more" if "ge" in context else f"{context['le']:g} or less"
            return f"must be {bound}; found {_brief(value)}"
        case "literal_error":
            return f"must be one of {context['expected']}; found {_brief(value)}"
    is_not, example = next((each for kinds, each in _FORMS.items() if detail["type"].startswith(kinds)), ("", ""))
    return f"{is_not or detail['msg']}; found {_brief(value)}{example.format(key)}"


def _meant(key: str, noun: type[BaseModel]) -> str:
    known = [each for each in _ELSEWHERE.get(key.casefold(), ()) if each in noun.model_fields]
    if close := known or get_close_matches(key.casefold(), noun.model_fields, n=1, cutoff=_ALIKE):
        return f"did you mean {close[0]}?"
    return f"the keys are {', '.join(noun.model_fields)}"


def _required(noun: type[BaseModel]) -> list[str]:
    return [name for name, field in noun.model_fields.items() if field.is_required()]


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
