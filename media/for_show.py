"""What people only look at, posters, sheets, the page, an artifact, must not stop what is paid for."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect_storyboard.media.errors import MediaError


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
