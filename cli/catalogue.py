"""`storyboard catalogue` and `storyboard link`: list the reels of a library on a page, and print a link to one."""

from contextlib import nullcontext

from cyclopts import App

from prefect_storyboard.cli import options
from prefect_storyboard.cli.app import explained, finish
from prefect_storyboard.cli.prefect_server import needs_server, prefect_server, prepare_environment


def register(app: App) -> None:
    """Add the commands to the application."""
    app.command(catalogue)
    app.command(link)


def catalogue(*, library: options.Library = None, debug: options.Debug = False) -> int:
    """Write the library's index.html: all its reels, newest first, and their cast. Buys nothing.

    In a library of up to 100 reels, every run does so too; this command also drops
    reels from it that no longer exist.
    """
    prepare_environment(debug=debug)
    from prefect_storyboard.blocks import load_library
    from prefect_storyboard.tasks._catalogue import rebuild

    with explained(debug=debug):
        with prefect_server() if needs_server(library) else nullcontext():
            block = finish(load_library(library))
        storage = block.storage()
        found = rebuild(storage)
        print(f"{len(found)} reels\n{block.opens_at(storage.link('index.html')) or storage.link('index.html')}")
        return 0


def link(reel: options.ReelName, *, library: options.Library = None, debug: options.Debug = False) -> int:
    """Print a link that opens a reel: its page on this disk, its public address, or one that is signed for an hour."""
    prepare_environment(debug=debug)
    from prefect_storyboard.cli.links import show

    with explained(debug=debug), prefect_server() if needs_server(library) else nullcontext():
        return finish(show(reel, library))
