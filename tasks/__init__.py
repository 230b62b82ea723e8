"""The nodes: one Prefect task a verb, to compose in a flow of one's own. See docs/flows-of-your-own.md.

Paid steps go through the ledger, so that each is bought once whatever calls, retries or caches it.
"""

from prefect_storyboard.tasks.assemble import assemble
from prefect_storyboard.tasks.create_character import create_character
from prefect_storyboard.tasks.generate import generate
from prefect_storyboard.tasks.poll import poll
from prefect_storyboard.tasks.render import render
from prefect_storyboard.tasks.store import store
from prefect_storyboard.tasks.upload import upload

__all__ = ["assemble", "create_character", "generate", "poll", "render", "store", "upload"]
