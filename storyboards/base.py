"""The base of all nouns: frozen models, their string types, and problems that are raised all at once."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from prefect_storyboard.storyboards.names import composed, one_line

_LONGEST = 20_000  # characters of a prompt; gateways take up to about 10,000
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(one_line)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(one_line)]
Prompt = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST), AfterValidator(composed)
]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONGEST)]
SCENE_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SceneId = Annotated[str, StringConstraints(pattern=SCENE_ID)]
Negative = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONGEST), AfterValidator(composed)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Fit = Literal["exact", "nearest"]
Aspect = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "auto"]  # auto: the first frame's
Quality = Literal["draft", "final"]
Prefer = Literal["cast", "frame"]
OnBad = Literal["keep", "reroll"]
Kind = Literal["person", "place", "prop"]
Transition = Literal["cut", "fade", "dissolve"]
TransitionSeconds = Annotated[float, Field(gt=0, le=10)]
Fields = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})]

Place = tuple[str | int, ...]  # the keys and indexes that lead to a value
FieldProblem = tuple[Place, str]  # where, what
RawStoryboard = dict[str, Any]  # as YAML, JSON or a caller gave it: nothing in it has been checked
Noun = TypeVar("Noun", bound=BaseModel)


class Frozen(BaseModel):
    """Base of every noun: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def checked(noun: Noun, problems: Callable[[], Iterator[FieldProblem] | tuple[FieldProblem, ...]]) -> Noun:
    """Raise all problems at once, each at its own field, so that the loader can name the line."""
    found: list[InitErrorDetails] = [
        {"type": PydanticCustomError("rule", "{message}", {"message": message}), "loc": loc, "input": None}
        for loc, message in problems()
    ]
    if found:
        raise ValidationError.from_exception_data(type(noun).__name__, found)
    return noun
