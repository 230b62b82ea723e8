"""Pictures that a response contains, as a data: URI or as base64, and links to pictures."""

import base64
import binascii
import re
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from prefect_storyboard.providers.errors import OverBounds, ProtocolError
from prefect_storyboard.providers.json_values import link

_DATA = re.compile(r"data:[^,]{0,200};base64,", re.ASCII | re.IGNORECASE)  # the type it names may be wrong
_BARE = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*", re.ASCII)  # some encoders break it into lines
_STARTS = ("iVBORw0KGgo", "/9j/", "UklGR")  # of PNG, JPEG and WebP, in base64


def first_picture(value: JsonValue) -> str | None:
    """The first picture in a value: a link, or a data: URI if the response contains the picture.

    The value is a string, an object with a `url` or a `b64_json`, or a list of such.
    """
    for each in value if isinstance(value, list) else [value]:
        places = (each.get("url"), each.get("b64_json")) if isinstance(each, dict) else (each,)
        for place in places:
            if found := link(place) or _inline(place):
                return found
    return None


def is_inline(url: str) -> bool:
    """Whether the address is a data: URI, which contains the file."""
    return url.startswith("data:")


def write_inline(url: str, to: Path, most: int, **facts: Any) -> None:
    """Write the file that a data: URI holds.

    Raises, with these facts, ProtocolError if it is damaged and OverBounds if it is too large.
    """
    head, _, body = url.partition(",")
    if len(body) * 3 // 4 > most:
        raise OverBounds(f"the result has more than {most / 1e6:g} MB", **facts)
    if not head.casefold().endswith(";base64"):
        raise ProtocolError("the result is a data: URI that is not base64", **facts)
    try:
        to.write_bytes(base64.b64decode("".join(body.split()), validate=True))
    except (binascii.Error, ValueError):
        raise ProtocolError("the result is a data: URI whose base64 is damaged", **facts) from None


def _inline(value: JsonValue) -> str | None:
    if not isinstance(value, str):
        return None
    declared = _DATA.match(value)
    if declared and (declared[0].startswith("data:image/") or value[declared.end() :].lstrip().startswith(_STARTS)):
        return value
    if value.startswith(_STARTS) and _BARE.fullmatch(value):
        return f"data:image/png;base64,{value}"  # the type is decided from the bytes
    return None
