"""The page on loopback: who may ask, what may be read, and a pick, in process."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.ledger import Storage, open_storage
from prefect_storyboard.media.figures import Difference
from prefect_storyboard.media.live import Today
from prefect_storyboard.pages import PageApp
from prefect_storyboard.pages.app import NotPicked, Picked
from prefect_storyboard.pages.guard import NOT_FOUND, refused
from prefect_storyboard.pages.ranges import span

TOKEN = "t" * 32
AT = "http://127.0.0.1:8573"
PAGE = '<title>The Sea</title><main><section id="differences">\n</section></main>'
FILM = bytes(range(256)) * 9_000  # more than two pieces
JSON = {"content-type": "application/json", "origin": AT}


@dataclass
class Board:
    """A board with one reel; takes note of what is picked."""

    storage: Storage
    reels: tuple[str, ...] = ("the-sea", "the-sea-wide")
    differences: Today = field(default_factory=Today)
    picked: list[Picked] = field(default_factory=list)
    begun: bool = False

    async def begin(self) -> None:
        self.begun = True

    async def end(self) -> None:
        self.begun = False

    async def today(self) -> Today:
        return self.differences

    async def pick(self, picked: Picked) -> None:
        if picked.take > 2:
            raise NotPicked(f"take: {picked.scene} has takes 1 to 2, not {picked.take}; nothing was changed")
        self.picked.append(picked)


@pytest.fixture
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Board:
    storage = open_storage(f"{getattr(request, 'param', '')}{tmp_path}")
    storage.write(PAGE.encode(), "reels", "the-sea", "index.html")
    for place in (
        ("reels", "the-sea", "reel.mp4"),
        ("reels", "the-sea", "scenes", "s01", "take-001.mp4"),
        ("reels", "the-sea", "scenes", "s01", "take-001.json"),
        ("reels", "the-sea", "storyboard.yaml"),
        ("reels", "the-sea", ".hidden.mp4"),
        ("reels", "of-others", "reel.mp4"),
        ("characters", "mara", "clip.mp4"),
        ("clips", "c01", "take-001.mp4"),
        ("secret.mp4",),
    ):
        storage.write(FILM, *place)
    return Board(storage)


@pytest.fixture
async def client(board: Board) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(PageApp(board, TOKEN)), base_url=AT) as made:
        yield made


def of(path: str) -> str:
    return f"/{TOKEN}/reels/the-sea/{path}"


async def test_the_address_leads_to_the_page_which_says_where_picks_go(client: Any, board: Board) -> None:
    board.differences = Today((Difference("s01", "stale", "its prompt has changed: <b>", "the next run …", 0.4),))
    leads = await client.get(f"/{TOKEN}/")
    assert (leads.status_code, leads.headers["location"]) == (302, of(""))
    page = await client.get(leads.headers["location"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<meta name="pick" content="pick">' in page.text
    assert "its prompt has changed: &lt;b&gt;" in page.text
    assert "$0.40" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert (await client.head(of("index.html"))).content == b""


async def test_a_storyboard_that_cannot_be_planned_is_said_on_the_page(client: Any, board: Board) -> None:
    board.differences = Today(problem="scenes.2: has no <prompt>")
    assert "cannot be planned: scenes.2: has no &lt;prompt&gt;" in (await client.get(of(""))).text


async def test_a_page_of_an_older_version_gets_its_differences_too(client: Any, board: Board) -> None:
    board.storage.write(b"<title>T</title><main></main>", "reels", "the-sea", "index.html")
    board.differences = Today(
        (Difference("s01", "missing", "it has no clip yet"), Difference("s02", "stale", "", "", 1.5))
    )
    assert "$1.50 and 1 of unknown price" in (await client.get(of(""))).text


@pytest.mark.parametrize(
    "path", ["/", "/x", f"/{'u' * 32}/", f"/{'u' * 32}/reels/the-sea/reel.mp4", "/favicon.ico", f"/{TOKEN}x/"]
)
async def test_without_the_token_there_is_nothing(client: Any, path: str) -> None:
    assert (await client.get(path)).status_code == 404


def test_a_request_without_a_path_is_refused_too() -> None:
    scope = {"method": "OPTIONS", "path": "*", "headers": [(b"host", b"127.0.0.1:8573")], "server": ("127.0.0.1", 8573)}
    assert refused(scope, TOKEN) == NOT_FOUND
    doubled = scope | {"headers": [*scope["headers"], (b"Host", b"evil.example")]}
    assert refused(doubled, TOKEN).status == 421


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8573", "127.0.0.1", "127.0.0.1:80", "localhost:8574", "[::1]:8573"]
)
async def test_another_name_for_this_machine_is_refused(client: Any, host: str) -> None:
    assert (await client.get(of(""), headers={"host": host})).status_code == 421
    assert (await client.post(of("pick"), json={"scene": "s01", "take": 2}, headers={"host": host})).status_code == 421


async def test_localhost_is_a_name_of_ours(client: Any, board: Board) -> None:
    ours = {"host": "localhost:8573", "origin": "http://localhost:8573"}
    assert (await client.post(of("pick"), json={"scene": "s01", "take": 2}, headers=ours)).status_code == 200


@pytest.mark.parametrize(
    "forged",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8573"},
        {"origin": "http://127.0.0.1:8574"},
        {"origin": "http://127.0.0.1:8573.evil.example"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
async def test_a_pick_from_another_page_is_refused(client: Any, board: Board, forged: dict[str, str]) -> None:
    reply = await client.post(of("pick"), json={"scene": "s01", "take": 2}, headers=JSON | forged)
    assert (reply.status_code, board.picked) == (403, [])


async def test_a_pick_without_an_origin_or_as_a_form_is_refused(client: Any, board: Board) -> None:
    body = json.dumps({"scene": "s01", "take": 2})
    bare = await client.post(of("pick"), content=body, headers={"content-type": "application/json"})
    form = await client.post(of("pick"), content=body, headers={"content-type": "text/plain", "origin": AT})
    assert (bare.status_code, form.status_code, board.picked) == (403, 415, [])


async def test_a_read_by_another_page_is_refused(client: Any) -> None:
    assert (await client.get(of("reel.mp4"), headers={"origin": "https://evil.example"})).status_code == 403


async def test_a_take_is_picked(client: Any, board: Board) -> None:
    reply = await client.post(of("pick"), json={"scene": "s01", "take": 2}, headers=JSON)
    assert (reply.status_code, reply.text) == (200, "s01 shows take 2")
    assert board.picked == [Picked(scene="s01", take=2)]
    still = await client.post(of("pick"), json={"scene": "s01", "take": 1, "of": "still"}, headers=JSON)
    assert (still.status_code, board.picked[-1].of) == (200, "still")


async def test_a_take_that_cannot_stand_is_one_sentence(client: Any) -> None:
    reply = await client.post(of("pick"), json={"scene": "s01", "take": 3}, headers=JSON)
    assert (reply.status_code, reply.text) == (409, "take: s01 has takes 1 to 2, not 3; nothing was changed")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "2",
        '{"scene": "s01"}',
        '{"scene": "s01", "take": 0}',
        '{"scene": 1, "take": 1}',
        "\x00",
        '{"scene": "s01", "take": 1, "by": "x"}',
    ],
)
async def test_what_is_no_pick_changes_nothing(client: Any, board: Board, body: str) -> None:
    assert (await client.post(of("pick"), content=body, headers=JSON)).status_code == 422
    assert (await client.post(of("pick"), content="x" * 5_000, headers=JSON)).status_code == 413
    assert board.picked == []


async def test_only_a_pick_is_a_post_and_a_pick_is_only_a_post(client: Any) -> None:
    for path in (of(""), of("reel.mp4"), f"/{TOKEN}/reels/the-sea/scenes/s01/take-001.mp4"):
        assert (await client.post(path, json={}, headers=JSON)).status_code == 405
    assert (await client.get(of("pick"))).status_code == 405
    assert (await client.delete(of("reel.mp4"))).status_code == 405


@pytest.mark.parametrize("board", ["", "memory://served"], indirect=True)
async def test_the_films_of_the_board_can_be_read(client: Any) -> None:
    for path in ("reel.mp4", "scenes/s01/take-001.mp4"):
        whole = await client.get(of(path))
        assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.content == FILM


@pytest.mark.parametrize(
    "path",
    [
        of("scenes/s01/take-001.json"),
        of("storyboard.yaml"),
        of(".hidden.mp4"),
        of("gone.mp4"),
        of("scenes/../../of-others/reel.mp4"),
        of("..%2fof-others/reel.mp4"),
        of("scenes//s01/take-001.mp4"),
        f"/{TOKEN}/reels/of-others/",
        f"/{TOKEN}/reels/of-others/reel.mp4",
        f"/{TOKEN}/reels/the-sea/..%2f..%2fsecret.mp4",
        f"/{TOKEN}/characters/mara/clip.mp4",
        f"/{TOKEN}/clips/c01/take-001.mp4",
        f"/{TOKEN}/secret.mp4",
        f"/{TOKEN}/ledger/x.mp4",
        f"/{TOKEN}//etc/passwd",
    ],
)
async def test_nothing_else_of_the_library_can_be_read(client: Any, path: str) -> None:
    reply = await client.get(httpx.URL(AT).copy_with(raw_path=path.encode()))
    assert reply.status_code == 404
    assert FILM[:64] not in reply.content


async def test_a_variant_without_a_page_says_so(client: Any) -> None:
    reply = await client.get(f"/{TOKEN}/reels/the-sea-wide/")
    assert (reply.status_code, "no page yet" in reply.text) == (404, True)


@pytest.mark.parametrize("board", ["", "memory://served"], indirect=True)
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("bytes=0-", (0, len(FILM))),
        ("bytes=100-199", (100, 200)),
        ("bytes=-100", (len(FILM) - 100, len(FILM))),
        (f"bytes={len(FILM) - 1}-", (len(FILM) - 1, len(FILM))),
        (f"bytes=10-{len(FILM) + 5}", (10, len(FILM))),
    ],
)
async def test_a_browser_seeks_by_asking_for_a_part(client: Any, asked: str, found: tuple[int, int]) -> None:
    start, stop = found
    reply = await client.get(of("reel.mp4"), headers={"range": asked})
    assert reply.status_code == 206
    assert reply.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(FILM)}"
    assert reply.headers["content-length"] == str(stop - start)
    assert reply.content == FILM[start:stop]
    head = await client.head(of("reel.mp4"), headers={"range": asked})
    assert (head.status_code, head.headers["content-length"], head.content) == (206, str(stop - start), b"")


async def test_a_part_behind_the_end_is_refused(client: Any) -> None:
    reply = await client.get(of("reel.mp4"), headers={"range": f"bytes={len(FILM)}-"})
    assert (reply.status_code, reply.headers["content-range"]) == (416, f"bytes */{len(FILM)}")


@pytest.mark.parametrize(
    "asked", [None, "", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=" + "9" * 40 + "-"]
)
def test_a_range_that_cannot_be_read_is_the_whole_file(asked: str | None) -> None:
    assert span(asked, 10) == (0, 10, True)
    assert span("bytes=-0", 10) is None
    assert span("bytes=0-", 0) is None


async def test_a_browser_that_leaves_ends_the_reading(board: Board) -> None:
    read, sent = [], []
    storage = board.storage

    class Watched:
        size = staticmethod(storage.size)

        def part(self, start: int, stop: int, *place: str) -> bytes:
            read.append(start)
            return storage.part(start, stop, *place)

    board.storage = Watched()  # type: ignore[assignment]
    headers = [(b"host", b"127.0.0.1:8573")]
    scope = {"type": "http", "method": "GET", "path": of("reel.mp4"), "headers": headers, "server": ("127.0.0.1", 8573)}

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await PageApp(board, TOKEN)(scope, gone, send)
    assert len(read) < 3


async def test_it_gets_ready_when_the_server_starts(board: Board) -> None:
    steps, sent = ["lifespan.startup", "lifespan.shutdown"], []

    async def receive() -> dict[str, Any]:
        return {"type": steps.pop(0)}

    async def send(message: Any) -> None:
        sent.append((message["type"], board.begun))

    await PageApp(board, TOKEN)({"type": "lifespan"}, receive, send)
    assert sent == [("lifespan.startup.complete", True), ("lifespan.shutdown.complete", False)]
