"""The attempt and job of each take number of a scene: `ledger/takes/<reel>/<scene>/<number>.json`.

Stills and sheets have theirs in `ledger/takes/~stills/` and `ledger/takes/~sheets/`.
"""

from prefect_storyboard.ledger.files import RecordFiles
from prefect_storyboard.ledger.history import record_place
from prefect_storyboard.ledger.records import Holder, Outcome
from prefect_storyboard.ledger.sidecars import stored_made
from prefect_storyboard.storyboards import Clip, Job, Still
from prefect_storyboard.storyboards.planned import Room

_SINGLE = "~clips"  # no reel has this name


def take_number(
    files: RecordFiles, reel: str, scene: str, mine: Holder, *, reserve: bool, room: Room = "scenes"
) -> int:
    """The take number of an attempt: the one it has, else the next free one (reserved if `reserve`).

    Without an attempt, the first take of any attempt at the job; read-only. A number is not free if its record was lost
    while another job's take lies there.
    """
    number = 1
    while True:
        place = _place(reel, scene, number, room)
        held = files.read(Holder, *place)
        if (
            held is None
            and reserve
            and not _is_taken(files, stored_made(files.storage, reel, scene, number, room), mine)
        ):
            held = files.create(mine, *place)
        elif held is None and not reserve:
            return number
        if held and _same(files, held, mine):
            return number
        number += 1


def reserve_take(files: RecordFiles, reel: str, scene: str, mine: Holder, *, number: int, room: Room = "scenes") -> int:
    """Reserve the number for the attempt, or the next free one.

    The caller has checked that neither record nor take exists.
    """
    if files.create(mine, *_place(reel, scene, number, room)) == mine:
        return number
    return take_number(files, reel, scene, mine, reserve=True, room=room)


def take_keys(files: RecordFiles, reel: str, scene: str, room: Room = "scenes") -> tuple[str, ...]:
    """The jobs whose clips or stills are the takes of a scene, in the order of the takes."""
    keys: list[str] = []
    while held := files.read(Holder, *_place(reel, scene, len(keys) + 1, room)):
        keys.append(held.key)
    return tuple(keys)


def _place(reel: str, scene: str, number: int, room: Room) -> tuple[str, ...]:
    of_room = () if room == "scenes" else (f"~{room}",)
    return "ledger", "takes", *of_room, reel or _SINGLE, scene, f"{number:03d}.json"


def _is_taken(files: RecordFiles, clip: Clip | Still | None, mine: Holder) -> bool:
    """Whether the file stored under a number without a record is another attempt's take, whose record was lost."""
    if clip is None or clip.job_key != mine.key:
        return clip is not None
    job = files.read(Job, *record_place(mine.key, mine.attempt, "job")) if mine.attempt else None
    return job is not None and job.request_id != clip.request_id


def _same(files: RecordFiles, held: Holder, mine: Holder) -> bool:
    if held.key != mine.key or mine.attempt is None:
        return held.key == mine.key
    if held.attempt is not None:
        return held.attempt == mine.attempt
    # Version 0.1.0 did not record the attempt; an abandoned one that had been bought has a take of its own.
    outcome = files.read(Outcome, *record_place(mine.key, mine.attempt, "outcome"))
    return outcome is None or outcome.kind != "abandoned"
