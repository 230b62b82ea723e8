"""Read a storyboard and its cast files, and list the files that it may name."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from prefect.runtime import deployment

from prefect_storyboard.blocks import Library, allowed_to_callers
from prefect_storyboard.media.bounds import Allowed
from prefect_storyboard.media.sources import SourceError, absolute, folder_of, read_text
from prefect_storyboard.storyboards import Source, Storyboard, is_text, validate
from prefect_storyboard.storyboards.bounds import Size
from prefect_storyboard.storyboards.cast_files import CastFile, with_cast_files
from prefect_storyboard.storyboards.text import check_scenes, load


class Reading(NamedTuple):
    """The settings for reading a storyboard: storage options, what it may name, and the values of variables."""

    library: Library
    options: Mapping[str, Any]
    allowed: Allowed
    values: Mapping[str, str]


def read_board(storyboard: Storyboard | Mapping[str, Any] | str, reading: Reading) -> tuple[Storyboard, Source, str]:
    """The storyboard, its source, and the folder that its relative paths start from."""
    bounds = reading.allowed.bounds
    size = Size(max_bytes=bounds.max_storyboard_bytes, max_scenes=bounds.max_scenes)
    if isinstance(storyboard, Storyboard):
        check_scenes(storyboard, size)
        if not reading.values:
            return storyboard, Source(), ""
        given = storyboard.model_dump(mode="json", exclude_defaults=True)
        return validate(given, Source(), size, reading.values), Source(), ""
    source, base = Source(), ""
    if isinstance(storyboard, Mapping):
        data: Mapping[str, Any] = storyboard
    elif is_text(storyboard):
        data, source = load(storyboard, "storyboard", size)
    else:
        name = storyboard.partition("?")[0].rpartition("/")[2]
        data, source = load(read_text(storyboard, reading.options, reading.allowed), name, size)
        base = folder_of(storyboard)
    allowed = allowed_files(storyboard, base, reading.library)
    data, source = with_cast_files(data, source, partial(_cast_file, base, reading.options, allowed), size)
    return validate(data, source, size, reading.values), source, base


def _cast_file(base: str, options: Mapping[str, Any], allowed: Allowed, reference: str) -> CastFile:
    """Read a cast file, which may lie wherever a file of the storyboard may. Raises SourceError."""
    full = absolute(reference, base)
    folder = folder_of(full)
    try:
        text = read_text(full, options, allowed)
    except SourceError as error:
        raise SourceError(f"{error}{relative_path_hint(reference, base)}") from None
    return CastFile(text, full.partition("?")[0].rpartition("/")[2], lambda path: absolute(path, folder))


def allowed_files(storyboard: object, base: str, library: Library) -> Allowed:
    """The files that the storyboard may read: its own folder and, outside deployments, the working directory.

    Both belong to the caller. A storyboard that the caller's code has built may name any path, except in a deployment,
    where it comes from the form. A working directory that is the root of the disk, as in many containers, allows
    nothing. For a storyboard behind a symbolic link, the link's target folder counts as well.
    """
    deployed = deployment.id is not None
    if not isinstance(storyboard, str) and not deployed:
        return allowed_to_callers(library)
    folders = [base] if base else []
    if base and "://" not in base:
        folders.append(str(Path(str(storyboard)).expanduser().resolve().parent))
    here = Path.cwd()
    if not deployed and here != here.parent:
        folders.append(str(here))
    return library.allowed(*folders)


def relative_path_hint(reference: str, base: str) -> str:
    """The remedy for a relative path in a storyboard that was pasted or built in code, and so lies in no folder."""
    if base or absolute(reference, "/") == reference:
        return ""
    return (
        "; a storyboard that is no file has nothing beside it: give a URL (https://, s3://, gs:// or az://), or save "
        "the storyboard beside its files, and give its path or URL"
    )


def storage_options(library: Library) -> dict[str, Any]:
    """The library's storage options, which also serve for files in storage of the same kind."""
    protocol = library.url.partition("://")[0] if "://" in library.url else "file"
    return {protocol: library.storage_options.get_secret_value()} if protocol != "file" else {}
