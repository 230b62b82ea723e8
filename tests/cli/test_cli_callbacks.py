"""`storyboard callbacks` as a process of its own: whoever waits elsewhere asks the providers next to nothing."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.blocks import Credentials
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.ledger import open_storage
from prefect_storyboard.ledger.callbacks import Callbacks
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import environment, running
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import generate, poll, store
from tests.ports import unused_port

GATEWAYS = ("fal", "kie", "toapis", "wavespeed")
SECRETS = {
    "KIE_WEBHOOK_SECRET": "sandbox_secret",
    "TOAPIS_WEBHOOK_SECRET": "sandbox_secret",
    "WAVESPEED_WEBHOOK_SECRET": "whsec_sandbox_secret",
}
SCENES = 10
COMMAND = [sys.executable, "-m", "prefect_storyboard", "callbacks"]


@dataclass
class Studio:
    base: str
    library: str
    variables: dict[str, str]

    def account(self, gateway: str) -> Credentials:
        return BY_PROVIDER[gateway].from_environment(self.variables).model_copy(update={"in_flight": 40})

    async def scene(self, account: Credentials, prompt: str) -> Clip:
        on: dict[str, Any] = {"credentials": account, "library": self.library}
        job = await generate.fn(prompt, model="sora-2", fit="nearest", **on)
        return await store.fn(job, await poll.fn(job, **on), **on)

    def asked(self, gateway: str) -> int:
        """How often the gateway was asked how a job is, or what it has made."""
        routes = [self.read(f"requests?route={route}") for route in ("status", "result")]
        return sum(call["path"].startswith(f"/{gateway}/") for calls in routes for call in calls)

    def billed(self) -> int:
        return int(self.read("meter")["jobs_accepted"])

    def read(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.base}/sandbox/{path}", timeout=60) as reply:
            return json.load(reply)


@contextmanager
def serving(variables: dict[str, str], library: str, port: int, *providers: str) -> Iterator[subprocess.Popen[str]]:
    """The server as a supervisor starts it; it says when it listens."""
    given = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | variables
    command = [*COMMAND, *providers, "--port", str(port), "--library", library]
    with subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        said = []
        try:
            while not re.match(r"callbacks ready http://127\.0\.0\.1:\d+\n", said[-1] if said else ""):
                said.append(process.stdout.readline())
                assert said[-1], said
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The four gateways, and the server of their callbacks."""
    folder: Path = tmp_path_factory.mktemp("callbacks")
    port = unused_port()
    pace = Pace(queue_seconds=0.0, render_seconds=2.0, clip_scale=0.1)
    with running(folder / "sandbox", pace=pace) as base:
        variables = {**environment(base), **SECRETS}
        variables |= {f"{each.upper()}_CALLBACK_URL": f"http://127.0.0.1:{port}/callbacks" for each in GATEWAYS}
        library = str(folder / "library")
        with serving(variables, library, port, *GATEWAYS):
            yield Studio(base, library, variables)


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_process_that_waits_and_the_server_together_ask_once_a_job(studio: Studio, gateway: str) -> None:
    account = studio.account(gateway)
    callbacks = Callbacks(open_storage(studio.library))
    callbacks.note_last(gateway, str(account.callback_url), datetime.now(UTC))  # they are known to arrive
    asked, billed = studio.asked(gateway), studio.billed()
    clips = await asyncio.gather(*(studio.scene(account, f"Wave {number}.") for number in range(SCENES)))
    assert studio.asked(gateway) - asked <= 1.1 * SCENES
    assert studio.billed() - billed == len({clip.sha256 for clip in clips}) == SCENES


def test_it_answers_the_proxy_and_a_signal_ends_it_well(studio: Studio, tmp_path: Path) -> None:
    with serving(studio.variables, str(tmp_path / "library"), 0, "fal") as process:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
    callbacks = studio.variables["FAL_CALLBACK_URL"]
    assert httpx.get(f"{callbacks}/health", trust_env=False).json() == {"code": 200, "msg": "ok"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "name the accounts to serve callbacks for"), (("kie",), "KIE_API_KEY is not set")],
    ids=["no account", "no key"],
)
def test_what_it_needs_is_said_in_one_sentence(arguments: tuple[str, ...], says: str) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("KIE_", "PREFECT_API"))}
    done = subprocess.run([*COMMAND, *arguments], env=bare, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
