"""What was paid for is fetched without a key, whole or not at all, and no failure says that nothing was bought."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.download import Bounds, bounds_of, download
from prefect_storyboard.providers.errors import Busy, Expired, NotSent, OverBounds, ProviderError

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
    ids=lambda value: getattr(value, "__name__", str(value)),
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


def resuming(*breaks: int, tag: str = '"v1"', ranges: bool = True) -> tuple[Any, list[httpx.Request]]:
    """A host whose transfers break after so many bytes each; the one after the last break is whole."""
    seen: list[httpx.Request] = []

    async def part(data: bytes, size: int) -> AsyncIterator[bytes]:
        yield data[:size]
        raise httpx.ReadError("reset")

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        start = int(request.headers["range"][6:-1]) if ranges and "range" in request.headers else 0
        rest = CLIP[start:]
        size = breaks[len(seen) - 1] if len(seen) <= len(breaks) else None
        content = rest if size is None else part(rest, size)
        return httpx.Response(206 if start else 200, content=content, headers={"etag": tag} if tag else {})

    return httpx.AsyncClient(transport=httpx.MockTransport(answer)), seen


async def test_a_transfer_that_breaks_off_goes_on_where_it_was(tmp_path: Path) -> None:
    client, seen = resuming(1000, 500_000)
    assert await download(client, LINK, tmp_path / "take.mp4") == hashlib.sha256(CLIP).hexdigest()
    assert [request.headers.get("range") for request in seen] == [None, "bytes=1000-", "bytes=501000-"]
    assert [request.headers.get("if-range") for request in seen] == [None, '"v1"', '"v1"']


async def test_a_server_that_knows_no_ranges_sends_the_whole_again(tmp_path: Path) -> None:
    client, seen = resuming(1000, ranges=False)
    assert await download(client, LINK, tmp_path / "take.mp4") == hashlib.sha256(CLIP).hexdigest()
    assert len(seen) == 2


@pytest.mark.parametrize("tag", ["", 'W/"v1"'])
async def test_without_a_version_to_go_on_with_nothing_is_pieced_together(tmp_path: Path, tag: str) -> None:
    client, seen = resuming(1000, tag=tag)
    with pytest.raises(Busy):
        await download(client, LINK, tmp_path / "take.mp4")
    assert len(seen) == 1


async def test_a_transfer_that_never_ends_is_given_up(tmp_path: Path) -> None:
    client, seen = resuming(*([10] * 50))
    with pytest.raises(Busy) as broke:
        await download(client, LINK, tmp_path / "take.mp4")
    assert (len(seen), broke.value.charged) == (6, True)


async def blocks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1000


async def test_a_file_larger_than_anything_sold_is_given_up_and_the_job_stays_open(tmp_path: Path) -> None:
    endless = http(lambda _: httpx.Response(200, content=blocks(10**9)))
    with pytest.raises(OverBounds, match=r"more than 0.005 MB") as error:
        await download(endless, LINK, tmp_path / "take.mp4", Bounds(bytes=5_000))
    assert error.value.charged is True
    assert (tmp_path / "take.mp4").stat().st_size <= 5_000


async def test_a_file_that_drips_in_is_given_up(tmp_path: Path) -> None:
    ticks = iter(range(0, 10**6, 2))
    slow = http(lambda _: httpx.Response(200, content=blocks(10**9)))
    with pytest.raises(OverBounds, match="more slowly than 1000 bytes in a second"):
        await download(slow, LINK, tmp_path / "take.mp4", clock=lambda: float(next(ticks)))


async def test_a_transfer_that_stalls_is_not_gone_on_with(tmp_path: Path) -> None:
    client, seen = resuming(*([10] * 50))
    ticks = iter(range(0, 10**6, 5))
    with pytest.raises(Busy, match="broke off"):
        await download(client, LINK, tmp_path / "take.mp4", clock=lambda: float(next(ticks)))
    assert len(seen) == 1


async def test_a_silent_host_is_waited_for_ten_seconds(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    await download(http(lambda _: httpx.Response(200, content=CLIP), seen), LINK, tmp_path / "take.mp4")
    assert Bounds().answer == 10
    assert seen[0].extensions["timeout"]["read"] == 10


async def test_a_longer_clip_may_be_larger() -> None:
    assert bounds_of(4).bytes < bounds_of(12).bytes == 460_000_000
