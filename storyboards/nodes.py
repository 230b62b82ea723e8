"""A storyboard's text as YAML nodes, which know their lines."""

import re
from collections.abc import Iterator

import yaml

from prefect_storyboard.storyboards.base import Place
from prefect_storyboard.storyboards.problems import Problem, Source, StoryboardError, unreadable

TAG = "tag:yaml.org,2002:"
_TYPES = {  # of YAML 1.2's core schema
    f"{TAG}bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    f"{TAG}int": re.compile(r"[-+]?[0-9]+"),
    f"{TAG}float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
}
_TEXTS = {"title", "style", "name", "description", "prompt"}
_COMMENT = re.compile(r" +(#[^\n]*)")


def type_fields(node: yaml.Node | None, seen: set[int], *, inside: bool = False) -> None:
    """Give plain numbers and booleans below a `fields:` key their YAML types: our models do not know those fields."""
    for key, value in _children(node, seen):
        within = inside or (isinstance(key, yaml.ScalarNode) and key.value == "fields")
        if within and isinstance(value, yaml.ScalarNode) and not value.style and value.tag == f"{TAG}str":
            value.tag = next((tag for tag, form in _TYPES.items() if form.fullmatch(value.value)), value.tag)
        type_fields(value, seen, inside=within)


def check_keys(root: yaml.Node | None, name: str) -> None:
    """Raise StoryboardError for duplicate keys, of which YAML and JSON would keep the last, and for invalid keys."""
    found = [unreadable(name, key.start_mark.line + 1, message) for key, message in _faulty_keys(root, set())]
    if found:
        raise StoryboardError(*found)


def _faulty_keys(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[yaml.Node, str]]:
    words: set[str] = set()
    for key, value in _children(node, seen):
        if key is not None:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in {f"{TAG}str", f"{TAG}merge"}:
                yield key, "a key is missing here; put a text with braces or brackets in quotes"
                continue
            if key.value in words:
                yield key, f"{key.value!r} occurs here a second time; keep one of the two"
            words.add(key.value)
        yield from _faulty_keys(value, seen)


def lines(node: yaml.Node, seen: set[int], at: Place = ()) -> Iterator[tuple[Place, int]]:
    """The line of every key and item, by its path."""
    for index, (key, value) in enumerate(_children(node, seen)):
        place = (*at, index if key is None else key.value)
        yield place, (key or value).start_mark.line + 1
        yield from lines(value, seen, place)


def cut_texts(root: yaml.Node | None, text: str, source: Source) -> Iterator[Problem]:
    """The unquoted texts that a comment cuts off: "Take #3 of the boat" is read as "Take"."""
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
    """Keys and values, or items without a key. A repeated anchor is visited once, because it may contain itself."""
    if node is None or isinstance(node, yaml.ScalarNode) or id(node) in seen:
        return []
    seen.add(id(node))
    return list(node.value) if isinstance(node, yaml.MappingNode) else [(None, item) for item in node.value]
