"""What the Prefect UI stores: credentials of the gateways, and the library."""

from prefect_storyboard.blocks.credentials import (
    Credentials,
    FalCredentials,
    KieCredentials,
    ToApisCredentials,
    WaveSpeedCredentials,
    load_credentials,
)
from prefect_storyboard.blocks.library import Library, load_library

__all__ = [
    "Credentials",
    "FalCredentials",
    "KieCredentials",
    "Library",
    "ToApisCredentials",
    "WaveSpeedCredentials",
    "load_credentials",
    "load_library",
]
