"""The page of a reel, served on loopback: `storyboard page BOARD`. A take that is picked there is in the reel at once.

The app needs no extra, and can be tested in process:

    app = PageApp(board, token)  # GET /<token>/, POST /<token>/reels/<reel>/pick
"""

from prefect_storyboard.pages.app import PageApp
from prefect_storyboard.pages.board import ServedBoard

__all__ = ["PageApp", "ServedBoard"]
