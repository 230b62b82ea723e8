"""YAML and JSON as data and as nodes. A syntax error names its line and what to write instead."""

import json
import re
from typing import Any

import yaml

from prefect_storyboard.storyboards.bounds import TooLarge, check_events, check_nesting, check_repeats, too_deep
from prefect_storyboard.storyboards.nodes import TAG, check_keys, type_fields
from prefect_storyboard.storyboards.problems import Problem, StoryboardError, unreadable

_SHORT = 100_000  # characters
_NESTS = (
    "maximum nesting depth"  # libyaml 0.2.6 has a limit of its own, which it reaches before ours while it reads ahead
)
_UNREADABLE = (
    yaml.YAMLError,
    ValueError,
    OverflowError,
    RecursionError,
)  # everything that PyYAML raises for malformed text
_JSON_COMMENT = re.compile(r"^\s*(#|//|/\*)|[,\[\]{}\"\d]\s*(//|/\*|#)")
_HINTS = {
    "mapping values are not allowed": "put a text with a colon and a space in quotes",
    r"character '\t'": "indent with spaces, not with tabs",
    "cannot start any token": "put a text that begins with such a character in quotes",
    "determine a constructor": "put a text that begins with an exclamation mark in quotes",
    "another document": "write one storyboard per file",
}


def from_json(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    """The data, and the same as YAML nodes, which know their lines; None if YAML cannot read this JSON."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        line, why = _json_problem(error, text)
        raise StoryboardError(unreadable(name, line, f"is not valid JSON: {why}")) from None
    except RecursionError:
        raise TooLarge("nests too deeply; write it flat") from None
    except ValueError:  # a number with thousands of digits
        raise StoryboardError(unreadable(name, None, "is not valid JSON: it holds a number that is too long")) from None
    check_nesting(data)
    try:
        root = _composed(text.expandtabs())  # JSON may be indented with tabs, YAML may not
    except TooLarge:
        return data, None
    except _UNREADABLE:
        return data, None
    check_keys(root, name)
    return data, root


def _json_problem(error: json.JSONDecodeError, text: str) -> tuple[int, str]:
    """The line and the reason; a comment is detected in the line where the parser stops, or in the one before."""
    lines = text.splitlines()
    for number in (error.lineno, error.lineno - 1):
        if 0 < number <= len(lines) and _JSON_COMMENT.search(lines[number - 1]):
            return number, "JSON has no comments; remove it, or rename the file to .yaml, where # begins a comment"
    return error.lineno, error.msg


def from_yaml(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    """The data, and the nodes that it was built from. Raises StoryboardError with the line of a syntax error."""
    try:
        root = _composed(text)
        check_keys(root, name)
        type_fields(root, set())
        return (_Loader.construct(root) if root else None), root
    except (StoryboardError, TooLarge):
        raise
    except _UNREADABLE as error:
        raise StoryboardError(_yaml_problem(_in_pyyamls_words(text, error), name)) from None


def _composed(text: str) -> yaml.Node | None:
    """The text as nodes, once it is known to be within the bounds of a storyboard."""
    try:
        check_events(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        if _NESTS in str(error.problem):
            raise too_deep(error.problem_mark.line + 1 if error.problem_mark else None) from None
        raise
    root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    check_repeats(root)
    return root


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc] # sixty times faster
    """YAML 1.2's plain scalars: 16:9 stays text (YAML 1.1 reads 969), and a character may be called No.

    Numbers stay text too: the nouns convert them.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - yaml's own class attribute
        first: [(tag, regexp) for tag, regexp in pairs if tag in {f"{TAG}null", f"{TAG}merge"}]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012 - likewise
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (*(f"{TAG}{name}" for name in ("null", "str", "seq", "map", "bool", "int", "float")), None)
    }

    @classmethod
    def construct(cls, root: yaml.Node) -> Any:
        loader = cls("")
        try:
            return loader.construct_document(root)
        finally:
            loader.dispose()


def _in_pyyamls_words(text: str, error: Exception) -> Exception:
    """The error of PyYAML's own parser, which is clearer than libyaml's but slow, so only for short texts."""
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
    return unreadable(name, mark.line + 1 if mark else None, f"is not valid YAML: {text}; {hint}")
