"""fal's side of the wire, played by a list of replies, and the canonical bodies of the contract."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.storyboards import Job

FIXTURES = Path(__file__).parent / "fixtures" / "fal"
HOSTS = {
    "queue_url": "https://queue.fal.run",
    "rest_url": "https://rest.fal.ai",
    "platform_url": "https://api.fal.ai/v1",
}


def _canonical(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


class Wire:
    """Answers each request with the next of its replies, the last one for ever, and remembers what came.

    A reply is (status, body) or (status, body, headers), or an exception. A body is JSON, raw bytes, or the name of a
    canonical fixture; a name alone stands for (200, name).
    """

    def __init__(self, replies: tuple[Any, ...]) -> None:
        self.replies = replies
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        status, body, headers = (*((200, reply) if isinstance(reply, str) else reply), {})[:3]
        if isinstance(body, bytes):
            return httpx.Response(status, content=body, headers=headers)
        return httpx.Response(status, json=_canonical(body) if isinstance(body, str) else body, headers=headers)


@pytest.fixture(scope="session")
def canonical() -> Callable[[str], Any]:
    """The contract's body of that name, as a document."""
    return _canonical


@pytest.fixture(scope="session")
def fal() -> Callable[..., tuple[Fal, list[httpx.Request]]]:
    """An adapter whose fal gives these replies, and the requests that fal has seen."""

    def connect(*replies: Any, api_key: str = "kid:ksec") -> tuple[Fal, list[httpx.Request]]:
        wire = Wire(replies)
        http = httpx.AsyncClient(transport=httpx.MockTransport(wire), headers={"User-Agent": "prefect-storyboard"})
        return Fal(http, api_key=api_key, **HOSTS), wire.seen

    return connect


@pytest.fixture(scope="session")
def order() -> Order:
    """The smallest order that there is."""
    return Order(endpoint="fal-ai/sora-2/text-to-video", body=_canonical("text-to-video-minimal.request"))


@pytest.fixture(scope="session")
def job() -> Job:
    """The job that the canonical submit has made."""
    reply = _canonical("queue-submit.response")
    return Job(
        provider="fal",
        endpoint="fal-ai/sora-2/text-to-video",
        request_id=reply["request_id"],
        submitted_at=datetime(2026, 2, 17, 10, 30, tzinfo=UTC),
        urls={link: reply[link] for link in ("status_url", "response_url", "cancel_url")},
    )
