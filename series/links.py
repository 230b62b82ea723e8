"""The lines of a report that lead to the reel. None has a signature: a report is kept for all who may read it."""

from prefect_storyboard.blocks import Library
from prefect_storyboard.series.markdown import code
from prefect_storyboard.storyboards import Reel


def where(reel: Reel, library: Library) -> list[str]:
    """Links that open, else the reel's path, or the command that makes a link for whoever reads."""
    url, page = reel.url or "", reel.page or ""
    link = library.opens_at(url)
    if library.public_url:
        return [
            f"**[Watch the reel]({link})** or [open its page]({library.opens_at(page)}), with every scene and take."
        ]
    if "://" not in url or url.startswith(("file:", "local:")):
        return [
            f"The reel is a file on the machine that rendered it: {code(url)}",
            f"Its page, with every scene and take: {code(page)}",
        ]
    command = f"storyboard link {url.split('/')[-2]} --library {library.url}"
    lines = [f"**[Watch the reel]({link})**, logged in to the bucket's console."] if link else []
    return [*lines, f"A link that works for an hour: {code(command)}", f"The reel: {code(url)}"]
