"""The kinds of trouble: for each the fault rules that are drawn, and the phases of runs in which they are active."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from tests.chaos.fault_rules import FaultRules, Rule

Library = Literal["folder", "small disk", "bucket"]
Flow = Literal["series", "gathered", "mapped", "plain", "posters", "drawn", "reroll", "pick", "thrifty"]
OWN = ("gathered", "mapped", "plain")  # flows that make the scenes without the series; they draw no stills


@dataclass(frozen=True)
class End:
    """How a run is ended: a signal (or a cancellation), when so many records are there, or so many seconds after."""

    how: Literal["SIGKILL", "SIGTERM", "SIGINT", "cancel", "full"]
    record: str = "intent"
    count: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Phase:
    """Flows that run at the same time: where, which, started how, and how each of them ends before its time.

    Before they start, the ledger `loses` single records or everything, or is repaired. With `stalls`, the first flow is
    stopped by SIGSTOP between that intent of its own and the POST, until the second one, whose clock is ten minutes
    fast, has ended. With `edits` the board is changed before they start.
    """

    flows: int = 1
    where: Literal["here", "process", "command"] = "here"
    ends: tuple[End | None, ...] = (None,)
    poll_minutes: float = 0.1
    on_unknown: Literal["stop", "resubmit"] = "stop"
    flow: Flow = "series"
    loses: Literal["", "records", "ledger"] = ""
    repairs: bool = False
    stalls: int = 0
    edits: tuple[str, ...] = ()


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


def _missing(faults: FaultRules, draw: Random) -> Made:
    """A partial restore: a run, some records lost, a run that must buy nothing anew; repaired sooner or later."""
    rules = draw.choice(([], faults.lost(0.1), faults.looks(), faults.stuck(), faults.endings(0.3)))
    first = draw.choice((Phase(), Phase(poll_minutes=0.02), _process(draw, _moment(draw, "SIGKILL"))))
    lossy = [Phase(loses="records", repairs=draw.random() < 0.3)]
    if draw.random() < 0.3:
        lossy.append(Phase(loses="records"))
    return rules, [first, *lossy, *([Phase(repairs=True)] * (draw.random() < 0.6))], "folder"


def _forgotten(faults: FaultRules, draw: Random) -> Made:
    """The whole of `ledger/` is lost when all is stored: a run buys nothing, and after the repair knows it all."""
    rules = draw.choice(([], faults.looks(), faults.files()))
    finished = [Phase(poll_minutes=1.0)] * 3  # broken files may keep one from storing everything
    return rules, [*finished, Phase(loses="ledger", flow=_any_flow(draw)), Phase(repairs=True)], "folder"


def _stalled(faults: FaultRules, draw: Random) -> Made:
    """An owner that is stopped between intent and POST, and a rival who was told to resubmit what is unknown."""
    rules = [*draw.choice(([], [], faults.looks())), *faults.delays()]
    stalled = Phase(2, "process", (None, None), on_unknown="resubmit", stalls=draw.randint(1, 4))
    return rules, [stalled, *([Phase()] * draw.randint(0, 1))], "folder"


def _own(faults: FaultRules, draw: Random) -> Made:
    """The public tasks in flows of one's own, ended and run again; the next flow may be another one of the same keys."""
    rules = [*draw.choice(([], faults.lost(0.1), faults.looks(), faults.files())), *faults.delays()]
    phases = []
    for _ in range(draw.randint(1, 3)):
        end = _moment(draw, draw.choice(("SIGKILL", "SIGKILL", "SIGTERM"))) if draw.random() < 0.7 else None
        phases.append(replace(_process(draw, end, where="process"), flow=_any_flow(draw)))
    if draw.random() < 0.3:
        phases.append(Phase())
    return rules, phases, "folder"


def _any_flow(draw: Random) -> Flow:
    return draw.choice(OWN)


def _further(faults: FaultRules, draw: Random) -> Made:
    """Takes ordered of one scene, or of its still, and an earlier one picked; whatever of it is ended is run again."""
    rules = [*draw.choice(([], faults.lost(), faults.looks(), faults.endings(0.3))), *faults.delays()]
    orders: list[Flow] = ["reroll", "reroll", draw.choice(("reroll", "pick", "series"))]
    phases = [replace(_maybe_ended(draw, 0.6), flow=flow) for flow in orders]
    return rules, [Phase(poll_minutes=1.0), *phases], "folder"


def _edited(faults: FaultRules, draw: Random) -> Made:
    """A board that is changed between two runs, and within a run that was killed."""
    rules = [*draw.choice(([], faults.lost(0.1), faults.accepted(), faults.endings(0.3))), *faults.delays()]
    first = _maybe_ended(draw, 0.5)
    changed = [
        replace(_maybe_ended(draw, 0.4), edits=tuple(draw.sample(("prompt", "still", "look"), draw.randint(1, 2))))
        for _ in range(draw.randint(1, 2))
    ]
    return rules, [first, *changed], "folder"


def _budgets(faults: FaultRules, draw: Random) -> Made:
    """Runs that may spend so much and no more, side by side, and one that may spend enough."""
    rules = draw.choice(([], faults.lost(0.1), faults.refused(), faults.endings(0.3)))
    flows = draw.choice((1, 1, 2))
    thrifty = [Phase(flows, ends=(None,) * flows, flow="thrifty") for _ in range(draw.randint(1, 2))]
    return rules, [Phase(flow="drawn"), *thrifty] if draw.random() < 0.5 else thrifty, "folder"


def _beside(faults: FaultRules, draw: Random) -> Made:
    """Pictures of one's own, drawn by the task in a flow beside the series, ended and run again."""
    rules = [*draw.choice(([], faults.lost(), faults.accepted(), faults.odd_submits())), *faults.delays()]
    phases = [replace(_maybe_ended(draw, 0.7), flow="posters") for _ in range(draw.randint(1, 3))]
    return rules, phases, "folder"


def _maybe_ended(draw: Random, share: float) -> Phase:
    """A run, which now and then is ended before its time."""
    if draw.random() >= share:
        return Phase()
    return _process(draw, _moment(draw, draw.choice(("SIGKILL", "SIGKILL", "SIGTERM"))), where="process")


MAKERS: dict[str, Callable[[FaultRules, Random], Made]] = {
    "lost replies": _of("lost", "lists"),
    "accepted, then 502": _of("accepted", "lists"),
    "not accepted": _of("refused"),
    "broken polls": _of("looks"),
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
    "missing records": _missing,
    "lost ledger": _forgotten,
    "stalled owners": _stalled,
    "own flows": _own,
    "further takes": _further,
    "changed boards": _edited,
    "budgets": _budgets,
    "pictures beside": _beside,
}
KINDS = tuple(MAKERS)
