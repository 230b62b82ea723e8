"""One phase of a schedule: its flows are started, ended before their time, stopped and continued."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prefect_storyboard.flows.collect import Collected
from prefect_storyboard.jobs.repair import Repaired, repair
from prefect_storyboard.storyboards import Reel
from tests.chaos import runs
from tests.chaos.fork_server import ForkServer
from tests.chaos.kinds import End, Phase
from tests.chaos.orders import BUDGET
from tests.chaos.stage import Stage

_LEAVE = 45.0  # seconds after which a moment that never comes is not waited for any more


@dataclass
class Verdict:
    """How a schedule ended, in numbers; `problems` are the promises that were broken."""

    name: str
    gateway: str
    kind: str
    stills: bool = False
    asked: int = 0
    problems: list[str] = field(default_factory=list)
    accepted: int = 0
    billed: int = 0
    stored: int = 0
    unknown: int = 0
    failed: int = 0
    waiting: int = 0
    pictures: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    runs: int = 0
    ends: list[str] = field(default_factory=list)
    seconds: float = 0.0
    folder: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def note(stage: Stage, name: str, *said: Reel | Collected | Repaired | Exception) -> None:
    """Keep what a run in this process said, for the search for secrets."""
    stage.log(name).write_text("\n".join(f"{each}\n{each!r}" for each in said))


async def run_phase(stage: Stage, phase: Phase, number: int, fork_server: ForkServer, verdict: Verdict) -> None:
    if phase.loses:
        lost = await asyncio.to_thread(stage.lose, number)
        stage.lost += lost
        verdict.ends += [f"{phase.loses} lost"] * bool(lost)
    if phase.edits:
        stage.change(stage.schedule.edited(stage.board, phase))
    if phase.repairs:
        note(stage, f"repair-{number}", await asyncio.to_thread(repair, stage.ledger))
    ends = phase.ends or (None,) * phase.flows
    verdict.runs += phase.flows
    if phase.stalls:
        await _stalled(stage, phase, number, fork_server, verdict)
        return
    posts, spent = stage.posts(), stage.spent()
    await asyncio.gather(
        *(
            (_here if phase.where == "here" else _away)(
                stage, phase, f"phase-{number}-{flow}", end, fork_server, verdict
            )
            for flow, end in enumerate(ends)
        )
    )
    if phase.loses == "ledger" and stage.lost and stage.posts() != posts:
        verdict.problems.append("a run without a ledger has submitted")
    if phase.flow == "thrifty" and (more := stage.spent() - spent) > BUDGET:
        verdict.problems.append(f"a run that might spend ${BUDGET} has spent ${more}")


async def _stalled(stage: Stage, phase: Phase, number: int, fork_server: ForkServer, verdict: Verdict) -> None:
    """An owner stops between its intent and its POST, until a rival with a fast clock has ended."""
    owner = await _start(stage, phase, f"phase-{number}-0", fork_server, stalls=phase.stalls)
    try:
        while not (fork_server.ended(owner) or _is_stopped(owner)):  # noqa: ASYNC110 - the kernel sends no event
            await asyncio.sleep(0.02)
        if not fork_server.ended(owner):
            verdict.ends.append("SIGSTOP")
            rival = await _start(stage, phase, f"phase-{number}-1", fork_server, fast=600.0)
            try:
                verdict.ends.append(_ending(await fork_server.wait(rival)))
            finally:
                if not fork_server.ended(rival):
                    os.kill(rival, signal.SIGKILL)
            os.kill(owner, signal.SIGCONT)
        verdict.ends.append(_ending(await fork_server.wait(owner)))
    finally:
        if not fork_server.ended(owner):
            os.kill(owner, signal.SIGKILL)


def _is_stopped(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    return False


def _ending(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit {status}"


async def _here(
    stage: Stage, phase: Phase, name: str, end: End | None, fork_server: ForkServer, verdict: Verdict
) -> None:
    run = asyncio.create_task(
        runs.render(
            stage.board,
            stage.credentials,
            stage.block,
            flow="mapped" if phase.flow == "plain" else phase.flow,
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
    note(stage, name, ended)


async def _away(
    stage: Stage, phase: Phase, name: str, end: End | None, fork_server: ForkServer, verdict: Verdict
) -> None:
    pid = await _start(stage, phase, name, fork_server)
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
    verdict.ends.append(_ending(status))


async def _start(
    stage: Stage, phase: Phase, name: str, fork_server: ForkServer, *, stalls: int = 0, fast: float = 0.0
) -> int:
    """Start a run in a process of its own; its pid."""
    return await fork_server.start(
        {
            "where": phase.where,
            "flow": phase.flow,
            "file": str(stage.file),
            "gateway": stage.schedule.gateway,
            "library": stage.library,
            "environment": stage.environment,
            "on_unknown": phase.on_unknown,
            "poll_minutes": phase.poll_minutes,
            "log": str(stage.log(name)),
            "stalls": stalls,
            "fast": fast,
        }
    )


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
