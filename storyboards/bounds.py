"""Limits on the size of a storyboard, checked on its text before anything is built from it."""

from collections.abc import Iterable

import yaml

from prefect_storyboard.storyboards.nouns import Frozen

MAX_BYTES = 4_000_000
MAX_SCENES = 1_000
_DEPTH = 32  # of nested lists and mappings; a storyboard needs six
_ALIASES = 1_000  # places where an anchor is repeated
_NODES = 200_000  # strings, lists and mappings, counted at each place where an anchor repeats them


class Size(Frozen):
    """The limits on one storyboard that an operator may set."""

    max_bytes: int = MAX_BYTES
    max_scenes: int = MAX_SCENES


class TooLarge(ValueError):
    """The text is over a limit: the message says which one, `line` where."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def check_length(text: str, size: Size) -> None:
    """Raise TooLarge for a text over the limit, before it is parsed."""
    if len(text) > size.max_bytes or len(text.encode(errors="replace")) > size.max_bytes:
        raise TooLarge(
            f"is larger than {size.max_bytes / 1e6:g} MB; split it into several storyboards, or raise "
            "PREFECT_INTEGRATIONS_STORYBOARD_MAX_STORYBOARD_BYTES"
        )


def too_deep(line: int | None = None) -> TooLarge:
    """The error about lists and mappings inside each other."""
    return TooLarge(f"nests more than {_DEPTH} levels deep; write it flat", line)


def check_events(events: Iterable[yaml.Event]) -> None:
    """Raise TooLarge for a text that nests too deeply or holds too much; it is scanned once and nothing is built."""
    depth = aliases = nodes = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        line = event.start_mark.line + 1 if event.start_mark else None
        if depth > _DEPTH:
            raise too_deep(line)
        if aliases > _ALIASES:
            raise TooLarge(f"repeats anchors more than {_ALIASES} times; write them out", line)
        if nodes > _NODES:
            raise TooLarge(f"holds more than {_NODES} texts and lists", line)


def check_repeats(root: yaml.Node | None) -> None:
    """Raise TooLarge if anchors expand to more than the limit, or contain themselves."""
    if root is not None and _unfolded(root, {}) > _NODES:
        raise TooLarge(f"expands to more than {_NODES} texts and lists, because its anchors repeat each other")


def _unfolded(node: yaml.Node, known: dict[int, int | None]) -> int:
    """The number of nodes once every anchor is expanded; each node is counted once and cached."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in known:
        counted = known[id(node)]
        if counted is None:
            raise TooLarge("has an anchor that contains itself; write it out", node.start_mark.line + 1)
        return counted
    known[id(node)] = None
    children = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    known[id(node)] = count = 1 + sum(_unfolded(child, known) for child in children)
    return count


def check_nesting(data: object) -> None:
    """Check the same limits for JSON or a mapping. Raises TooLarge."""
    waiting, seen = [(data, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > _DEPTH:
            raise too_deep()
        if seen > _NODES:
            raise TooLarge(f"holds more than {_NODES} texts and lists")
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list | tuple):
            waiting += [(each, depth + 1) for each in value]
