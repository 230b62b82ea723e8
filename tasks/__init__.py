"""The tasks: one for each verb, to compose in flows of your own. See docs/flows-of-your-own.md.

Paid tasks go through the ledger, so that each job is bought once, however often the task is called, retried or cached.
"""

from prefect_storyboard.tasks.assemble import assemble
from prefect_storyboard.tasks.create_character import create_character
from prefect_storyboard.tasks.draw import draw
from prefect_storyboard.tasks.generate import generate
from prefect_storyboard.tasks.poll import poll
from prefect_storyboard.tasks.render import render
from prefect_storyboard.tasks.store import store
from prefect_storyboard.tasks.upload import upload

__all__ = ["assemble", "create_character", "draw", "generate", "poll", "render", "store", "upload"]
