"""What fal's endpoints have in common: a strict input, a price list, and refusals in fal's shape.

The inputs are strict: no coercion (`"4"` is no integer) and no unknown field. Real fal may forgive more; a client that
passes here passes there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from prefect_storyboard.sandbox.catalogue import Broken, Model, form, order

Where = tuple[str | int, ...]
_RENAMED = {"too_long": ("sequence_too_long", "max_length"), "too_short": ("sequence_too_short", "min_length")}


class Input(BaseModel):
    """The raw body of a submit."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: its input, the name on its clips, and dollars per second (`base` = the listed price).

    A living model has a `row`, which says what it accepts, and all the rest.
    """

    accepts: type[BaseModel]
    label: str
    usd: Mapping[str, float] = field(default_factory=dict)
    row: Model | None = None

    @property
    def makes(self) -> Literal["video", "picture"]:
        """What comes out of it, unless that is a character."""
        return "picture" if self.row is not None and self.row.makes == "picture" else "video"


def input_schema(endpoint: Endpoint) -> dict[str, Any]:
    """The JSON schema of an endpoint's input."""
    accepts = endpoint.accepts if endpoint.row is None else form(endpoint.row)
    schema: dict[str, Any] = accepts.model_json_schema()
    return schema


class Unprocessable(Exception):
    """An input that the model refuses; `detail` is fal's list of reasons."""

    def __init__(self, detail: list[dict[str, Any]]) -> None:
        super().__init__(detail[0]["msg"])
        self.detail = detail


def refusal(kind: str, where: Where, message: str, **ctx: Any) -> Unprocessable:
    """A refusal for one reason, in the shape of a model error."""
    reason = {"loc": ["body", *where], "msg": message, "type": kind, "url": f"https://docs.fal.ai/errors/#{kind}"}
    return Unprocessable([{**reason, **({"ctx": ctx} if ctx else {})}])


def parse(endpoint: Endpoint, body: Any) -> Any:
    """The typed input, of a living model an `Order`.

    Raises `Unprocessable` with pydantic's own reasons, as fal's runners do. fal does not document whether it refuses a
    citation of nothing; the message is the sandbox's own.
    """
    try:
        if endpoint.row is not None:
            return order(endpoint.row, body, unknown="{name} is cited, but was not given.")
        return endpoint.accepts.model_validate(body)
    except Broken as broken:
        raise refusal("value_error", broken.where, str(broken)) from None
    except ValidationError as error:
        reasons = error.errors(include_url=False)
    raise Unprocessable([_reason(dict(reason)) for reason in reasons])


def _reason(reason: dict[str, Any]) -> dict[str, Any]:
    reason["loc"] = ["body", *reason["loc"]]
    if reason["type"] in _RENAMED:  # the names that fal's documentation changes
        reason["type"], limit = _RENAMED[reason["type"]]
        reason["ctx"] = {limit: reason["ctx"][limit]}
    return reason


def app(endpoint: str) -> str:
    """Owner and app of an endpoint, under which its jobs live."""
    return "/".join(endpoint.split("/")[:2])
