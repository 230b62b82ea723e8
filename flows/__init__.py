"""What a person runs, schedules or starts in the UI."""

from prefect_storyboard.flows.report import SeriesFailed
from prefect_storyboard.flows.series import create_characters, storyboard_series

__all__ = ["SeriesFailed", "create_characters", "storyboard_series"]
