"""How long a script waits for the temporary server that Prefect starts if no server is set.

Prefect waits 20 seconds. A busy machine needs 30 to 60 the first time, so a script would fail before it has done
anything. Importing a flow, task or block of this package raises the limit, unless you have set
PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.
"""

from prefect.settings import get_current_settings
from prefect.settings.models.server.ephemeral import ServerEphemeralSettings

SECONDS = 120


def raise_startup_limit(settings: ServerEphemeralSettings | None = None) -> None:
    """Raise the limit in this process, unless it was set by a variable, a profile or a file."""
    ephemeral = settings or get_current_settings().server.ephemeral
    if "startup_timeout_seconds" not in ephemeral.model_fields_set:
        ephemeral.startup_timeout_seconds = SECONDS
