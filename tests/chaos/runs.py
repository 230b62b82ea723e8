"""One run of the real flow, wherever it happens: in this process, in a fork, or as the command line."""

import asyncio
import json
import os
import random
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect_storyboard import sync
from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.cli import main as command_line
from prefect_storyboard.flows import SeriesFailed, collect_jobs, storyboard_series
from prefect_storyboard.flows.collect import Collected
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.tasks import create_character, draw, generate, store, upload
from tests.chaos import orders, own_flows
from tests.chaos.kinds import OWN

Ended = Reel | Exception


def shorten_waits() -> None:
    """Prefect waits less before it tries a free task again: 0.2, 0.4, 0.8, 1.6 s in the place of 1, 2, 4, 8."""
    for task in (
        create_character,
        draw,
        generate,
        store,
        upload,
        sync.create_character,
        sync.generate,
        sync.store,
        sync.upload,
    ):
        task.retry_delay_seconds = [0.2, 0.4, 0.8, 1.6]


def credentials(gateway: str, environment: dict[str, str]) -> Credentials:
    return BY_PROVIDER[gateway].from_environment(environment)


async def render(board: Any, given: Credentials, library: Library, *, flow: str = "series", **options: Any) -> Ended:
    """The reel, also of a run that ended failed; or what a run raised that could not go on."""
    try:
        if flow in OWN:
            return await getattr(own_flows, flow)(board, given, library, **options)
        if flow != "series":
            return await orders.run(flow, board, given, library, **options)
        return await storyboard_series(board, given, library, allow_retired=True, **options)
    except SeriesFailed as failed:
        return failed.reel
    except Exception as error:  # noqa: BLE001 - whatever a run raises is what it ended with
        return error


async def collect(given: Credentials, library: Library) -> Collected | Exception:
    """What became of the open jobs, or what it raised."""
    try:
        return await collect_jobs([given], library)
    except Exception as error:  # noqa: BLE001 - likewise
        return error


def stall(intents: int) -> None:
    """Stop this process by SIGSTOP as soon as so many intents of its own are on disk, before their POST.

    The last step of creating a record is to remove the file that it was linked from.
    """
    left = [intents]

    def watch(event: str, facts: tuple[Any, ...]) -> None:
        if event == "os.remove" and "/.intent.json." in str(facts[0]):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGSTOP)

    sys.addaudithook(watch)


def set_clock(seconds: float) -> None:
    """Let this process see the time as a machine whose clock is so many seconds fast.

    `Clock.now` is what leases, and the age of a provider's list, are measured by. It is replaced in a fork, which no
    other run shares, because only root or a library loaded before Python can give one process a time of its own.
    """
    right = Clock.now
    Clock.now = lambda self: right(self) + timedelta(seconds=seconds)  # type: ignore[method-assign]


def run_requested(run_request: dict[str, Any]) -> None:
    """In a fork: the flow, or the command line with its own way of ending."""
    random.seed()  # the fork must not jitter in step with its siblings
    if run_request["where"] == "command":
        verb = ["stills"] if run_request["flow"] == "drawn" else ["run", "--allow-retired"]
        sys.argv = ["storyboard", *verb, run_request["file"], "--provider", run_request["gateway"]]
        sys.argv += ["--library", run_request["library"]["url"], "--on-unknown", run_request["on_unknown"]]
        command_line.main()
        return
    given, library = credentials(run_request["gateway"], run_request["environment"]), Library(**run_request["library"])
    options = {name: run_request[name] for name in ("on_unknown", "poll_minutes")}
    board = json.loads(Path(run_request["file"]).read_text())
    if run_request["stalls"]:
        stall(run_request["stalls"])
    if run_request["fast"]:
        set_clock(run_request["fast"])
    if run_request["flow"] == "plain":
        ended = own_flows.plain(board, given, library, **options)
    else:
        ended = asyncio.run(render(board, given, library, flow=run_request["flow"], **options))
    print(type(ended).__name__, ended, repr(ended), flush=True)
    sys.exit(0 if isinstance(ended, Reel) else 1)
