"""The gateways on loopback: real videos, a billing meter, faults on demand, and not one cent spent.

`storyboard sandbox` and `python -m prefect_storyboard.sandbox` start it as a process, `running(folder)` inside a test:

    with running(tmp_path, clock=clock, pace=Pace(render_seconds=60)) as base:
        ...  # point the client at environment(base)
        clock.advance(61)

It imports nothing of ours, so that it cannot share the clients' mistakes: it was written from the wire contracts alone.
"""

from prefect_storyboard.sandbox.app import create_app
from prefect_storyboard.sandbox.clock import Clock
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, main, run, running

__all__ = ["Clock", "Pace", "create_app", "environment", "main", "run", "running"]
