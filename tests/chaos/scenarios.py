"""A schedule from its first phase to the verdict."""

import asyncio
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from prefect.exceptions import PrefectHTTPStatusError

from prefect_storyboard.jobs.repair import repair
from prefect_storyboard.ledger import LedgerLost
from prefect_storyboard.storyboards import FailedScene, Reel
from tests.chaos import runs
from tests.chaos.case import Case
from tests.chaos.fork_server import ForkServer
from tests.chaos.judge import judge
from tests.chaos.phases import Verdict, note, run_phase
from tests.chaos.schedules import Schedule
from tests.chaos.stage import SECRET, Stage, staged

_ROUNDS = 8  # of a run and a look at the open jobs, before it must be quiet
_LONGEST = 400.0  # seconds of one phase


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
    verdict = Verdict(
        schedule.name, schedule.gateway, schedule.kind, stills=schedule.stills is not None, folder=str(folder)
    )
    began = time.monotonic()
    try:
        with staged(schedule, folder, props.films, props.s3) as stage:
            for number, phase in enumerate(schedule.phases, 1):
                await asyncio.wait_for(run_phase(stage, phase, number, props.fork_server, verdict), _LONGEST)
            verdict.faults = stage.fired()
            stage.behave()
            case = await _quiet(stage, verdict)
            if stage.lost:
                await asyncio.to_thread(_judge_unmended, case, verdict)
                await asyncio.to_thread(_mend, stage)
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
    verdict.pictures = case.counts(pictures=True)
    for name, count in case.counts(pictures=False).items():
        setattr(verdict, name, count + verdict.pictures[name])


async def _quiet(stage: Stage, verdict: Verdict) -> Case:
    """Run and collect until nothing changes and nothing is sent any more."""
    last = None
    for number in range(_ROUNDS):
        posts = stage.posts()
        reel = await asyncio.wait_for(
            runs.render(
                stage.board,
                stage.credentials,
                stage.block,
                flow=stage.schedule.flow,
                on_unknown="stop",
                poll_minutes=0.1,
            ),
            _LONGEST,
        )
        collected = await asyncio.wait_for(runs.collect(stage.credentials, stage.block), _LONGEST)
        ended = [each for each in (reel, collected) if isinstance(each, Exception)]
        if any(isinstance(why, PrefectHTTPStatusError) for each in ended for why in (each, each.__cause__)):
            # Its server has too much to do.
            await asyncio.sleep(number)
            continue
        if stage.schedule.loses and isinstance(reel, LedgerLost):  # all of it
            reel = _stopped(stage, reel)
            ended.remove(ended[0])
        if ended or isinstance(reel, Exception) or isinstance(collected, Exception):
            raise RuntimeError(f"the run after the phases could not go on: {ended[0]!r}") from ended[0]
        verdict.runs += 1
        note(stage, f"after-{verdict.runs}", reel, collected)
        case = Case(stage, reel, collected)
        now = await asyncio.to_thread(
            lambda case=case: sorted((a.intent.key, a.number, str(a.outcome), str(a.job)) for a in case.attempts)
        )
        if now == last and stage.posts() == posts:
            return case
        last = now
    raise RuntimeError(f"it was not quiet after {_ROUNDS} runs in fine weather")


def _judge_unmended(case: Case, verdict: Verdict) -> None:
    """What the runs have done with a ledger that had lost records, before anybody has mended it."""
    problems = judge(Case(case.stage, case.reel, case.collected, mended=False))
    verdict.problems += [f"before the repair: {problem}" for problem in problems]


def _mend(stage: Stage) -> None:
    repaired = repair(stage.ledger)
    note(stage, "repair", repaired)
    stage.damaged = repaired.damaged


def _stopped(stage: Stage, why: LedgerLost) -> Reel:
    """What a run that could not go on has made: nothing, and it has named the record that it stopped at."""
    named = [FailedScene(scene=s, error=str(why), charged=False, remedy="") for s, _ in stage.schedule.scenes]
    return Reel(title="Pier", clips=(), failed=tuple(named))
