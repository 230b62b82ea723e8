"""A process that buys: `python -m tests.cli.buyer LIBRARY METER HOW KEY...`. Says which request each key got.

HOW is "quickly", or "and hangs": the gateway bills the first order, and its answer never comes.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.storyboards import Job
from tests.unit.fakes import Gateway, session_with, wording
from tests.unit.purchases import want


class Hanging(Gateway):
    async def submit(self, order: Order) -> Job:
        job = await super().submit(order)
        print("billed", flush=True)
        await asyncio.Event().wait()  # until somebody kills the process
        return job


async def main(library: str, meter: str, how: str, *keys: str) -> None:
    gateway = (Hanging if how == "and hangs" else Gateway)(meter=Path(meter), prefix=f"{os.getpid()}-")
    session, ledger = session_with(gateway), Ledger(open_storage(library))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    bought = await asyncio.gather(*(buy_once(session, ledger, want(key), wording()) for key in keys))
    print(json.dumps([[each.state, each.job.request_id] for each in bought]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
