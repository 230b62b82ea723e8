"""Serve the flows from one process, for those who have no work pool: `python deployments/serve.py`."""

from datetime import timedelta

from prefect import serve

from prefect_storyboard.flows import check_accounts, collect_jobs, create_characters, plan_storyboard, storyboard_series

ACCOUNTS = {"providers": ["fal-credentials/production"], "library": "storyboard-library/main"}

if __name__ == "__main__":
    serve(
        storyboard_series.to_deployment("series", tags=["storyboard"]),
        create_characters.to_deployment("characters", tags=["storyboard"]),
        plan_storyboard.to_deployment("plan", tags=["storyboard"]),
        collect_jobs.to_deployment("collect-jobs", interval=timedelta(minutes=5), parameters=ACCOUNTS, tags=["upkeep"]),
        check_accounts.to_deployment("doctor", cron="0 6 * * *", parameters=ACCOUNTS, tags=["upkeep"]),
    )
