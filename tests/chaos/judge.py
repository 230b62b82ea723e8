"""The verdict on one schedule, when all is quiet: the sandbox's meter is believed, the library has to agree."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from prefect_storyboard.jobs.settle import line
from prefect_storyboard.ledger import Attempt
from prefect_storyboard.storyboards.folders import slug
from tests.chaos.case import Case, is_picture
from tests.chaos.stills import POSTERS
from tests.chaos.telltales import secrets_told

_LOST = ("is missing, and", "of which the ledger has no record")  # what errors about lost records say


def judge(case: Case) -> list[str]:
    """What is wrong, one sentence each; nothing if all promises were kept."""
    for check in (_readable, _money, _attempts, _clips, _scenes, _posters, _journal, _spent, _lists, secrets_told):
        case.problems += check(case)
    return case.problems


def _readable(case: Case) -> Iterator[str]:
    """A job whose records were lost, and could not be rebuilt, is named by whoever needs it."""
    case.attempts  # noqa: B018 - all of them are read now
    for key, why in case.unreadable.items() if case.stage.schedule.loses else ():
        if key[:12] not in case.said:
            yield f"{key[:12]} does not read, and nobody says so: {why}"


def _money(case: Case) -> Iterator[str]:
    """Each order was bought once; again only after a failure that was free. What was bought is stored or unknown."""
    for order in case.meter["duplicates"]:
        if (times := _times_bought(case, order)) > 1:
            yield f"bought {times} times: {_short(order)}"
    ids = [case.id_of(attempt) for attempt in case.attempts if attempt.job]
    yield from (f"two attempts hold {each}" for each, times in Counter(ids).items() if times > 1)
    strange = set(ids) - case.accepted - set(case.rebuilt_castings if case.stage.lost else ())
    yield from (f"the ledger holds {each}, which was never accepted" for each in strange)
    kept = {case.id_of(attempt) for attempt in case.attempts if attempt.job and _is(attempt, "done")}
    refused = {
        each for each, attempt in case.held.items() if attempt.end and attempt.end.charged and _is(attempt, "failed")
    }
    for each in (case.billed - kept - refused) & set(case.held):
        yield f"{each} is billed, and the ledger calls it {line(case.held[each]).state}"
    unknown = [attempt for attempt in case.attempts if line(attempt).state == "unknown"]
    if case.stage.schedule.lists and len(case.lost) > case.nameless:
        yield from (f"{each} was bought, is listed, and nobody has found it" for each in case.lost)
    elif len(case.lost) > len(unknown) + case.nameless:
        yield f"{len(case.lost)} jobs were bought and lost, and only {len(unknown)} attempts are called unknown"
    wanted = {(each.intent.draft.scene, is_picture(each)) for each in unknown if each.intent.draft}
    for order in (order for order in case.meter["orders"] if set(order["request_ids"]) & case.lost):
        text = json.dumps(order)
        scene = next((s for s in case.scenes if f"Picture {s} " in text and "A poster for" not in text), None)
        named = (scene, case.is_of_pictures(order)) in wanted
        if scene and not named and not case.stage.schedule.lists and not case.nameless:
            yield f"{scene} was bought and lost, and is not called unknown"
    if case.meter["leaks"]:
        yield f"the key went to {case.meter['leaks']} downloads"


def _times_bought(case: Case, order: dict[str, Any]) -> int:
    """How often one and the same job was bought. Further takes that were ordered are jobs of their own."""
    counted = [case.held.get(each) for each in order["request_ids"]]
    counted = [attempt for attempt in counted if not _is_allowed(case, attempt)]
    if not case.stage.schedule.orders:
        return len(counted)
    keys = Counter(attempt.intent.key for attempt in counted if attempt)
    return max(keys.values(), default=0)  # one that nobody holds has to be unknown, which is judged apart


def _is_allowed(case: Case, attempt: Attempt | None) -> bool:
    """Whether the job may have been bought beside another one: it failed for free, or its owner came back too late."""
    ended = attempt.end if attempt else None
    free = bool(ended and ended.kind == "failed" and ended.resubmittable and ended.charged is False)
    return free or bool(attempt and attempt.bought_after_all and case.stage.schedule.resubmits)


def _is(attempt: Attempt, kind: str) -> bool:
    return attempt.end is not None and attempt.end.kind == kind


def _attempts(case: Case) -> Iterator[str]:
    """Every attempt has ended, or is listed as unknown or as rendering at a gateway that renders it."""
    unknown = {(each.key, each.attempt) for each in case.collected.unknown}
    waiting = {(each.key, each.attempt) for each in case.collected.waiting}
    rendering = 0
    for attempt in case.attempts:
        state, what = line(attempt).state, f"{attempt.intent.label} (attempt {attempt.number})"
        place = (attempt.intent.key, attempt.number)
        rendering += state == "rendering"
        if state == "submitting":
            yield f"{what} is being submitted by nobody"
        elif state == "abandoned" and not (case.stage.schedule.resubmits or case.stage.lost):
            yield f"{what} was abandoned, and nobody said so: {attempt.outcome}"
        elif state == "unknown" and place not in unknown and (case.mended or attempt.intent.key[:12] not in case.said):
            yield f"{what} is unknown, and collect does not say so"
        elif state == "rendering" and place not in waiting:
            yield f"{what} renders, and collect does not say so"
        elif state == "failed" and not (attempt.outcome and attempt.outcome.message):
            yield f"{what} failed without a reason"
    if rendering > case.meter["running"]:
        yield f"{rendering} jobs are open, and the gateway renders {case.meter['running']}"


def _clips(case: Case) -> Iterator[str]:
    """Every clip that is recorded is there, whole, and the one that the gateway made."""
    storage = case.stage.storage
    for attempt in case.attempts:
        if not (_is(attempt, "done") and attempt.end and attempt.job):
            continue
        clip, what = attempt.end.made, attempt.intent.label
        if clip is None:
            if attempt.end.casting is None:
                yield f"{what} is done, and there is no clip, no picture and no casting"
            continue
        body = storage.read(*storage.parts(clip.url))
        if body is None:
            yield f"{what} is done, and {clip.url} is not there"
        elif hashlib.sha256(body).hexdigest() != clip.sha256:
            yield f"{what}: {clip.url} is not what was stored"
        elif body != case.stage.made(case.id_of(attempt), Path(clip.url).suffix):
            yield f"{what}: {clip.url} is not what the gateway made"


def _scenes(case: Case) -> Iterator[str]:
    """Every scene that was asked for has a clip, or an error that the ledger or the storyboard explains."""
    schedule, storage = case.stage.schedule, case.stage.storage
    clips = {clip.scene: clip for clip in case.reel.clips}
    failed = {each.scene: each for each in case.reel.failed}
    casts = {each["id"]: each["characters"] for each in case.stage.board["scenes"]}
    for scene, cast in casts.items():
        if (scene in clips) == (scene in failed):
            yield f"{scene} is in the reel {'twice' if scene in clips else 'neither as a clip nor as a failure'}"
        elif scene in clips:
            if storage.size(*storage.parts(clips[scene].url)) != clips[scene].bytes:
                yield f"{scene} is in the reel, and its file is not"
        elif not failed[scene].error:
            yield f"{scene} failed without a reason"
        elif any(text in failed[scene].error for text in _LOST) and (not case.mended or _is_beyond_repair(case, scene)):
            pass
        elif not any(_explains(each) for each in _jobs_of(case, scene, cast)) and not (
            scene == schedule.continues and "s01" in failed
        ):
            yield f"{scene} failed, and nothing in the ledger says why: {failed[scene].error}"
    if clips and not storage.exists("reels", "pier", "reel.mp4"):
        yield "there is no reel"


def _posters(case: Case) -> Iterator[str]:
    """Every picture that a flow of one's own has asked for is there, or the ledger says what became of it."""
    if case.stage.schedule.flow != "posters":
        return
    for before, name in pairwise((None, *POSTERS)):
        if not any(line(each).state == "done" or _explains(each) for each in _jobs_of(case, name)) and not any(
            _explains(each) for each in _jobs_of(case, before)
        ):
            yield f"{name} was drawn in a flow of one's own, and the ledger knows nothing of it"


def _jobs_of(case: Case, scene: str | None, cast: Iterable[str] = ()) -> list[Attempt]:
    """The last attempts at what a scene needs: its clip and its still, its characters and their sheets."""
    last = {attempt.intent.key: attempt for attempt in case.attempts}
    slugs = {slug(name) for name in cast}
    return [
        each
        for each in last.values()
        if each.intent.character in cast
        or (each.intent.draft and each.intent.draft.room != "sheets" and each.intent.draft.scene == scene)
        or (each.intent.draft and each.intent.draft.room == "sheets" and each.intent.draft.reel in slugs)
    ]


def _is_beyond_repair(case: Case, scene: str) -> bool:
    """Whether `storyboard repair` has named what the scene failed of."""
    error = next(each.error for each in case.reel.failed if each.scene == scene)
    return any(named.split(" is missing, and")[0] in error for named in case.stage.damaged)


def _explains(attempt: Attempt) -> bool:
    return line(attempt).state in {"unknown", "failed", "rendering"}


def _journal(case: Case) -> Iterator[str]:
    """The list of open jobs holds what is open, and nothing else."""
    noted = set(case.stage.ledger.journal.open())
    opened = {(attempt.intent.key, attempt.number) for attempt in case.attempts if attempt.end is None}
    known = {(attempt.intent.key, attempt.number) for attempt in case.attempts}
    for key, number in opened - noted:
        if case.mended or key[:12] not in case.said:
            yield f"{key[:12]} {number} is open, and the index has forgotten it"
    yield from (f"{key[:12]} {number} has ended, and the index holds it" for key, number in (noted - opened) & known)


def _spent(case: Case) -> Iterator[str]:
    """Every job that stands is noted with its price. A run that is stopped may leave a note too many, others do not."""
    storage = case.stage.storage
    noted = Counter(
        (reel, *name.split("_")[1:])
        for reel in storage.names("ledger", "spent")
        for name in storage.names("ledger", "spent", reel)
    )
    stand = Counter(
        (
            intent.reel or "none",
            intent.key,
            f"{attempt.number:03d}",
            "unknown" if intent.usd is None else f"{intent.usd * 1e6:.0f}",
        )
        for attempt in case.attempts
        if (intent := attempt.intent) and not (_is(attempt, "refused") or _is(attempt, "abandoned"))
    )
    for reel, key, number, price in stand - noted if case.mended else ():
        yield f"{key[:12]} {number} stands at {price} millionths, and is not noted as spent by {reel}"
    if case.stage.schedule.calm:
        for reel, key, number, price in noted - stand:
            yield f"{key[:12]} {number} is noted as {price} millionths spent by {reel}, and no such job stands"


def _lists(case: Case) -> Iterator[str]:
    """`collect_jobs` failed nobody without saying why."""
    for each in (*case.collected.unknown, *case.collected.failed, *case.collected.waiting):
        if not each.note:
            yield f"{each.about} is {each.state}, and nothing is said about it"


def _short(order: dict[str, Any]) -> str:
    return json.dumps(order["body"])[:160]
