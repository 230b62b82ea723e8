"""A program of a user's, interrupted by tests/cli/test_signals.py: its jobs are sent, and then render for an hour.

Each line that it writes to a pipe is one thing that happened: `sent` before the reply to a POST, `recorded` after.
"""

import asyncio
import os
import sys

from prefect import flow

from prefect_storyboard.jobs.paid import uninterrupted
from prefect_storyboard.tasks._node import node
from prefect_storyboard.tasks._twin import sync_twin

PIPE = int(sys.argv[2])
JOBS = ("a", "b", "c")
HOUR = 3600.0


def note(what: str) -> None:
    """Write a line in one piece."""
    os.write(PIPE, f"{what}\n".encode())


async def post(key: str) -> None:
    """A submit whose reply takes a second, in which the signal comes.

    This is the gateway's latency: the test waits for the lines, and holds on a machine on which the signal comes later.
    """
    note(f"sent {key}")
    await asyncio.sleep(1.0)
    note(f"recorded {key}")


@node(name="render", task_run_name="render {key}", retries=3)
async def render(key: str) -> str:
    """Buy, then wait."""
    await uninterrupted(post(key))
    await asyncio.sleep(HOUR)
    return key


plain_render = sync_twin(render)


@flow
def plain_map() -> None:
    """The twin, mapped."""
    plain_render.map(JOBS).result()


@flow
def async_map() -> None:
    """The async node, mapped in a plain flow: each call has a thread and a loop of its own."""
    render.map(JOBS).result()


@flow
async def gathered() -> None:
    """The async node, gathered."""
    await asyncio.gather(*map(render, JOBS))


gathered_twin = sync_twin(gathered)


def script() -> None:
    """No flow at all."""
    plain_render("a")


if __name__ == "__main__":
    kind = sys.argv[1]
    if kind == "gathered":
        asyncio.run(gathered())
    else:
        {
            "plain map": plain_map,
            "async map": async_map,
            "twin of a flow": gathered_twin,
            "script": script,
        }[kind]()
