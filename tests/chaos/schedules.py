"""Schedules drawn from a seed: a storyboard, fault rules, and the phases of runs in which they are active.

Number n of a seed is always the same schedule. Kinds and gateways take turns, so that any stretch has all of them.
"""

from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from tests.chaos.fault_rules import LISTS, FaultRules, Rule
from tests.chaos.kinds import KINDS, MAKERS, Flow, Library, Phase

GATEWAYS = ("fal", "kie", "toapis", "wavespeed", "openai")
_BUCKET_FAULTS = {"before": 0.04, "after": 0.04, "slow down": 0.04, "torn": 0.02}


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
        """Whether nothing comes between two notes of a run: nobody ends or stops it, and its library is sound."""
        disturbed = any(phase.stalls or any(phase.ends) for phase in self.phases)
        return self.library == "folder" and not disturbed and not self.loses

    @property
    def loses(self) -> bool:
        """Whether the ledger loses records."""
        return any(phase.loses for phase in self.phases)

    @property
    def resubmits(self) -> bool:
        """Whether a user said that what is unknown may be bought again."""
        return any(phase.on_unknown == "resubmit" for phase in self.phases)

    @property
    def flow(self) -> Flow:
        """The flow that runs in fine weather, until nothing changes."""
        return "series" if self.phases[-1].flow == "series" else "gathered"

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
    rules, phases, library = MAKERS[kind](FaultRules(gateway, draw), draw)
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
