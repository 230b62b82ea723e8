"""Errors in posters, sheets, pages and artifacts must not fail a paid run."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect_storyboard.media.errors import MediaError


@contextmanager
def for_show(what: str, warnings: list[str]) -> Iterator[None]:
    """Turn any error inside into a warning that names `what`: "the contact sheet", "the page".

    Cancellation is raised. The text of other libraries' errors is left out, because it may contain a signed link.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - disk full, a font, a codec, a limit of Pillow: none of these may cost a reel
        known = str(error) if isinstance(error, MediaError) else getattr(error, "strerror", None)
        why = known or type(error).__name__
        warnings.append(f"{what} could not be made ({why}); clips and reel are not affected, and no money was spent")
