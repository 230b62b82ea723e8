"""What people only look at, posters, sheets, the page, an artifact, must not stop what is paid for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prefect_storyboard.media.frames import poster
from prefect_storyboard.media.probe import MediaError


@contextmanager
def for_show(what: str, warnings: list[str]) -> Iterator[None]:
    """Turn whatever fails inside into a warning that names `what`: "the contact sheet", "the page".

    Cancellation goes through. The text of a foreign error is left out, as it may hold a signed link.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - disk full, a font, a codec, a limit of Pillow: none of it is worth a reel
        known = str(error) if isinstance(error, MediaError) else getattr(error, "strerror", None)
        why = known or type(error).__name__
        warnings.append(f"{what} could not be made ({why}); clips and reel are not affected, and no money was spent")


def posters(clips: Sequence[Path], warnings: list[str]) -> list[Path | None]:
    """Write a poster beside each clip; None, and a warning, where one cannot be made."""
    made: list[Path | None] = []
    for path in clips:
        made.append(None)
        with for_show(f"the poster of {path.name}", warnings):
            poster(path, path.with_suffix(".jpg"))
            made[-1] = path.with_suffix(".jpg")
    return made
