"""The demo: the real flow against the sandbox, with a storyboard that ships with the package."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from prefect_storyboard.storyboards.money import price

_SECOND, _SCENES = "kling-o3", {"s01", "s03"}  # the second model of the demo, and the scenes it renders


@contextmanager
def sandbox_process(state: Path) -> Iterator[str]:
    """Run the sandbox as a child process, on the port of the last run, so that links in the library stay valid."""
    state.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect_storyboard.sandbox", "--state", str(state), "--until-stdin-closes"]
    process = subprocess.Popen(  # noqa: S603 - our own module
        [*command, "--port", str(_port(state / "port"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        first = process.stdout.readline() if process.stdout else ""
        if not first.startswith("sandbox ready "):
            raise SystemExit(
                f"error: the sandbox did not start; its port may be in use. Remove {state.parent} to start over."
            )
        yield first.split()[-1]
    finally:
        process.terminate()
        process.communicate()


async def show(folder: Path, base: str, board: Path | None) -> int:
    """Render the storyboard (the example also in part on another model), and print the sandbox's billing meter."""
    from prefect_storyboard.blocks import FalCredentials
    from prefect_storyboard.cli.live import console, render
    from prefect_storyboard.flows.plan import planned
    from prefect_storyboard.sandbox.variables import environment
    from prefect_storyboard.series.prepare import Overrides

    before = _meter(base)
    console.print(f"sandbox {base}   library {folder / 'library'}")
    account, library = FalCredentials.from_environment(environment(base)), str(folder / "library")
    example = Path(str(files("prefect_storyboard.examples"))) / "lighthouse.yaml"
    # The sandbox lists a request as soon as it accepts it, so a request that is not listed was not bought.
    code = await render(str(board or example), account, library, on_unknown="resubmit")
    if board is None:
        moved = await planned(str(example), account, library, Overrides(model=_SECOND))
        whole = price(round(sum(scene.usd or 0.0 for scene in moved.scenes), 6))
        console.print(f"\nmove   the same storyboard costs {whole} on {_SECOND}; two scenes of it, to compare:")
        code = await render(_on_second_model(example), account, library, on_unknown="resubmit") or code
    after = _meter(base)
    new = after["jobs_accepted"] - before["jobs_accepted"]
    console.print(
        f"meter  the sandbox has billed {after['jobs_accepted']} jobs, {price(after['usd'])} since the first run; "
        + (f"{new} of them now" if new else "none of them now: nothing was bought")
    )
    return code


def _on_second_model(example: Path) -> dict[str, Any]:
    """Two scenes of the example on another model, as a separate reel."""
    board: dict[str, Any] = yaml.safe_load(example.read_text(encoding="utf-8"))
    cast = [{**who, "clip": str(example.parent / who["clip"])} for who in board["cast"]]
    scenes = [scene for scene in board["scenes"] if scene["id"] in _SCENES]
    return {
        **board,
        "title": f"{board['title']} on {_SECOND}",
        "model": _SECOND,
        "cast": cast,
        "scenes": scenes,
    }


def _meter(base: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{base}/sandbox/meter", timeout=30) as reply:  # noqa: S310 - always on loopback
        meter: dict[str, Any] = json.load(reply)
    return meter


def _port(file: Path) -> int:
    """The port of the last run, once it is free again; for the first run, a free one."""
    if file.exists():
        port = int(file.read_text())
        for _ in range(40):
            if _is_free(port):
                return port
            time.sleep(0.25)
        raise SystemExit(
            f"error: port {port} is in use, and the sandbox of this folder needs it. Choose another --folder."
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    file.write_text(str(port))
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
