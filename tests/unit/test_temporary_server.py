"""A script on a busy machine waits long enough for Prefect's temporary server, and as long as its owner says."""

import pytest
from prefect.settings.models.server.ephemeral import ServerEphemeralSettings

from prefect_storyboard.blocks.temporary_server import SECONDS, raise_startup_limit

NAME = "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"


def test_prefects_own_limit_is_raised(monkeypatch):
    monkeypatch.delenv(NAME, raising=False)
    settings = ServerEphemeralSettings()
    before = settings.startup_timeout_seconds
    raise_startup_limit(settings)
    assert before < settings.startup_timeout_seconds == SECONDS


@pytest.mark.parametrize("seconds", [1, 20, 300])
def test_a_limit_that_somebody_has_set_stays(monkeypatch, seconds):
    monkeypatch.setenv(NAME, str(seconds))
    settings = ServerEphemeralSettings()
    raise_startup_limit(settings)
    assert settings.startup_timeout_seconds == seconds
