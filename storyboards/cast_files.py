"""Cast files: characters that several storyboards share, `cast: cast/mara-and-friends.yaml`, mixed with inline ones."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from prefect_storyboard.storyboards.base import Place, RawStoryboard
from prefect_storyboard.storyboards.bounds import Size
from prefect_storyboard.storyboards.problems import Source, StoryboardError
from prefect_storyboard.storyboards.text import load

_MOST = 50  # files of one storyboard


class CastFile(NamedTuple):
    """The text of a cast file, its name, and a function that resolves its paths, which are relative to the file."""

    text: str
    name: str
    resolve: Callable[[str], str]


Read = Callable[[str], CastFile]  # raises OSError for a file that cannot be read


def with_cast_files(data: Mapping[str, object], source: Source, read: Read, size: Size) -> tuple[RawStoryboard, Source]:
    """The storyboard with the characters of its cast files, each with its line in its own file.

    Raises StoryboardError for a file that cannot be read or is not a cast file.
    """
    given = data.get("cast")
    entries = [given] if isinstance(given, str) else given
    if not isinstance(entries, list | tuple) or not any(isinstance(each, str) for each in entries):
        return dict(data), source
    if sum(isinstance(each, str) for each in entries) > _MOST:
        raise StoryboardError(source.problem(("cast",), f"names more than {_MOST} files; put them together"))
    cast: list[Any] = []
    lines = {place: line for place, line in source.lines.items() if place[:1] != ("cast",)}
    files: dict[Place, str] = {}
    for at, entry in enumerate(entries):
        place: Place = ("cast",) if given is not entries else ("cast", at)
        if not isinstance(entry, str):
            lines |= _moved(source, place, len(cast))
            cast.append(entry)
            continue
        members, own = _members(entry, place, source, read, size)
        for number, member in enumerate(members):
            lines |= _moved(own, ("cast", number), len(cast))
            files["cast", len(cast)] = own.name
            cast.append(member)
    return {**data, "cast": cast}, replace(source, lines=lines, files=files)


def _members(reference: str, place: Place, source: Source, read: Read, size: Size) -> tuple[list[Any], Source]:
    """The characters of one file, with resolved paths, and their source lines."""
    try:
        file = read(reference)
    except OSError as error:
        raise StoryboardError(source.problem(place, str(error))) from None
    data, own = load(file.text, file.name, size)
    if [*data] != ["cast"] or not isinstance(data["cast"], list):
        raise StoryboardError(
            own.problem((), "is not a cast file; a cast file has one key, cast:, with a list of characters")
        )
    return [_resolved(member, file.resolve) for member in data["cast"]], own


def _resolved(member: Any, resolve: Callable[[str], str]) -> Any:
    if not isinstance(member, Mapping):
        return member
    made = dict(member)
    if isinstance(made.get("clip"), str):
        made["clip"] = resolve(made["clip"])
    if isinstance(made.get("images"), list):
        made["images"] = [resolve(image) if isinstance(image, str) else image for image in made["images"]]
    return made


def _moved(source: Source, old: Place, at: int) -> dict[Place, int]:
    """The lines of an entry and of everything in it, under its place in the whole cast."""
    return {("cast", at, *place[len(old) :]): line for place, line in source.lines.items() if place[: len(old)] == old}
