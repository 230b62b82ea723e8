"""`storyboard link`: a link that opens a reel, made for whoever asks and stored nowhere."""

from pathlib import Path

from prefect_storyboard.blocks import Library, load_library
from prefect_storyboard.ledger import Storage
from prefect_storyboard.storyboards.folders import slug

_SECONDS = 3_600


async def show(reel: str, reference: str | None) -> int:
    """Print the links of the reel of a title, or of the name of its folder. Raises ValueError where there is none."""
    library = await load_library(reference)
    for line in links(reel, library, library.storage()):
        print(line)
    return 0


def links(reel: str, library: Library, storage: Storage) -> list[str]:
    """The page and the film on this disk; else a public address, or one that is signed for an hour."""
    folder = next((name for name in (reel, slug(reel)) if storage.exists("reels", name, "reel.mp4")), None)
    if folder is None:
        there = ", ".join(storage.names("reels")) or "none"
        raise ValueError(f"there is no reel of {reel!r} in {library.url}; there is: {there}")
    film, page = ("reels", folder, "reel.mp4"), ("reels", folder, "index.html")
    if path := storage.local(*film):
        return [f"page   {Path(storage.path(*page)).as_uri()}", f"reel   {path}"]
    if library.public_url:
        return [f"page   {library.opens_at(storage.link(*page))}", f"reel   {library.opens_at(storage.link(*film))}"]
    try:
        return [f"reel   {storage.fs.sign(storage.path(*film), expiration=_SECONDS)}"]
    except Exception as error:  # noqa: BLE001 - each store has errors of its own
        why = f"{type(error).__name__}; its credentials may not be of a kind that signs"
        raise ValueError(
            f"{library.url} makes no link ({why}). Read {storage.link(*film)} with the store's own tools"
        ) from None
