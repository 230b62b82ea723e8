"""The two forms of a body: JSON, and `multipart/form-data`, in which numbers and switches are text.

A file becomes its hash, so that the order can be kept; `input_reference[image_url]` and `characters[][id]` are how the
official client nests values in a form.
"""

import json
from typing import Any

from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from prefect_storyboard.sandbox.catalogue import Model
from prefect_storyboard.sandbox.catalogue.rows import Field
from prefect_storyboard.sandbox.exchange import Sandbox, json_or_none
from prefect_storyboard.sandbox.openai.errors import Refused

FILE = "sha256:"
_SWITCHES = {"true": True, "false": False}


def is_form(request: Request) -> bool:
    """Whether the body is a form."""
    return request.headers.get("content-type", "").startswith("multipart/form-data")


async def read(sandbox: Sandbox, request: Request) -> dict[str, Any] | None:
    """The body; None for what is neither a JSON object nor a form."""
    if not is_form(request):
        body = json_or_none(await request.body())
        return body if isinstance(body, dict) else None
    await request.body()  # kept, so that it can be read again
    found: dict[str, Any] = {}
    try:
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    _put(found, name, value)
                else:
                    kind = value.content_type or "application/octet-stream"
                    found[name] = f"{FILE}{sandbox.state.keep(await value.read())};{kind}"
    except (HTTPException, MultiPartException):
        return None
    return found


def _put(found: dict[str, Any], name: str, value: str) -> None:
    if name == "characters[][id]":
        found.setdefault("characters", []).append({"id": value})
    elif name.startswith("input_reference[") and name.endswith("]"):
        found.setdefault("input_reference", {})[name[len("input_reference[") : -1]] = value
    else:
        found[name] = value


def typed(row: Model, body: dict[str, Any], *, form: bool) -> dict[str, Any]:
    """The body with a form's strings converted to numbers and booleans where possible."""
    if not form:
        return body
    return {name: _value(row.fields.get(name), value) for name, value in body.items()}


def _value(field: Field | None, value: Any) -> Any:
    if field is None or not isinstance(value, str):
        return value
    if field.flag:
        return _SWITCHES.get(value, value)
    if field.whole or field.number:
        number = json_or_none(value.encode())
        return number if type(number) in {int, float} else value
    return value


def kept(value: JsonValue) -> tuple[str, str] | None:
    """Hash and MIME type of a file that came with a form."""
    if not (isinstance(value, str) and value.startswith(FILE)):
        return None
    digest, _, kind = value.removeprefix(FILE).partition(";")
    return digest, kind


def reference(text: str, name: str, key: str) -> str:
    """The address in `image_reference` and its like: JSON in a field of a form."""
    document = json_or_none(text.encode())
    if not (isinstance(document, dict) and isinstance(document.get(key), str) and len(document) == 1):
        raise Refused(400, f"Invalid value for '{name}': expected {json.dumps({key: 'URL'})}.", name, "invalid_value")
    return str(document[key])
