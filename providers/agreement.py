"""Models that the table marks as unsure: an order is sent only if the gateway's own catalogue agrees with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.json_values import objects
from prefect_storyboard.providers.protocol import Order, Provider
from prefect_storyboard.storyboards import Mode, Model
from prefect_storyboard.storyboards.outcomes import JsonObject

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


async def check_agreed(provider: Provider, order: Order, model: Model, mode: Mode) -> None:
    """Raise InvalidRequest if the table is unsure of a mode and the gateway's catalogue does not agree with the order.

    Sends nothing that costs. Raises NotSent or Busy if the catalogue cannot be read at present.
    """
    await check_doubt(provider, order, f"{model.name} at {model.provider}", model.doubt(mode))


async def check_doubt(provider: Provider, order: Order, name: str, doubt: str) -> None:
    """Like `check_agreed`, for the given doubt about the named model; without a doubt the catalogue is not read."""
    if not doubt:
        return
    objection = await provider.objection(order)
    if objection is not None:
        raise InvalidRequest(
            f"{name} was not submitted: {doubt}, and {objection}",
            field="model",
            sent=False,
            remedy="Nothing was bought. Choose another model, or try again when the gateway's catalogue has it.",
        )


def disagreement(schema: JsonObject, body: JsonObject) -> str | None:
    """The first thing in a body that a JSON schema of the input does not allow; None if it allows everything."""
    named = schema.get("properties")
    known = named if isinstance(named, dict) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in body:
            return f"its schema requires {name}, which we do not send"
    for name, value in body.items():
        kinds = known.get(name)
        if not isinstance(kinds, dict):
            return f"its schema has no field {name}"
        if not any(_allows(each, value) for each in _alternatives(kinds)):
            return f"its schema does not allow our value of {name}"
    return None


def input_schema(document: JsonValue) -> JsonObject | None:
    """The schema of the request body in an OpenAPI document: the one whose name ends in Input."""
    schemas: Any = document
    for key in ("components", "schemas"):
        schemas = schemas.get(key) if isinstance(schemas, dict) else None
    found = [each for name, each in schemas.items() if name.endswith("Input")] if isinstance(schemas, dict) else []
    return next(iter(objects(found)), None)


def _alternatives(kinds: JsonObject) -> Iterator[JsonObject]:
    choices = [*objects(kinds.get("anyOf")), *objects(kinds.get("oneOf"))]
    yield from choices or [kinds]


def _allows(kinds: JsonObject, value: JsonValue) -> bool:
    """Whether the schema's type and enum allow the value; references to other schemas are not followed."""
    allowed, kind = kinds.get("enum"), kinds.get("type")
    if isinstance(allowed, list):
        return value in allowed and not (isinstance(value, bool) and kind != "boolean")
    if not isinstance(kind, str) or kind not in _KINDS:
        return True
    return isinstance(value, _KINDS[kind]) and not (isinstance(value, bool) and kind != "boolean")
