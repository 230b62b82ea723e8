"""The ready automations: what arrives at a receiver after real runs."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prefect.automations import Automation
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client

from prefect_storyboard.blocks import KieCredentials
from prefect_storyboard.deployments.automations import READY, UNKNOWN
from prefect_storyboard.flows import SeriesFailed, storyboard_series
from prefect_storyboard.sandbox.server import environment

from .studio_server import StudioServer, wait_for

TITLE = "Buoy <!channel> & [a link](http://x) @here"


@dataclass
class Receiver:
    """What a team's channel would show."""

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)

    def wait(self, path: str, number: int) -> list[dict[str, Any]]:
        """All that was sent to that path, as soon as there is so much."""

        def sent() -> list[dict[str, Any]]:
            bodies = [each["body"] for each in self.got if each["path"] == path]
            return bodies if len(bodies) >= number else []

        return list(wait_for(sent, 60, f"a notice at {path}"))


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append({"path": self.path, "body": json.loads(body)})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
async def receiver(studio: StudioServer) -> AsyncIterator[Receiver]:
    """A receiver, and two saved blocks that lead to it; blocks and automations are deleted in the end."""
    with receiving() as made:
        webhook = await Webhook(url=f"{made.url}/webhook").asave("team", overwrite=True)
        said = {"subject": "{{subject}}", "body": "{{body}}"}
        custom = CustomWebhookNotificationBlock(name="team", url=f"{made.url}/notify", json_data=said)
        notification = await custom.asave("team", overwrite=True)
        yield made
        for name in (READY, UNKNOWN):
            await (await Automation.aread(name=name)).adelete()
        async with get_client() as client:
            for block in (webhook, notification):
                await client.delete_block_document(block)


def set_up(studio: StudioServer, block: str) -> list[str]:
    """What the set-up prints of the notices."""
    said = replace(studio, env={**studio.env, "STORYBOARD_NOTIFY": block}).setup()
    return [line.partition("' ")[2] for line in said.splitlines() if ": a notice when" in line]


async def test_a_webhook_hears_of_a_reel_and_a_channel_once_a_day_of_an_unknown_job(
    studio: StudioServer, receiver: Receiver
) -> None:
    assert set_up(studio, "webhook/team") == ["created", "created"]
    assert set_up(studio, "webhook/team") == ["exists", "exists"]
    board = studio.board("Buoy", "it rings", model="sora-2") | {"title": TITLE}
    run = await studio.start("Buoy", board)
    assert (await studio.reaches(run, "Completed", "Failed", "Crashed")).state_name == "Completed"
    (ready,) = receiver.wait("/webhook", 1)
    assert (ready["event"], ready["payload"]["title"], ready["payload"]["clips"]) == ("storyboard.reel.ready", TITLE, 1)
    related = {each["prefect.resource.role"]: each["prefect.resource.id"] for each in ready["related"]}
    assert related["flow-run"] == f"prefect.flow-run.{run}"
    assert related["deployment"].startswith("prefect.deployment.")
    assert [secret for secret in ("s3cr3t", "sig=", "signature") if secret in json.dumps(ready).lower()] == []

    assert set_up(studio, "custom-webhook/team") == ["exists; updated: block", "exists; updated: block"]
    keys = {"KIE_API_KEY": "n0b0dy-may-s3cr3t"}
    kie = KieCredentials.from_environment({**environment(studio.sandbox), **keys})
    for scene in ("fog", "fog", "mist"):
        studio.fault("drop_before", scene)
        lost = studio.board("Whistle", scene, model="sora-2", seconds=10)
        with pytest.raises(SeriesFailed, match="storyboard adopt"):
            await storyboard_series(lost, kie, studio.library("Whistle"), allow_retired=True)
    fog, mist = receiver.wait("/notify", 2)
    assert fog["subject"] == mist["subject"] == "Job unknown: scene s01 take 1"
    assert fog["body"] != mist["body"], "the second run that met the first job has sent no second notice"
    assert "storyboard abandon" in fog["body"]
    assert "s3cr3t" not in fog["body"]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("slack-webhook/nobody", "there is no block slack-webhook/nobody; save it in the UI and run this again"),
        (
            "storyboard-library/main",
            "storyboard-library/main cannot send notices; name a webhook or a notification block",
        ),
    ],
)
def test_a_block_that_can_send_no_notice_is_named_and_the_rest_is_set_up(
    studio: StudioServer, block: str, why: str
) -> None:
    with pytest.raises(AssertionError) as failed:
        replace(studio, env={**studio.env, "STORYBOARD_NOTIFY": block}).setup()
    assert f"none: {why}" in str(failed.value)
    assert "prefect.yaml exists" in str(failed.value)
