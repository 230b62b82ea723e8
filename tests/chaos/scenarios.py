"""A schedule from its first phase to the verdict."""

import asyncio
import os
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prefect.exceptions import PrefectHTTPStatusError

from prefect_storyboard.flows.collect import Collected
from prefect_storyboard.storyboards import Reel
from tests.chaos import runs
from tests.chaos.fork_server import ForkServer
from tests.chaos.judge import Case, judge
from tests.chaos.schedules import End, Phase, Schedule
from tests.chaos.stage import SECRET, Stage, staged

_ROUNDS = 8  # of a run and a look at the open jobs, before it must be quiet
_LONGEST = 400.0  # seconds of one phase
_LEAVE = 45.0  # seconds after which a moment that never comes is not waited for any more


@dataclass
class Verdict:
    """How a schedule ended, in numbers; `problems` are the promises that were broken."""

    name: str
    gateway: str
    kind: str
    asked: int
    problems: list[str] = field(default_factory=list)
    accepted: int = 0
    billed: int = 0
    stored: int = 0
    unknown: int = 0
    failed: int = 0
    waiting: int = 0
    faults: int = 0
    runs: int = 0
    ends: list[str] = field(default_factory=list)
    seconds: float = 0.0
    folder: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Props:
    """What all schedules of a worker share: films, the place where processes come from, an S3 server.

    With `spoil` the library is damaged before it is judged, to see that the judge notices.
    """

    films: Path
    fork_server: ForkServer
    s3: str
    spoil: bool = False


async def play(schedule: Schedule, folder: Path, props: Props) -> Verdict:
    """Play a schedule through and judge it. Nothing that happens in it stops the suite."""
    verdict = Verdict(schedule.name, schedule.gateway, schedule.kind, schedule.jobs, folder=str(folder))
    began = time.monotonic()
    try:
        with staged(schedule, folder, props.films, props.s3) as stage:
            for number, phase in enumerate(schedule.phases, 1):
                await asyncio.wait_for(_pass(stage, phase, number, props.fork_server, verdict), _LONGEST)
            verdict.faults = stage.fired()
            stage.behave()
            case = await _quiet(stage, verdict)
            if props.spoil:
                _spoil(Path(stage.library["url"]))
            await asyncio.to_thread(_close, case, verdict)
    except Exception:  # noqa: BLE001 - one schedule that breaks off is a verdict, and the others go on
        verdict.problems.append(f"the schedule broke off: {traceback.format_exc()}")
    verdict.seconds = round(time.monotonic() - began, 1)
    return verdict


def _spoil(library: Path) -> None:
    """Cut a clip short, forget that a job has ended and what it cost, tear a record, tell the key."""
    clips = sorted(library.glob("reels/*/scenes/*/take-*.mp4"))
    clips[0].write_bytes(clips[0].read_bytes()[:-1])
    outcomes = sorted(library.glob("ledger/??/*/*/outcome.json"))
    outcomes[0].unlink()
    (note,) = library.glob(f"ledger/spent/*/*_{outcomes[0].parts[-3]}_001_*")
    note.rename(note.with_name(f"{note.name.rpartition('_')[0]}_1"))
    outcomes[1].write_bytes(outcomes[1].read_bytes()[:-9])
    (library / "notes.txt").write_text(SECRET)


def _close(case: Case, verdict: Verdict) -> None:
    case = Case(case.stage, case.reel, case.collected)  # which has read nothing yet
    verdict.problems += judge(case)
    states = case.states()
    verdict.accepted, verdict.billed = len(case.accepted), len(case.billed)
    verdict.stored = states["done"]
    verdict.unknown, verdict.failed, verdict.waiting = states["unknown"], states["failed"], states["rendering"]


async def _quiet(stage: Stage, verdict: Verdict) -> Case:
    """Run and collect until nothing changes and nothing is sent any more."""
    last = None
    for number in range(_ROUNDS):
        posts = stage.posts()
        reel = await asyncio.wait_for(
            runs.render(stage.board, stage.credentials, stage.block, on_unknown="stop", poll_minutes=0.1), _LONGEST
        )
        collected = await asyncio.wait_for(runs.collect(stage.credentials, stage.block), _LONGEST)
        ended = [each for each in (reel, collected) if isinstance(each, Exception)]
        if any(isinstance(each, PrefectHTTPStatusError) for each in ended):  # its server has too much to do
            await asyncio.sleep(number)
            continue
        if ended or isinstance(reel, Exception) or isinstance(collected, Exception):
            raise RuntimeError(f"the run after the phases could not go on: {ended[0]!r}") from ended[0]
        verdict.runs += 1
        _note(stage, f"after-{number}", reel, collected)
        case = Case(stage, reel, collected)
        now = await asyncio.to_thread(
            lambda case=case: sorted((a.intent.key, a.number, str(a.outcome), str(a.job)) for a in case.attempts)
        )
        if now == last and stage.posts() == posts:
            return case
        last = now
    raise RuntimeError(f"it was not quiet after {_ROUNDS} runs in fine weather")


def _note(stage: Stage, name: str, *said: Reel | Collected | Exception) -> None:
    """Keep what a run in this process said, for the search for secrets."""
    stage.log(name).write_text("\n".join(f"{each}\n{each!r}" for each in said))


async def _pass(stage: Stage, phase: Phase, number: int, fork_server: ForkServer, verdict: Verdict) -> None:
    ends = phase.ends or (None,) * phase.flows
    verdict.runs += phase.flows
    await asyncio.gather(
        *(
            (_here if phase.where == "here" else _away)(
                stage, phase, f"phase-{number}-{flow}", end, fork_server, verdict
            )
            for flow, end in enumerate(ends)
        )
    )


async def _here(
    stage: Stage, phase: Phase, name: str, end: End | None, fork_server: ForkServer, verdict: Verdict
) -> None:
    run = asyncio.create_task(
        runs.render(
            stage.board,
            stage.credentials,
            stage.block,
            on_unknown=phase.on_unknown,
            poll_minutes=phase.poll_minutes,
        )
    )
    if end and await _moment(stage, end, run.done):
        run.cancel()
    ended: Any = "cancelled"
    with suppress(asyncio.CancelledError):
        ended = await run
    verdict.ends.append(ended if isinstance(ended, str) else type(ended).__name__)
    _note(stage, name, ended)


async def _away(
    stage: Stage, phase: Phase, name: str, end: End | None, fork_server: ForkServer, verdict: Verdict
) -> None:
    pid = await fork_server.start(
        {
            "where": phase.where,
            "file": str(stage.file),
            "gateway": stage.schedule.gateway,
            "library": stage.library,
            "environment": stage.environment,
            "on_unknown": phase.on_unknown,
            "poll_minutes": phase.poll_minutes,
            "log": str(stage.log(name)),
        }
    )
    try:
        if end and await _moment(stage, end, lambda: fork_server.ended(pid)):
            if end.how == "full":
                with _full(stage, pid, end):
                    status = await fork_server.wait(pid)
            else:
                with suppress(ProcessLookupError):
                    os.kill(pid, getattr(signal, end.how))
        status = await fork_server.wait(pid)
    finally:
        if not fork_server.ended(pid):
            os.kill(pid, signal.SIGKILL)
    verdict.ends.append(signal.Signals(-status).name if status < 0 else f"exit {status}")


async def _moment(stage: Stage, end: End, over: Any) -> bool:
    """Wait for the moment at which a run is to be ended. False: it was over first."""
    deadline = time.monotonic() + _LEAVE
    base = stage.records(end.record) if end.count else 0
    while end.count and stage.records(end.record) < base + end.count and time.monotonic() < deadline:
        if over():
            return False
        await asyncio.sleep(0.01)
    await asyncio.sleep(end.seconds)
    return not over()


@contextmanager
def _full(stage: Stage, pid: int, end: End) -> Iterator[None]:
    """The disk is full from now on: ballast on a disk of its own, else a limit on what the run may write."""
    disk, left = Path(stage.library["url"]).parent, (0, 4096, 65536)[end.count % 3]
    ballast = disk / "ballast"
    if disk.is_mount():
        space = os.statvfs(disk)
        with suppress(OSError):
            ballast.write_bytes(b"\0" * max(space.f_bavail * space.f_frsize - left, 0))
    else:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (200 + left, 200 + left))
    try:
        yield
    finally:
        ballast.unlink(missing_ok=True)
