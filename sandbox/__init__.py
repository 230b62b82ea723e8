"""The gateways on loopback: real videos, a billing meter, faults on demand, and not one cent spent.

`storyboard sandbox` and `python -m prefect_storyboard.sandbox` start it as a process, `running(folder)` inside a test:

    with running(tmp_path, clock=clock, pace=Pace(render_seconds=60)) as base:
        ...  # point the client at environment(base)
        clock.advance(61)

It imports nothing of ours, so that it cannot share the clients' mistakes: it was written from the wire contracts alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_storyboard.sandbox.app import create_app
    from prefect_storyboard.sandbox.clock import Clock
    from prefect_storyboard.sandbox.exchange import Pace
    from prefect_storyboard.sandbox.server import main, run, running
    from prefect_storyboard.sandbox.variables import environment

__all__ = ["Clock", "Pace", "create_app", "environment", "main", "run", "running"]

_MODULES = {"create_app": "app", "Clock": "clock", "Pace": "exchange", "environment": "variables"}


def __getattr__(name: str) -> Any:
    """Import on first access: `environment` alone needs neither a web server nor a renderer."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'server')}"), name)
