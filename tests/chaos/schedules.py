"""Schedules drawn from a seed: a storyboard, fault rules, and the phases of runs in which they are active.

Number n of a seed is always the same schedule. Kinds and gateways take turns, so that any stretch has all of them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, Literal

from tests.chaos.fault_rules import LISTS, FaultRules, Rule

GATEWAYS = ("fal", "kie", "toapis", "wavespeed")
KINDS = (
    "lost replies",
    "accepted, then 502",
    "not accepted",
    "broken looks",
    "broken files",
    "stuck jobs",
    "failed jobs",
    "kill -9",
    "SIGTERM, SIGINT",
    "parallel flows",
    "full disk",
    "S3 errors",
    "all at once",
    "odd answers",
    "skewed clocks",
)
_BUCKET_FAULTS = {"before": 0.04, "after": 0.04, "slow down": 0.04, "torn": 0.02}
Library = Literal["folder", "small disk", "bucket"]


@dataclass(frozen=True)
class End:
    """How a run is ended: a signal (or a cancellation), when so many records are there, or so many seconds after."""

    how: Literal["SIGKILL", "SIGTERM", "SIGINT", "cancel", "full"]
    record: str = "intent"
    count: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Phase:
    """Flows that run at the same time: where, started how, and how each of them ends before its time."""

    flows: int = 1
    where: Literal["here", "process", "command"] = "here"
    ends: tuple[End | None, ...] = (None,)
    poll_minutes: float = 0.1
    on_unknown: Literal["stop", "resubmit"] = "stop"


@dataclass(frozen=True)
class Schedule:
    """One experiment. `prompts` and `cast` make the storyboard; `continues` names a scene that needs the first one."""

    seed: int
    number: int
    gateway: str
    kind: str
    scenes: tuple[tuple[str, tuple[str, ...]], ...]
    continues: str | None
    rules: tuple[Rule, ...]
    phases: tuple[Phase, ...]
    library: Library = "folder"
    bucket_faults: dict[str, float] = field(default_factory=dict)
    clock_skew: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.seed}-{self.number}"

    @property
    def lists(self) -> bool:
        """Whether the gateway can be asked for a lost job."""
        return self.gateway in LISTS

    @property
    def calm(self) -> bool:
        """Whether nothing comes between two notes of a run: nobody ends it, and its library is sound."""
        return self.library == "folder" and not any(end for phase in self.phases for end in phase.ends)

    @property
    def jobs(self) -> int:
        """Scenes and characters asked for."""
        return len(self.scenes) + len({name for _, cast in self.scenes for name in cast})

    def board(self, clips: dict[str, str]) -> dict[str, Any]:
        """The storyboard, with the reference clips of this machine."""
        used = sorted({name for _, cast in self.scenes for name in cast})
        scenes = [
            {"id": each, "prompt": f"Picture {each} of {self.name}: {' and '.join(cast) or 'nobody'} at the pier."}
            | {"characters": list(cast)}
            | ({"continues": "s01"} if each == self.continues else {})
            for each, cast in self.scenes
        ]
        people = [{"name": name, "clip": clips[name]} for name in used]
        return {"title": "Pier", "model": "sora-2", "fit": "nearest", "cast": people, "scenes": scenes}

    def __str__(self) -> str:
        return str(asdict(self))


def schedule(seed: int, number: int) -> Schedule:
    """Number `number` of a seed."""
    draw = Random(f"{seed} {number}")  # noqa: S311 - to be repeated, not to be secret
    gateway = GATEWAYS[number % len(GATEWAYS)]
    kind = KINDS[number // len(GATEWAYS) % len(KINDS)]
    rules, phases, library = _MAKERS[kind](FaultRules(gateway, draw), draw)
    count = draw.randint(3, 5)
    names = draw.choice((("Mara",), ("Mara",), ("Mara", "Otto")))
    scenes = tuple((f"s{n:02d}", _cast(draw, names)) for n in range(1, count + 1))
    continues = f"s{count:02d}" if draw.random() < 0.35 else None
    return Schedule(
        seed,
        number,
        gateway,
        kind,
        scenes,
        continues,
        tuple(rules),
        tuple(phases),
        library,
        bucket_faults=_BUCKET_FAULTS if library == "bucket" else {},
        clock_skew=draw.choice((-600.0, 600.0)) if kind == "skewed clocks" else 0.0,
    )


def _cast(draw: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if draw.random() < 0.7)


Made = tuple[list[Rule], list[Phase], Library]


def _of(*parts: str, phases: int = 2) -> Callable[[FaultRules, Random], Made]:
    """Faults at the gateway alone: some phases in this process."""

    def make(faults: FaultRules, draw: Random) -> Made:
        rules = [rule for part in parts for rule in getattr(faults, part)()]
        draw.shuffle(rules)
        return rules, [Phase() for _ in range(draw.randint(1, phases))], "folder"

    return make


def _stuck(faults: FaultRules, draw: Random) -> Made:
    waits = [draw.choice((0.0, 0.01, 0.03)) for _ in range(draw.randint(1, 3))]
    return faults.stuck(), [Phase(poll_minutes=wait) for wait in waits], "folder"


def _moment(draw: Random, how: str) -> End:
    """Mostly right after a record appeared, which is when a submit is on its way or has just come back."""
    record = draw.choice(("intent", "intent", "intent", "job", "job", "outcome", "requests", "takes"))
    return End(how, record, draw.randint(1, 5), draw.choice((0.0, 0.0, 0.01, 0.03, 0.1, 0.3)))


def _killed(faults: FaultRules, draw: Random) -> Made:
    rules = [*draw.choice(([], faults.lost(0.1), faults.looks(), faults.files())), *faults.delays()]
    return rules, [_process(draw, _moment(draw, "SIGKILL")) for _ in range(draw.randint(1, 3))], "folder"


def _stopped(faults: FaultRules, draw: Random) -> Made:
    phases = []
    for _ in range(draw.randint(1, 2)):
        how = draw.choice(("SIGTERM", "SIGINT", "cancel"))
        end = _moment(draw, how)
        phases.append(Phase(ends=(end,)) if how == "cancel" else _process(draw, end, where="command"))
    return [*draw.choice(([], faults.lost(0.1), faults.looks())), *faults.delays()], phases, "folder"


def _process(draw: Random, end: End | None, where: str = "") -> Phase:
    return Phase(where=where or draw.choice(("process", "process", "command")), ends=(end,), poll_minutes=0.05)


def _rivals(faults: FaultRules, draw: Random) -> Made:
    rules = [*draw.choice(([], faults.lost(), faults.refused(), faults.files())), *faults.delays()]
    flows = draw.choice((2, 2, 4))
    here = draw.random() < 0.5
    ends: list[End | None] = [None] * flows
    if draw.random() < 0.6:
        ends[0] = _moment(draw, "cancel" if here else "SIGKILL")
    return rules, [Phase(flows, "here" if here else "process", tuple(ends))], "folder"


def _full(faults: FaultRules, draw: Random) -> Made:
    rules = [*draw.choice(([], faults.lost(0.1), faults.files())), *faults.delays()]
    phases = [_process(draw, _moment(draw, "full"), where="process") for _ in range(draw.randint(1, 2))]
    return rules, phases, "small disk"


def _bucket(faults: FaultRules, draw: Random) -> Made:
    rules = draw.choice(([], faults.lost(), faults.refused()))
    if draw.random() < 0.4:
        end = End("SIGKILL", seconds=draw.uniform(0.5, 3.0))
        return rules, [Phase(where="process", ends=(end,), poll_minutes=0.05)], "bucket"
    flows = draw.choice((1, 1, 2))
    return rules, [Phase(flows, ends=(None,) * flows)], "bucket"


def _storm(faults: FaultRules, draw: Random) -> Made:
    parts = ("lost", "accepted", "refused", "looks", "files", "lists", "endings", "stuck", "odd_submits", "odd_results")
    rules = [rule for part in draw.sample(parts, 5) for rule in getattr(faults, part)()]
    draw.shuffle(rules)
    phases = [
        _process(draw, _moment(draw, "SIGKILL"), where="process") if draw.random() < 0.5 else Phase(poll_minutes=0.02)
    ]
    return rules, [*phases, Phase(flows=2, ends=(None, None), poll_minutes=0.02)], "folder"


_MAKERS: dict[str, Callable[[FaultRules, Random], Made]] = {
    "lost replies": _of("lost", "lists"),
    "accepted, then 502": _of("accepted", "lists"),
    "not accepted": _of("refused"),
    "broken looks": _of("looks"),
    "broken files": _of("files"),
    "stuck jobs": _stuck,
    "failed jobs": _of("endings", "looks", phases=3),
    "kill -9": _killed,
    "SIGTERM, SIGINT": _stopped,
    "parallel flows": _rivals,
    "full disk": _full,
    "S3 errors": _bucket,
    "all at once": _storm,
    "odd answers": _of("odd_submits", "odd_results"),
    "skewed clocks": _of("lost", "accepted", "dates"),
}
