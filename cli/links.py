"""`storyboard link`: print a link that opens a reel. Signed links are stored nowhere."""

from pathlib import Path

from prefect_storyboard.blocks import Library, load_library
from prefect_storyboard.ledger import Storage
from prefect_storyboard.storyboards.folders import slug

_SECONDS = 3_600


async def show(reel: str, reference: str | None) -> int:
    """Print the links of a reel, given its title or its folder's name. Raises ValueError if it does not exist."""
    library = await load_library(reference)
    for line in links(reel, library, library.storage()):
        print(line)
    return 0


def links(reel: str, library: Library, storage: Storage) -> list[str]:
    """The paths of the page and the MP4 on this disk; else public addresses, or one that is signed for an hour."""
    folder = next((name for name in (reel, slug(reel)) if storage.exists("reels", name, "reel.mp4")), None)
    if folder is None:
        reels = ", ".join(storage.names("reels")) or "none"
        raise ValueError(f"there is no reel {reel!r} in {library.url}; its reels: {reels}")
    film, page = ("reels", folder, "reel.mp4"), ("reels", folder, "index.html")
    if path := storage.local(*film):
        return [f"page   {Path(storage.path(*page)).as_uri()}", f"reel   {path}"]
    if library.public_url:
        return [f"page   {library.opens_at(storage.link(*page))}", f"reel   {library.opens_at(storage.link(*film))}"]
    try:
        return [f"reel   {storage.fs.sign(storage.path(*film), expiration=_SECONDS)}"]
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        why = f"{type(error).__name__}; its credentials may not be able to sign"
        raise ValueError(
            f"{library.url} cannot sign a link ({why}). Open {storage.link(*film)} with the storage's own tools"
        ) from None
