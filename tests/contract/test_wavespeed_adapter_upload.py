"""Uploads to WaveSpeed: a ticket, and a bare PUT of which only the ticket knows the headers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import canonical
from cases.wavespeed import CDN, says

from prefect_storyboard.providers.errors import Busy, NotSent
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed

Connect = Callable[..., tuple[WaveSpeed, list[httpx.Request]]]
TICKET = canonical("wavespeed", "upload-ticket.response")
STORED = httpx.Response(200)


@pytest.fixture
def wavespeed() -> Connect:
    """An adapter whose WaveSpeed and storage give these replies, and the requests that they have seen."""

    def connect(*replies: Any) -> tuple[WaveSpeed, list[httpx.Request]]:
        left, seen = list(replies), []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            reply = left.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer), headers={"User-Agent": "prefect-storyboard"})
        return WaveSpeed(http, api_key="wsk-5ecret", api_url="https://api.wavespeed.ai"), seen

    return connect


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "joe.mp4"
    path.write_bytes(b"mp4")
    return path


async def test_a_ticket_is_asked_for_with_the_files_size_type_and_a_name_of_its_own(
    wavespeed: Connect, clip: Path
) -> None:
    adapter, seen = wavespeed(TICKET, STORED, TICKET, STORED)
    assert await adapter.upload(clip, "video/mp4") == TICKET["data"]["download_url"]
    await adapter.upload(clip, "video/mp4")
    first, second = json.loads(seen[0].content), json.loads(seen[2].content)
    assert (seen[0].method, str(seen[0].url)) == ("POST", "https://api.wavespeed.ai/api/v3/media/uploads")
    assert seen[0].headers["authorization"] == "Bearer wsk-5ecret"
    assert {**first, "filename": "joe.mp4"} == canonical("wavespeed", "upload-ticket.request")
    assert first["filename"] != second["filename"]
    assert Path(first["filename"]).suffix == ".mp4"


async def test_the_bare_put_has_exactly_the_tickets_headers_and_no_key(wavespeed: Connect, clip: Path) -> None:
    adapter, seen = wavespeed(TICKET, STORED)
    await adapter.upload(clip, "video/quicktime")  # what the ticket says counts
    put, place = seen[1], TICKET["data"]["upload"]
    of_every_request = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
    assert (put.method, str(put.url), put.content) == ("PUT", place["url"], b"mp4")
    sent = {name: value for name, value in put.headers.items() if name not in of_every_request}
    assert sent == {name.lower(): value for name, value in place["headers"].items()}


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("hung up"), httpx.Response(500)], ids=repr
)
@pytest.mark.parametrize("then", [200, 412])
async def test_a_put_whose_answer_was_lost_is_repeated_and_412_says_that_it_had_arrived(
    wavespeed: Connect, clip: Path, lost: Any, then: int
) -> None:
    adapter, seen = wavespeed(TICKET, lost, httpx.Response(then))
    assert await adapter.upload(clip, "video/mp4") == TICKET["data"]["download_url"]
    assert [request.method for request in seen] == ["POST", "PUT", "PUT"]


async def test_412_at_the_first_put_is_no_success(wavespeed: Connect, clip: Path) -> None:
    adapter, seen = wavespeed(TICKET, httpx.Response(412))
    with pytest.raises(Busy, match="answered an upload with 412"):
        await adapter.upload(clip, "video/mp4")
    assert len(seen) == 2


async def test_storage_that_cannot_be_reached_was_not_sent_to(wavespeed: Connect, clip: Path) -> None:
    adapter, _ = wavespeed(TICKET, httpx.ConnectError("no route"))
    with pytest.raises(NotSent):
        await adapter.upload(clip, "video/mp4")


async def test_a_ticket_may_ask_for_no_headers(wavespeed: Connect, clip: Path) -> None:
    place = {"method": "PUT", "url": "https://storage.example.com/x", "headers": None}
    adapter, seen = wavespeed(says({"download_url": f"{CDN}/x.mp4", "upload": place}).body, STORED)
    assert await adapter.upload(clip, "video/mp4") == f"{CDN}/x.mp4"
    assert "authorization" not in seen[1].headers
