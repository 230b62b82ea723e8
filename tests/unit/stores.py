"""What the tests of storing share: a library, a gateway, a host of videos, and one call of the task."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import av
import httpx
from pydantic import PrivateAttr

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Draft, Ledger, Outcome, Storage
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Asked, Casting, Clip
from prefect_storyboard.tasks import store

from .fakes import KEY, OTHER, Breaks, Gateway, breaking, order, session_with, wording
from .purchases import want

LINK = Result(url="https://cdn.example/r1.mp4?signature=s3cr3t", handle="video_1")
CASTINGS = (Casting(character="Mara", id="char_1"),)
TAKE = ["reels/lighthouse/scenes/s01/take-001.json", "reels/lighthouse/scenes/s01/take-001.mp4"]


@cache
def film() -> bytes:
    """A second of video, whose index is at its end."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(24):
            file.mux(stream.encode(av.VideoFrame(320, 180, "yuv420p")))
        file.mux(stream.encode(None))
    return target.getvalue()


class BreakingLibrary(Library):
    """A library whose writes are counted, and break as `breaks` says."""

    _block_type_name = "A library that breaks"
    _block_type_slug = "breaking-library"
    _breaks: Breaks = PrivateAttr(default_factory=Breaks)

    @classmethod
    def of(cls, sound: Library, breaks: Breaks) -> "BreakingLibrary":
        made = cls(url=sound.url)
        made._breaks = breaks
        return made

    def storage(self) -> Storage:
        return breaking(Path(self.url), self._breaks)


@dataclass
class Studio:
    """A library, a gateway, and a host of videos that answers what it is told: bytes, a status code or an error."""

    library: Library
    gateway: Gateway = field(default_factory=Gateway)
    served: list[Any] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    account: str = "default"
    provider: str = "fal"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        opened = session_with(self.gateway, httpx.MockTransport(self._serve))
        yield opened
        await opened.http.aclose()

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        then = self.served.pop(0) if self.served else film()
        if isinstance(then, Exception):
            raise then
        return httpx.Response(then) if isinstance(then, int) else httpx.Response(200, content=then)

    @property
    def storage(self) -> Storage:
        return self.library.storage()

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.storage)

    async def buy(self, key: str = KEY) -> PaidJob:
        async with self.session() as session:
            return await buy_once(session, self.ledger, want(key), wording(order(key)))

    async def store(self, bought: PaidJob, result: Result | None = LINK, **facts: Any) -> Clip:
        judge = facts.pop("judge", None)
        made_by = facts.pop("draft", None) or Draft(
            reel=facts.pop("reel", "lighthouse"),
            scene=facts.pop("scene", "s01"),
            model="sora-2",
            prompt="Mara climbs",
            characters=CASTINGS,
            parent_key=OTHER,
            identity=KEY,
            own_identity=KEY,
            parent=OTHER,
            asked=Asked(seconds=4, aspect="16:9", resolution="720p"),
            silent=True,
            seed=7,
            negative="rain",
            remixable=facts.pop("remixable", True),
        )
        job = bought.model_copy(update={"draft": made_by})
        account: Any = self
        return await store.fn(job, result, credentials=account, library=self.library, judge=judge)

    def file(self, clip: Clip) -> Path:
        return Path(clip.url)

    def files(self) -> list[str]:
        root = Path(self.library.url)
        return sorted(str(p.relative_to(root)) for p in root.glob("reels/**/*") if p.is_file())

    def outcome(self, key: str = KEY) -> Outcome | None:
        return self.ledger.history(key)[-1].outcome
