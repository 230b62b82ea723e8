"""Prefect blocks: credentials of the gateways, and the library."""

from prefect_storyboard.blocks.credentials import (
    Credentials,
    FalCredentials,
    KieCredentials,
    ToApisCredentials,
    WaveSpeedCredentials,
    account_to_plan_for,
    load_credentials,
)
from prefect_storyboard.blocks.library import Library, allowed_to_callers, load_library
from prefect_storyboard.blocks.settings import StoryboardSettings

__all__ = [
    "Credentials",
    "FalCredentials",
    "KieCredentials",
    "Library",
    "StoryboardSettings",
    "ToApisCredentials",
    "WaveSpeedCredentials",
    "account_to_plan_for",
    "allowed_to_callers",
    "load_credentials",
    "load_library",
]
