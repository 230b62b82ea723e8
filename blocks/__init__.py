"""Prefect blocks: credentials of the gateways, the library, and render settings."""

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
from prefect_storyboard.blocks.openai_compatible import OpenAICompatibleCredentials
from prefect_storyboard.blocks.render_settings import RenderSettings, load_render_settings
from prefect_storyboard.blocks.settings import StoryboardSettings
from prefect_storyboard.blocks.temporary_server import raise_startup_limit

__all__ = [
    "Credentials",
    "FalCredentials",
    "KieCredentials",
    "Library",
    "OpenAICompatibleCredentials",
    "RenderSettings",
    "StoryboardSettings",
    "ToApisCredentials",
    "WaveSpeedCredentials",
    "account_to_plan_for",
    "allowed_to_callers",
    "load_credentials",
    "load_library",
    "load_render_settings",
]

raise_startup_limit()
