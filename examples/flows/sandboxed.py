"""Run an example without a key and without cost: the gateways on loopback, and a Prefect of its own with saved blocks.

Your own flow needs none of this. Without the `with`, it uses the blocks `fal-credentials/production` and
`storyboard-library/main` of your Prefect; `storyboard setup` saves them. The folder `storyboard-examples` keeps library
and sandbox, so that a second run finds what the first one bought. Remove it to start over.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from urllib.request import urlopen

from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness

from prefect_storyboard.blocks import FalCredentials, Library

MEDIA = Path(str(files("prefect_storyboard.examples")))


@contextmanager
def sandboxed(*, refuse: str = "") -> Iterator[None]:
    """Point the saved blocks at a sandbox, which refuses prompts with that word, and print what it has billed.

    Inside, relative paths such as `clips/mara.mp4` are relative to the folder of the examples.
    """
    folder = Path("storyboard-examples").absolute()
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    _ = copytree(MEDIA / "clips", folder / "clips", dirs_exist_ok=True)
    with _gateways(folder, refuse) as variables, prefect_test_harness(server_startup_timeout=240), chdir(folder):
        os.environ["PREFECT_API_URL"] = str(get_current_settings().api.url)  # for processes that an example starts
        _ = FalCredentials.from_environment(variables).save("production", overwrite=True)
        _ = Library(url=str(folder / "library")).save("main", overwrite=True)
        before = _billed(variables)
        yield
        bought = _billed(variables) - before
        print(f"the sandbox has billed {bought} jobs" if bought else "the sandbox has billed nothing: all was paid for")


@contextmanager
def _gateways(folder: Path, refuse: str) -> Iterator[dict[str, str]]:
    """Start `storyboard sandbox`, on the port of the last run; the variables that point at it."""
    rules, memory = folder / "faults.json", folder / "port"
    rules.write_text(json.dumps([{"match": {"prompt": refuse}, "fault": "policy_refusal"}] if refuse else []))
    port = memory.read_text() if memory.exists() else "0"
    command = [sys.executable, "-m", "prefect_storyboard.sandbox", "--until-stdin-closes", "--port", port]
    pace = ["--queue-seconds", "0", "--render-seconds", "1", "--clip-scale", "0.5"]
    command += ["--state", str(folder / "sandbox"), "--faults", str(rules), *pace]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            lines = iter(process.stdout or ())
            if not (ready := re.match(r"sandbox ready .*:(\d+)$", next(lines, ""))):
                raise SystemExit(f"the sandbox did not start, nothing was bought; remove {folder} to start over")
            memory.write_text(ready[1])
            exports = re.findall(r"export (\w+)=(\S+)", "".join(_until_meter(lines)))
            yield dict(exports)
        finally:
            process.terminate()


def _until_meter(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("what it would have cost"):
            return
        yield line


def _billed(variables: dict[str, str]) -> int:
    base = variables["FAL_QUEUE_URL"].removesuffix("/fal/queue")
    with urlopen(f"{base}/sandbox/meter", timeout=30) as reply:  # noqa: S310 - always on loopback
        return int(json.load(reply)["jobs_accepted"])
