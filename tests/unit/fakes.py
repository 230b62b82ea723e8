"""Doubles with a memory: a gateway that bills, a storage that breaks on the way."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from prefect_storyboard.jobs.purchase import BuildOrder
from prefect_storyboard.ledger import Attempt, Ledger, LibraryError, Storage, open_storage
from prefect_storyboard.ledger.records import Intent, Owner
from prefect_storyboard.providers import errors
from prefect_storyboard.providers.clock import Clock
from prefect_storyboard.providers.download import BOUNDS, Bounds, download
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Result, SceneRequest, Sought, Status
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.keys import digest

KEY = digest("the first scene")
OTHER = digest("the second scene")
ENDPOINT = "fal-ai/sora-2/text-to-video"


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing that the code catches."""


class Gateway:
    """A provider. `submits`, `states`, `results` and `lists` hold what happens next; `billed` is the meter.

    A submit is "accept", "lost" (billed, no reply), "vanished" (not billed, no reply), an error, or a coroutine
    function that is awaited before the job is accepted. A state or a result may be an error as well.
    """

    name = "fal"
    carries_files = False
    http: httpx.AsyncClient

    def __init__(self, *submits: Any, meter: Path | None = None, prefix: str = "r") -> None:
        self.submits: deque[Any] = deque(submits)
        self.states: deque[Any] = deque()
        self.results: deque[Any] = deque()
        self.lists: deque[Any] = deque()
        self.hidden: set[str] = set()
        self.billed: list[tuple[Job, Order]] = []
        self.uploads: list[Path] = []
        self.looks = self.results_asked = 0
        self._meter, self._prefix = meter, prefix

    async def upload(self, path: Path, content_type: str) -> str:
        self.uploads.append(path)
        return f"https://files.example/{len(self.uploads)}/{path.name}?{content_type}"

    def character_order(self, request: CharacterRequest) -> Order:
        return Order(endpoint="character", body={"name": request.name})

    def scene_order(self, request: SceneRequest) -> Order:
        return Order(endpoint=ENDPOINT, body={"prompt": request.prompt})

    async def submit(self, order: Order) -> Job:
        then = self.submits.popleft() if self.submits else "accept"
        if callable(then) and not isinstance(then, type):
            await then()
        if isinstance(then, Exception):
            raise then
        if then == "vanished":
            raise errors.OutcomeUnknown("fal did not answer a submit (ReadError); it may have been accepted")
        job = self.bill(order)
        if then == "lost":
            raise errors.OutcomeUnknown("fal did not answer a submit (ReadError); it may have been accepted")
        return job

    def bill(self, order: Order, at: datetime | None = None) -> Job:
        number = len(self.billed) + 1
        moment = at or datetime.now(UTC)
        job = Job(provider="fal", endpoint=order.endpoint, request_id=f"{self._prefix}{number}", submitted_at=moment)
        self.billed.append((job, order))
        if self._meter:
            with self._meter.open("a") as meter:
                meter.write(f"{job.request_id}\n")
        return job

    async def status(self, job: Job) -> Status:
        self.looks += 1
        then = self.states.popleft() if self.states else "ended"
        if isinstance(then, Exception):
            raise then
        return then if isinstance(then, Status) else Status(state=then)

    async def result(self, job: Job) -> Result:
        self.results_asked += 1
        then = self.results.popleft() if self.results else Result(url=f"https://cdn.example/{job.request_id}.mp4")
        if isinstance(then, Exception):
            raise then
        assert isinstance(then, Result)
        return then

    async def fetch(self, url: str, to: Path, bounds: Bounds = BOUNDS) -> str:
        return await download(self.http, url, to, bounds)

    async def cancel(self, job: Job) -> bool:
        return False

    async def find(self, order: Sought) -> tuple[Job, ...]:
        then = self.lists.popleft() if self.lists else None
        if isinstance(then, Exception):
            raise then
        if callable(then):
            then()
        wanted = (order.endpoint, order.digest)
        same = [job for job, billed in self.billed if (billed.endpoint, billed.digest) == wanted]
        return tuple(job for job in same if job.request_id not in self.hidden)

    async def offered(self, endpoint: str) -> bool | None:
        return None

    async def price(self, order: Order) -> float | None:
        return None

    async def balance(self) -> float | None:
        return None

    async def verify_callback(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
        """The body is the id, and signed by whoever knows the secret."""
        return body.decode() if headers.get("signature") == secret else None


class FakeClock(Clock):
    """Stands still until somebody sleeps, and is then at the end of that sleep; `meanwhile` happens then, one a sleep."""

    def __init__(self, *meanwhile: Callable[[], object]) -> None:
        self._began = datetime.now(UTC)
        self.passed = 0.0
        self.slept: list[float] = []
        self.meanwhile = deque(meanwhile)

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.slept.append(seconds)
            self.passed += seconds
            if self.meanwhile:
                self.meanwhile.popleft()()
        await asyncio.sleep(0)


def session_with(
    gateway: Gateway, transport: httpx.AsyncBaseTransport | None = None, clock: Clock | None = None
) -> Session:
    http = httpx.AsyncClient(transport=transport or httpx.MockTransport(_nothing))
    gateway.http = http
    return Session(http, gateway, 40, clock=clock or FakeClock())


def _nothing(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(500)


@dataclass
class Breaks:
    """Counts the writes of a storage; `at` breaks one of them, before it arrives or after it."""

    at: int = 0
    error: BaseException = field(default_factory=Killed)
    arrives: bool = False
    times: int = 1
    writes: list[str] = field(default_factory=list)

    def write(self, name: str, work: Callable[[], Any]) -> Any:
        self.writes.append(name)
        breaking = self.at <= len(self.writes) < self.at + self.times
        if breaking and not self.arrives:
            raise self.error
        done = work()
        if breaking:
            raise self.error
        return done


@dataclass(frozen=True)
class Breaking(Storage):
    breaks: Breaks = field(default_factory=Breaks)

    def create_once(self, body: bytes, *parts: str) -> bytes:
        return self.breaks.write(parts[-1], lambda: super(Breaking, self).create_once(body, *parts))

    def mark(self, *parts: str) -> None:
        self.breaks.write(parts[-1], lambda: super(Breaking, self).mark(*parts))

    def write(self, body: bytes, *parts: str) -> str:
        return self.breaks.write(parts[-1], lambda: super(Breaking, self).write(body, *parts))

    def publish(self, local: Path, *parts: str) -> str:
        return self.breaks.write(parts[-1], lambda: super(Breaking, self).publish(local, *parts))


def breaking(folder: Path, breaks: Breaks) -> Breaking:
    sound = open_storage(str(folder))
    return Breaking(fs=sound.fs, root=sound.root, url=sound.url, breaks=breaks)


def away() -> LibraryError:
    return LibraryError("s3://reels/ledger cannot be created: Service Unavailable")


def order(prompt: str = "Mara climbs the stairs") -> Order:
    return Order(endpoint=ENDPOINT, body={"prompt": prompt})


def wording(wanted: Order | None = None) -> BuildOrder:
    async def word(*, fresh: bool = False) -> Order:
        await asyncio.sleep(0)
        return wanted or order()

    return word


def owner(**facts: Any) -> Owner:
    return Owner.model_validate({"token": "t1", "host": "another machine", "pid": 4711, "started": "99", **facts})


def intent(key: str = KEY, **facts: Any) -> Intent:
    """One that another machine has written a moment ago."""
    now = datetime.now(UTC)
    defaults = {
        "key": key,
        "owner": owner(),
        "at": now,
        "lease_until": now + timedelta(minutes=2),
        "provider": "fal",
        "account": "default",
        "endpoint": ENDPOINT,
        "order_digest": order().digest,
        "label": "scene s01 take 1",
        "usd": 0.4,
    }
    return Intent.model_validate({**defaults, **facts})


def job(request_id: str = "r1", **facts: Any) -> Job:
    defaults = {"provider": "fal", "endpoint": ENDPOINT, "request_id": request_id, "submitted_at": datetime.now(UTC)}
    return Job.model_validate({**defaults, **facts})


@dataclass(frozen=True)
class Overtaken(Ledger):
    """A ledger in which something happens between the first look at a job and what is done about it."""

    meanwhile: deque[Callable[[], object]] = field(default_factory=deque)

    def history(self, key: str) -> tuple[Attempt, ...]:
        seen = super().history(key)
        while self.meanwhile:
            self.meanwhile.popleft()()
        return seen


def overtaken_by(ledger: Ledger, *meanwhile: Callable[[], object]) -> Ledger:
    return Overtaken(ledger.storage, deque(meanwhile))


def ledger_in(folder: Path) -> Ledger:
    return Ledger(open_storage(str(folder)))
