"""How many jobs of a series may be open at once: what the account's limit allows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.tasks._limits import give_back, limit_name, limit_size

__all__ = ["account_slots", "limit_name"]


@asynccontextmanager
async def account_slots(credentials: Credentials, wanted: int) -> AsyncIterator[int]:
    """Yield how many of the wanted jobs the account's limit allows at once; each job takes its slot when it is bought.

    The run's slots are released when it ends. A suspended run holds none while its jobs render. Raises ValueError if
    the limit allows no job at all.
    """
    size = await limit_size(credentials) if wanted else None
    try:
        yield wanted if size is None else min(wanted, size)
    finally:
        if size is not None:
            await give_back(credentials)
