"""Load a storyboard from YAML, JSON or a mapping; errors name file, line, field and what to write instead."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from prefect_storyboard.storyboards.base import RawStoryboard
from prefect_storyboard.storyboards.bounds import Size, TooLarge, check_length, check_nesting
from prefect_storyboard.storyboards.nodes import cut_texts, lines
from prefect_storyboard.storyboards.nouns import Storyboard
from prefect_storyboard.storyboards.problems import Source, StoryboardError, unreadable
from prefect_storyboard.storyboards.remedies import sentence
from prefect_storyboard.storyboards.syntax import from_json, from_yaml
from prefect_storyboard.storyboards.variables import filled

_SIZE = Size()
_NO_SOURCE = Source()


def is_text(given: str) -> bool:
    """Whether this is a storyboard's text and not a path or URL: it has several lines, is JSON, or is empty."""
    return "\n" in given.strip() or given.lstrip()[:1] in {"", "{"}


def parse(text: str, name: str, size: Size = _SIZE) -> tuple[Storyboard, Source]:
    """Read YAML or JSON text; `name` is the file's, for the messages. Raises StoryboardError.

    Takes time in proportion to the text: text that is larger than `size`, nests too deeply or expands without end is
    refused before anything is built from it.
    """
    data, source = load(text, name, size)
    return validate(data, source, size), source


def load(text: str, name: str, size: Size = _SIZE) -> tuple[RawStoryboard, Source]:
    """Read YAML or JSON text without validating its content. Raises StoryboardError if it is malformed or too large."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise StoryboardError(
            unreadable(name, None, "is empty; a storyboard begins with lines like title: and scenes:")
        )
    try:
        check_length(text, size)
        data, root = (from_json if name.lower().endswith(".json") else from_yaml)(text, name)
    except TooLarge as error:
        raise StoryboardError(unreadable(name, error.line, str(error))) from None
    if not isinstance(data, dict):
        raise StoryboardError(
            unreadable(name, 1, "is not a storyboard; a storyboard begins with lines like title: and scenes:")
        )
    source = Source(name, dict(lines(root, set())) if root else {})
    return data, replace(source, warnings=tuple(cut_texts(root, text, source)))


def validate(
    data: Mapping[str, object], source: Source = _NO_SOURCE, size: Size = _SIZE, values: Mapping[str, str] | None = None
) -> Storyboard:
    """Build a Storyboard from a mapping. Raises StoryboardError with all problems that can be found together.

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


def _with_values(data: Mapping[str, object], source: Source, size: Size, values: Mapping[str, str]) -> RawStoryboard:
    """The variables filled in. Raises StoryboardError for those that have no value."""
    made, faults = filled(data, values, size.max_bytes)
    if faults:
        raise StoryboardError(*(source.problem(place, message) for place, message in faults))
    return made


def _check_size(data: Mapping[str, object], source: Source, size: Size) -> None:
    """Refuse data that nests too deeply, or has more scenes than the operator allows."""
    scenes = data.get("scenes")
    if isinstance(scenes, list | tuple) and len(scenes) > size.max_scenes:
        raise StoryboardError(source.problem(("scenes", size.max_scenes), _too_many(len(scenes), size)))
    try:
        check_nesting(dict(data))
    except TooLarge as error:
        raise StoryboardError(source.problem((), str(error))) from None


def check_scenes(board: Storyboard, size: Size) -> None:
    """Check the number of scenes of a Storyboard object. Raises StoryboardError."""
    if len(board.scenes) > size.max_scenes:
        raise StoryboardError(_NO_SOURCE.problem(("scenes",), _too_many(len(board.scenes), size)))


def _too_many(count: int, size: Size) -> str:
    return (
        f"{count} scenes are more than {size.max_scenes}; split the storyboard, or raise "
        "PREFECT_INTEGRATIONS_STORYBOARD_MAX_SCENES"
    )
