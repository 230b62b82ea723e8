"""A storyboard from YAML, JSON or a mapping, with errors that name file, line, field and what to write instead."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from pydantic import ValidationError

from prefect_storyboard.addresses import bare
from prefect_storyboard.storyboards.bounds import (
    Size,
    TooLarge,
    check_events,
    check_length,
    check_nesting,
    check_repeats,
)
from prefect_storyboard.storyboards.nouns import Frozen, Storyboard
from prefect_storyboard.storyboards.remedies import sentence
from prefect_storyboard.storyboards.variables import filled

Place = tuple[str | int, ...]

_SIZE = Size()
_SHORT = 100_000  # characters
_LONGEST = 600  # characters of a message
_SHOWN = 50  # problems in one message; `problems` has all

_TAG = "tag:yaml.org,2002:"
_TYPES = {  # of YAML 1.2's core schema
    f"{_TAG}bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    f"{_TAG}int": re.compile(r"[-+]?[0-9]+"),
    f"{_TAG}float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
}
_UNREADABLE = (yaml.YAMLError, ValueError, OverflowError, RecursionError)  # all that PyYAML makes of bad text
_TEXTS = {"title", "style", "name", "description", "prompt"}
_JSON_COMMENT = re.compile(r"^\s*(#|//|/\*)|[,\[\]{}\"\d]\s*(//|/\*|#)")
_COMMENT = re.compile(r" +(#[^\n]*)")
_HINTS = {
    "mapping values are not allowed": "a text with a colon and a space in it stands in quotes",
    r"character '\t'": "indent with spaces, not with tabs",
    "cannot start any token": "a text that begins with such a character stands in quotes",
    "determine a constructor": "a text that begins with an exclamation mark stands in quotes",
    "another document": "a file holds one storyboard",
}


class Problem(Frozen):
    """One thing to fix in a storyboard."""

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
        more = len(self.problems) - _SHOWN
        lines = [*map(str, self.problems[:_SHOWN]), *([f"and {more} more problems"] if more > 0 else [])]
        return "\n".join(lines)


@dataclass(frozen=True)
class Source:
    """Where a storyboard came from: the file's name, and the line of every key and item by its place.

    `warnings` are what its text probably does not mean; `files` are the names of files that parts of it came from.
    """

    name: str = "storyboard"
    lines: Mapping[Place, int] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    files: Mapping[Place, str] = field(default_factory=dict)

    def problem(self, place: Place, message: str) -> Problem:
        """A problem at the line of the place, or of the nearest thing around it that has one."""
        sizes = range(len(place), 0, -1)
        line = next((self.lines[place[:size]] for size in sizes if place[:size] in self.lines), None)
        name = self.files.get(place[:2], self.name)
        return Problem(source=name, line=line, field=_dotted(place), message=_short(message))


def is_text(given: str) -> bool:
    """Is this a storyboard's text, and no path or URL? It has lines, or is JSON; nothing at all is an empty one."""
    return "\n" in given.strip() or given.lstrip()[:1] in {"", "{"}


def parse(text: str, name: str, size: Size = _SIZE) -> tuple[Storyboard, Source]:
    """Read YAML or JSON text; `name` is the file's, for the messages. Raises StoryboardError.

    Takes time in proportion to the text: what is larger than `size`, nests too deeply or unfolds without end is refused
    before anything is built from it.
    """
    data, source = load(text, name, size)
    return validate(data, source, size), source


def load(text: str, name: str, size: Size = _SIZE) -> tuple[dict[str, Any], Source]:
    """Read YAML or JSON text without checking what it says. Raises StoryboardError for what is none, or too large."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise StoryboardError(
            _unreadable(name, None, "is empty; a storyboard begins with lines like title: and scenes:")
        )
    try:
        check_length(text, size)
        data, root = (_from_json if name.lower().endswith(".json") else _from_yaml)(text, name)
    except TooLarge as error:
        raise StoryboardError(_unreadable(name, error.line, str(error))) from None
    if not isinstance(data, dict):
        raise StoryboardError(
            _unreadable(name, 1, "is no storyboard; a storyboard begins with lines like title: and scenes:")
        )
    source = Source(name, dict(_lines(root, set())) if root else {})
    return data, replace(source, warnings=tuple(_cut_texts(root, text, source)))


def validate(
    data: Mapping[str, Any], source: Source = Source(), size: Size = _SIZE, values: Mapping[str, str] | None = None
) -> Storyboard:
    """Build a Storyboard from a mapping. Raises StoryboardError with every problem that can be seen at once.

    The key `$schema` is for editors; it is allowed and ignored. Variables are filled in from `with` and from `values`.
    """
    if isinstance(data, Mapping):
        data = {key: value for key, value in data.items() if key != "$schema"}
        _check_size(data, source, size)
        data = _with_values(data, source, size, values or {})
    try:
        return Storyboard.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise StoryboardError(*(source.problem(detail["loc"], sentence(detail)) for detail in details)) from None


def _with_values(data: Mapping[str, Any], source: Source, size: Size, values: Mapping[str, str]) -> dict[str, Any]:
    """The variables filled in. Raises StoryboardError for those that have no value."""
    made, faults = filled(data, values, size.max_bytes)
    if faults:
        raise StoryboardError(*(source.problem(place, message) for place, message in faults))
    return made


def _check_size(data: Mapping[str, Any], source: Source, size: Size) -> None:
    """Refuse what would take for ever to check, or more scenes than the operator allows."""
    scenes = data.get("scenes")
    if isinstance(scenes, list | tuple) and len(scenes) > size.max_scenes:
        raise StoryboardError(source.problem(("scenes", size.max_scenes), _too_many(len(scenes), size)))
    try:
        check_nesting(dict(data))
    except TooLarge as error:
        raise StoryboardError(source.problem((), str(error))) from None


def check_scenes(board: Storyboard, size: Size) -> None:
    """The bound of scenes for a storyboard that was built elsewhere. Raises StoryboardError."""
    if len(board.scenes) > size.max_scenes:
        raise StoryboardError(Source().problem(("scenes",), _too_many(len(board.scenes), size)))


def _too_many(count: int, size: Size) -> str:
    return (
        f"{count} scenes are more than {size.max_scenes}; split the storyboard, or raise "
        "PREFECT_INTEGRATIONS_STORYBOARD_MAX_SCENES"
    )


def _from_json(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    """The data, and the same as YAML nodes, which know their lines; None where YAML cannot read what JSON can."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        line, why = _json_problem(error, text)
        raise StoryboardError(_unreadable(name, line, f"is no valid JSON: {why}")) from None
    except RecursionError:
        raise TooLarge("nests too deeply; write it flat") from None
    except ValueError:  # a number with thousands of digits
        raise StoryboardError(_unreadable(name, None, "is no valid JSON: it holds a number that is too long")) from None
    check_nesting(data)
    try:
        root = _composed(text.expandtabs())  # JSON may be indented with tabs, YAML may not
    except TooLarge:
        return data, None
    except _UNREADABLE:
        return data, None
    _check_keys(root, name)
    return data, root


def _json_problem(error: json.JSONDecodeError, text: str) -> tuple[int, str]:
    """The line and the reason; a comment is found where the reader stops, or in the line before it."""
    lines = text.splitlines()
    for number in (error.lineno, error.lineno - 1):
        if 0 < number <= len(lines) and _JSON_COMMENT.search(lines[number - 1]):
            return number, "JSON has no comments; take it out, or rename the file to .yaml, where # begins one"
    return error.lineno, error.msg


def _from_yaml(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    try:
        root = _composed(text)
        _check_keys(root, name)
        _type_fields(root, set())
        return (_Loader.construct(root) if root else None), root
    except (StoryboardError, TooLarge):
        raise
    except _UNREADABLE as error:
        raise StoryboardError(_yaml_problem(_in_pyyamls_words(text, error), name)) from None


def _composed(text: str) -> yaml.Node | None:
    """The text as nodes, once it is known to be no larger and no deeper than a storyboard."""
    check_events(yaml.parse(text, Loader=_Loader))
    root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    check_repeats(root)
    return root


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc] # sixty times faster
    """YAML 1.2's plain scalars: 16:9 stays text (1.1 reads 969), and a character may be called No.

    Numbers stay text too: the nouns know where one belongs.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - yaml's own class attribute
        first: [(tag, regexp) for tag, regexp in pairs if tag in {f"{_TAG}null", f"{_TAG}merge"}]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012 - likewise
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (*(f"{_TAG}{name}" for name in ("null", "str", "seq", "map", "bool", "int", "float")), None)
    }

    @classmethod
    def construct(cls, root: yaml.Node) -> Any:
        loader = cls("")
        try:
            return loader.construct_document(root)
        finally:
            loader.dispose()


def _type_fields(node: yaml.Node | None, seen: set[int], *, inside: bool = False) -> None:
    """Give plain numbers and booleans below a `fields:` key their own types: no noun of ours knows what they are."""
    for key, value in _children(node, seen):
        within = inside or (isinstance(key, yaml.ScalarNode) and key.value == "fields")
        if within and isinstance(value, yaml.ScalarNode) and not value.style and value.tag == f"{_TAG}str":
            value.tag = next((tag for tag, form in _TYPES.items() if form.fullmatch(value.value)), value.tag)
        _type_fields(value, seen, inside=within)


def _in_pyyamls_words(text: str, error: Exception) -> Exception:
    """The error as PyYAML's own parser words it, which says more than libyaml's; it is slow, so of short texts only."""
    if len(text) > _SHORT:
        return error
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except _UNREADABLE as worded:
        return worded
    return error


def _yaml_problem(error: Exception, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    text = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    hint = next((hint for part, hint in _HINTS.items() if part in text), "check indentation, quotes and colons")
    return _unreadable(name, mark.line + 1 if mark else None, f"is no valid YAML: {text}; {hint}")


def _short(message: str) -> str:
    """A message without signatures, and of one that quotes a megabyte only its two ends."""
    text = bare(message)
    return text if len(text) <= _LONGEST else f"{text[:300]} ... {text[-200:]}"


def _unreadable(name: str, line: int | None, message: str) -> Problem:
    return Problem(source=bare(name), line=line, field="", message=_short(message))


def _check_keys(root: yaml.Node | None, name: str) -> None:
    """Raise StoryboardError for keys that stand twice, of which YAML and JSON keep the last, and for what is no key."""
    found = [_unreadable(name, key.start_mark.line + 1, message) for key, message in _faulty_keys(root, set())]
    if found:
        raise StoryboardError(*found)


def _faulty_keys(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[yaml.Node, str]]:
    words: set[str] = set()
    for key, value in _children(node, seen):
        if key is not None:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in {f"{_TAG}str", f"{_TAG}merge"}:
                yield key, "a key is missing here; a text with braces or brackets in it stands in quotes"
                continue
            if key.value in words:
                yield key, f"{key.value!r} stands here a second time; keep one of the two"
            words.add(key.value)
        yield from _faulty_keys(value, seen)


def _lines(node: yaml.Node, seen: set[int], at: Place = ()) -> Iterator[tuple[Place, int]]:
    """The line of every key and item, by its place."""
    for index, (key, value) in enumerate(_children(node, seen)):
        place = (*at, index if key is None else key.value)
        yield place, (key or value).start_mark.line + 1
        yield from _lines(value, seen, place)


def _cut_texts(root: yaml.Node | None, text: str, source: Source) -> Iterator[Problem]:
    """The texts without quotes that a comment ends: "Take #3 of the boat" is read as "Take"."""
    for place, node in _scalars(root, set()):
        if not node.style and place[-1] in _TEXTS and (cut := _COMMENT.match(text, node.end_mark.index)):
            words = cut[1].strip()
            read = f'is read as {node.value[-30:]!r}, for " #" begins a comment'
            yield source.problem(place, f"{read}; put the text in quotes if {words[:30]!r} belongs to it")


def _scalars(node: yaml.Node | None, seen: set[int], at: Place = ()) -> Iterator[tuple[Place, yaml.ScalarNode]]:
    if isinstance(node, yaml.ScalarNode):
        yield at, node
    for index, (key, value) in enumerate(_children(node, seen)):
        yield from _scalars(value, seen, (*at, index if key is None else key.value))


def _children(node: yaml.Node | None, seen: set[int]) -> list[tuple[yaml.Node | None, yaml.Node]]:
    """Keys and values, or items without a key. What an anchor repeats is looked at once: it may contain itself."""
    if node is None or isinstance(node, yaml.ScalarNode) or id(node) in seen:
        return []
    seen.add(id(node))
    return list(node.value) if isinstance(node, yaml.MappingNode) else [(None, item) for item in node.value]


def _dotted(place: Place) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")
