"""Uploads to fal: two calls, of which only the first one carries the key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.errors import Busy, InvalidRequest, NotSent, ProtocolError, Unauthorized

Connect = Callable[..., Any]
TICKET = "initiate-upload.response"
PICTURE = b"\x89PNG of a lighthouse"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(PICTURE)
    return path


async def test_an_upload_asks_for_a_ticket_and_puts_the_bytes_where_it_says(
    fal: Connect, canonical: Any, picture: Path
) -> None:
    adapter, seen = fal(TICKET, (200, b""))
    assert await adapter.upload(picture, "image/png") == canonical(TICKET)["file_url"]
    asked, put = seen
    assert (asked.method, asked.url) == (
        "POST",
        "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
    )
    assert asked.headers["authorization"] == "Key kid:ksec"
    assert asked.headers["content-type"] == "application/json"
    assert httpx.Response(200, content=asked.content).json() == canonical("initiate-upload.request")
    assert (put.method, str(put.url)) == ("PUT", canonical(TICKET)["upload_url"])
    assert put.content == PICTURE


async def test_the_presigned_put_carries_its_content_type_and_no_key(fal: Connect, picture: Path) -> None:
    adapter, seen = fal(TICKET, (200, b""))
    await adapter.upload(picture, "image/png")
    of_every_request = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
    assert set(seen[1].headers) - of_every_request == {"content-type"}
    assert seen[1].headers["content-type"] == "image/png"
    assert "ksec" not in str(seen[1].headers.raw)


@pytest.mark.parametrize("status", [400, 403, 500, 503])
async def test_a_refused_put_may_be_tried_again(fal: Connect, picture: Path, status: int) -> None:
    adapter, _ = fal(TICKET, (status, b"<Error/>"))
    with pytest.raises(Busy, match=f"fal's storage answered an upload with {status}"):
        await adapter.upload(picture, "image/png")


@pytest.mark.parametrize(
    "ticket",
    [
        {},
        {"upload_url": "https://storage.example.com/x"},
        {"upload_url": None, "file_url": None},
        {"upload_url": "", "file_url": "https://v3.fal.media/a.png"},
        {"upload_url": 7, "file_url": "https://v3.fal.media/a.png"},
        {"upload_url": "https://storage.example.com/x", "file_url": "ftp://v3.fal.media/a.png"},
    ],
)
async def test_a_ticket_without_two_links_is_a_breach_of_the_contract(fal: Connect, picture: Path, ticket: Any) -> None:
    adapter, seen = fal((200, ticket))
    with pytest.raises(ProtocolError, match="without a URL"):
        await adapter.upload(picture, "image/png")
    assert len(seen) == 1


async def test_a_file_that_is_too_large_is_an_invalid_request(fal: Connect, picture: Path) -> None:
    adapter, _ = fal((413, {"detail": "File too large"}))
    with pytest.raises(InvalidRequest, match="File too large"):
        await adapter.upload(picture, "image/png")


async def test_a_wrong_key_is_noticed_at_the_upload(fal: Connect, picture: Path) -> None:
    adapter, _ = fal((401, {"detail": "Authorization header is required"}))
    with pytest.raises(Unauthorized, match="Authorization header is required"):
        await adapter.upload(picture, "image/png")


async def test_storage_that_cannot_be_reached_was_not_sent_to(fal: Connect, picture: Path) -> None:
    adapter, _ = fal(TICKET, httpx.ConnectError("no route"))
    with pytest.raises(NotSent):
        await adapter.upload(picture, "image/png")


async def test_an_unreadable_ticket_is_asked_for_again(fal: Connect, picture: Path) -> None:
    adapter, _ = fal((200, b"<html>welcome to the hotel's wifi</html>"))
    with pytest.raises(Busy, match="not JSON"):
        await adapter.upload(picture, "image/png")
