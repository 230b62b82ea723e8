"""One Prefect task for each verb. Paid steps go through the ledger; the rest may be repeated at will."""

from prefect_storyboard.tasks.assemble import assemble
from prefect_storyboard.tasks.create_character import create_character
from prefect_storyboard.tasks.generate import generate
from prefect_storyboard.tasks.poll import poll
from prefect_storyboard.tasks.store import store
from prefect_storyboard.tasks.upload import upload

__all__ = ["assemble", "create_character", "generate", "poll", "store", "upload"]
