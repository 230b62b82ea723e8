"""Posters, sheets, pages and artifacts are made on a best-effort basis: their errors must not fail a paid run."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect_storyboard.media.errors import MediaError


@contextmanager
def best_effort(what: str, warnings: list[str]) -> Iterator[None]:
    """Turn any error inside into a warning that names `what`: "the contact sheet", "the page".

    Cancellation is raised. The text of other libraries' errors is left out, because it may contain a signed link.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a full disk, a font, a codec or a limit of Pillow must not cost a reel
        known = str(error) if isinstance(error, MediaError) else getattr(error, "strerror", None)
        why = known or type(error).__name__
        warnings.append(f"{what} could not be made ({why}); clips and reel are not affected, and no money was spent")
