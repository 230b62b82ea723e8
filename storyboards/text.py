"""A storyboard from YAML, JSON or a mapping, with errors that name file, line, field and what to write instead."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prefect_storyboard.storyboards.nouns import Character, Frozen, Scene, Storyboard

Place = tuple[str | int, ...]

_MODELS: dict[tuple[str, ...], type[BaseModel]] = {(): Storyboard, ("cast",): Character, ("scenes",): Scene}


class Problem(Frozen):
    """One thing to mend in a storyboard."""

    source: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class StoryboardError(ValueError):
    """The storyboard cannot be used as it is; nothing was sent or bought. `problems` has one entry a mistake."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


@dataclass(frozen=True)
class Source:
    """Where a storyboard came from: the file's name, and the line of every key and item by its place."""

    name: str = "storyboard"
    lines: Mapping[Place, int] = field(default_factory=dict)

    def problem(self, place: Place, message: str) -> Problem:
        """A problem at the line of the place, or of the nearest thing around it that has one."""
        sizes = range(len(place), 0, -1)
        line = next((self.lines[place[:size]] for size in sizes if place[:size] in self.lines), None)
        return Problem(source=self.name, line=line, field=_dotted(place), message=message)


def parse(text: str, name: str) -> tuple[Storyboard, Source]:
    """Read YAML or JSON text; `name` is the file's, for the messages. Raises StoryboardError."""
    try:
        if name.endswith(".json"):
            json.loads(text)
            text = text.expandtabs()  # JSON may be indented with tabs, YAML may not
        root = yaml.compose(text, Loader=_Loader)
    except json.JSONDecodeError as error:
        raise StoryboardError(_unreadable(name, error.lineno, f"is no valid JSON: {error.msg}")) from None
    except yaml.YAMLError as error:
        raise StoryboardError(_yaml_problem(error, name)) from None
    if not isinstance(root, yaml.MappingNode):
        raise StoryboardError(_unreadable(name, 1, "is no storyboard; it starts with lines like title: and scenes:"))
    if repeated := next(_repeated(root), None):
        message = f"{repeated.value!r} stands here a second time; keep one of the two"
        raise StoryboardError(_unreadable(name, repeated.start_mark.line + 1, message))
    source = Source(name, dict(_lines(root)))
    return validate(_Loader.construct(root), source), source


def validate(data: Mapping[str, Any], source: Source = Source()) -> Storyboard:
    """Build a Storyboard from a mapping. Raises StoryboardError with every problem at once."""
    try:
        return Storyboard.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise StoryboardError(*(source.problem(detail["loc"], _message(detail)) for detail in details)) from None


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain scalars: 16:9 stays text (1.1 reads 969) and a character may be called No."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - yaml's own class attribute
        first: [(tag, regexp) for tag, regexp in pairs if tag.rpartition(":")[2] in {"null", "float", "merge"}]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    @classmethod
    def construct(cls, root: yaml.Node) -> dict[str, Any]:
        loader = cls("")
        try:
            data: dict[str, Any] = loader.construct_document(root)
        finally:
            loader.dispose()
        return data


def _yaml_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or "cannot be read"
    line = mark.line + 1 if mark else None
    return _unreadable(name, line, f"is no valid YAML: {text}; check indentation, quotes and colons")


def _unreadable(name: str, line: int | None, message: str) -> Problem:
    return Problem(source=name, line=line, field="", message=message)


def _lines(node: yaml.Node, at: Place = ()) -> Iterator[tuple[Place, int]]:
    """The line of every key and item, by its place."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, key.value), key.start_mark.line + 1
            yield from _lines(value, (*at, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*at, index), value.start_mark.line + 1
            yield from _lines(value, (*at, index))


def _repeated(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def _dotted(place: Place) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def _message(detail: ErrorDetails) -> str:
    place = detail["loc"]
    owner = _MODELS.get(tuple(part for part in place[:-1] if isinstance(part, str)), Storyboard)
    match detail["type"]:
        case "extra_forbidden":
            close = get_close_matches(str(place[-1]), owner.model_fields, n=1, cutoff=0.5)
            known = ", ".join(owner.model_fields)
            return "is not a known key; " + (f"did you mean {close[0]}?" if close else f"the keys are {known}")
        case "missing":
            description = owner.model_fields[str(place[-1])].description or ""
            return f"is missing. {description}"
        case "rule":
            return detail["msg"]
        case "string_pattern_mismatch":
            return f"{detail['input']!r} is not safe as a file name; use letters, digits, - and _, for example s01"
        case _:
            return f"{detail['msg']}; found {detail['input']!r}"
