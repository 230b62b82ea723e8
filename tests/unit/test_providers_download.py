"""What was paid for is fetched without a key, whole or not at all, and no failure says that nothing was bought."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.download import download
from prefect_storyboard.providers.errors import Busy, Expired, NotSent, ProviderError

LINK = "https://v3b.fal.media/files/b/out.mp4"
CLIP = bytes(range(256)) * 4096


def http(reply: Any, seen: list[httpx.Request] | None = None) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(reply, Exception):
            raise reply
        return reply(request) if callable(reply) else httpx.Response(reply)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def test_a_file_arrives_with_its_checksum_and_no_key_was_sent(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    file = tmp_path / "take.mp4"
    checksum = await download(http(lambda _: httpx.Response(200, content=CLIP), seen), LINK, file)
    assert checksum == hashlib.sha256(CLIP).hexdigest()
    assert file.stat().st_size == len(CLIP)
    assert [(request.method, str(request.url)) for request in seen] == [("GET", LINK)]
    assert "authorization" not in seen[0].headers


async def test_a_redirect_to_another_storage_is_followed(tmp_path: Path) -> None:
    def moved(request: httpx.Request) -> httpx.Response:
        if request.url.host == "v3b.fal.media":
            return httpx.Response(302, headers={"location": "https://storage.example.com/out.mp4"})
        return httpx.Response(200, content=CLIP)

    assert await download(http(moved), LINK, tmp_path / "take.mp4") == hashlib.sha256(CLIP).hexdigest()


async def broken() -> AsyncIterator[bytes]:
    yield CLIP[:1000]
    raise httpx.ReadError("reset")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (401, Expired),
        (403, Expired),
        (404, Expired),
        (410, Expired),
        (400, Busy),
        (416, Busy),
        (429, Busy),
        (500, Busy),
        (503, Busy),
        (304, Busy),
        (httpx.ReadTimeout("x"), Busy),
        (httpx.RemoteProtocolError("peer closed connection without sending complete message body"), Busy),
        (lambda _: httpx.Response(302, headers={"location": LINK}), Busy),
        (lambda _: httpx.Response(200, content=broken()), Busy),
        (httpx.ConnectError("x"), NotSent),
        (httpx.UnsupportedProtocol("x"), NotSent),
        (httpx.InvalidURL("x"), NotSent),
    ],
    ids=str,
)
async def test_what_fails_is_paid_for_and_can_be_asked_for_again(
    tmp_path: Path, reply: Any, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as error:
        await download(http(reply), LINK, tmp_path / "take.mp4")
    assert type(error.value) is kind
    assert error.value.charged is True
    assert "Nothing was bought" not in error.value.remedy
    assert LINK not in str(error.value)


@pytest.mark.parametrize("link", ["out.mp4", "file:///etc/passwd", "http://[broken"])
async def test_a_link_that_is_none_is_told(tmp_path: Path, link: str) -> None:
    async with httpx.AsyncClient() as real:
        with pytest.raises(NotSent, match="the result's host could not be reached"):
            await download(real, link, tmp_path / "take.mp4")
