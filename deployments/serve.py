"""Serve the flows without a work pool: `python -m prefect_storyboard.deployments.serve`."""

import asyncio
from datetime import timedelta

from prefect import aserve

from prefect_storyboard.flows import (
    check_accounts,
    check_models,
    collect_jobs,
    create_characters,
    plan_storyboard,
    storyboard_series,
)

FIVE_MINUTES = timedelta(minutes=5)
ACCOUNTS = {"providers": ["fal-credentials/production"], "library": "storyboard-library/main"}


async def main() -> None:
    """Serve until the process is stopped."""
    await aserve(
        await storyboard_series.ato_deployment("series", tags=["storyboard"]),
        await create_characters.ato_deployment("characters", tags=["storyboard"]),
        await plan_storyboard.ato_deployment("plan", tags=["storyboard"]),
        await collect_jobs.ato_deployment("collect-jobs", interval=FIVE_MINUTES, parameters=ACCOUNTS, tags=["upkeep"]),
        await check_models.ato_deployment("check-models", cron="30 6 * * 1", parameters=ACCOUNTS, tags=["upkeep"]),
        await check_accounts.ato_deployment("doctor", cron="0 6 * * *", parameters=ACCOUNTS, tags=["upkeep"]),
    )


if __name__ == "__main__":
    asyncio.run(main())
