"""A server for the gateways' callbacks: `storyboard callbacks`, or an ASGI app for a server of your own.

    from prefect_storyboard.callbacks import app

    callbacks = app(["fal-credentials/production"], "storyboard-library/main")  # uvicorn module:callbacks

A callback is never trusted. Its URL identifies a job, its signature the gateway; then the job is polled, its result is
stored as `collect_jobs` does, suspended series are resumed, and an event is emitted. A callback that is lost, late,
duplicated, forged or replayed changes only the delay.
"""

from prefect_storyboard.callbacks.asgi import CallbacksApp, app
from prefect_storyboard.callbacks.bounds import Bounds

__all__ = ["Bounds", "CallbacksApp", "app"]
