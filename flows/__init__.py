"""The flows: what a person runs, schedules or starts in the Prefect UI."""

from prefect_storyboard.flows.collect import Collected, collect_jobs
from prefect_storyboard.flows.doctor import check_accounts
from prefect_storyboard.flows.ending import ModelsEnding, check_models
from prefect_storyboard.flows.plan import plan_storyboard
from prefect_storyboard.flows.recast import plan_recast, recast_storyboard
from prefect_storyboard.flows.series import create_characters, generate_scene, storyboard_series
from prefect_storyboard.flows.stills import draw_stills
from prefect_storyboard.flows.takes import pick_take
from prefect_storyboard.series.asking import NotApproved, Stopped
from prefect_storyboard.series.report import SeriesFailed

__all__ = [
    "Collected",
    "ModelsEnding",
    "NotApproved",
    "SeriesFailed",
    "Stopped",
    "check_accounts",
    "check_models",
    "collect_jobs",
    "create_characters",
    "draw_stills",
    "generate_scene",
    "pick_take",
    "plan_recast",
    "plan_storyboard",
    "recast_storyboard",
    "storyboard_series",
]
