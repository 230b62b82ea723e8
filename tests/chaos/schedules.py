"""Schedules drawn from a seed: a storyboard, fault rules, and the phases of runs in which they are active.

Number n of a seed is always the same schedule. Kinds and gateways take turns, so that any stretch has all of them.
"""

from dataclasses import asdict, dataclass, field, replace
from random import Random
from typing import Any

from tests.chaos.fault_rules import LISTS, FaultRules, Rule
from tests.chaos.kinds import KINDS, MAKERS, OWN, Flow, Library, Phase
from tests.chaos.stills import POSTERS, Stills, draw_stills, edited, sells_pictures

GATEWAYS = ("fal", "kie", "toapis", "wavespeed", "openai")
_WITH_STILLS = 1 / 3  # of the boards, where the gateway draws pictures
_MOST_SCENES = 3  # of a board with stills: each has a job more, and its people have sheets
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
    stills: Stills | None = None

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
        last = self.phases[-1].flow
        return "posters" if last == "posters" else "gathered" if last in OWN else "series"

    @property
    def edits(self) -> tuple[str, ...]:
        """What is changed in the board, sooner or later."""
        return tuple(edit for phase in self.phases for edit in phase.edits)

    @property
    def orders(self) -> bool:
        """Whether somebody orders further takes."""
        return any(phase.flow == "reroll" for phase in self.phases)

    def motion(self) -> int:
        """Clips asked for, and characters where the model needs them to be created."""
        people = {name for _, cast in self.scenes for name in cast}
        if self.stills:
            people -= {self.stills.in_words}
            people = people if self.stills.moves == "sora-2" else set()
        return len(self.scenes) + len(people)

    def pictures(self) -> int:
        """Sheets, stills and posters asked for."""
        if not self.stills:
            return 0
        return self.stills.pictures(self.board(dict.fromkeys(("Mara", "Otto"), ""))) + (
            len(POSTERS) if self.flow == "posters" else 0
        )

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
        board = {"title": "Pier", "model": "sora-2", "fit": "nearest", "cast": people, "scenes": scenes}
        return self.stills.board(board) if self.stills else board

    def edited(self, board: dict[str, Any], phase: Phase) -> dict[str, Any]:
        """The board as the runs of a phase find it."""
        return edited(board, phase.edits)

    def __str__(self) -> str:
        return str(asdict(self))


def schedule(seed: int, number: int, *, stills: bool = False) -> Schedule:
    """Number `number` of a seed; with `stills` all boards have stills, at the gateways that draw pictures."""
    draw = Random(f"{seed} {number}")  # noqa: S311 - to be repeated, not to be secret
    gateways = [each for each in GATEWAYS if sells_pictures(each)] if stills else GATEWAYS
    gateway = gateways[number % len(gateways)]
    kind = KINDS[number // len(gateways) % len(KINDS)]
    rules, phases, library = MAKERS[kind](FaultRules(gateway, draw), draw)
    count = draw.randint(3, 5)
    names = draw.choice((("Mara",), ("Mara",), ("Mara", "Otto")))
    scenes = tuple((f"s{n:02d}", _cast(draw, names)) for n in range(1, count + 1))
    continues = f"s{count:02d}" if draw.random() < 0.35 else None
    made = Schedule(
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
    drawn = draw_stills(gateway, draw, scenes[:_MOST_SCENES]) if stills or draw.random() < _WITH_STILLS else None
    return _with_stills(made, draw, drawn) if drawn else _without_posters(made)


def _with_stills(made: Schedule, draw: Random, stills: Stills) -> Schedule:
    """The schedule of a board with stills: flows of one's own draw beside the series, and pictures have faults."""
    # Posters that are drawn first without a ledger would be new jobs: that run is the series again.
    phases = [
        replace(phase, flow="series" if phase.loses else "posters") if phase.flow in OWN else phase
        for phase in made.phases
    ]
    if phases[0].flow == "series" and draw.random() < 0.3:
        phases[0] = replace(phases[0], flow="drawn")
    rules = (*made.rules, *FaultRules(made.gateway, draw).pictures())
    scenes = made.scenes[:_MOST_SCENES]
    last = scenes[-1][0] if made.continues else None
    return replace(made, stills=stills, phases=tuple(phases), rules=rules, scenes=scenes, continues=last)


def _without_posters(made: Schedule) -> Schedule:
    """The schedule of a board without stills, at a gateway that may draw none."""
    instead = {"posters": "series", "drawn": "series"}
    phases = tuple(replace(phase, flow=instead.get(phase.flow, phase.flow)) for phase in made.phases)
    return replace(made, phases=phases)


def _cast(draw: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if draw.random() < 0.7)
