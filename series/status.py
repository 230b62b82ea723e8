"""What each scene of a storyboard has in the library: current, stale, missing or in doubt. Reads, and never buys."""

from collections.abc import Iterator, Mapping, Sequence

from prefect_storyboard.ledger import Attempt, Ledger, Unreadable, deciding, surveyed
from prefect_storyboard.ledger.owner import alive
from prefect_storyboard.ledger.sidecars import lies_in
from prefect_storyboard.series.choosing import Choices
from prefect_storyboard.series.made_of import made_of
from prefect_storyboard.storyboards import Clip, Frozen, Plan, PlannedScene, PlannedStill, Verdict
from prefect_storyboard.storyboards.currency import Currency, changes, is_edited
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.verdicts import verdict_text


class SceneStatus(Frozen):
    """What stands for one scene. `why` says what makes it so, `remedy` what renders it; a new take costs `usd`."""

    scene: str
    state: Currency
    take: int | None = None
    takes: int = 0
    why: tuple[str, ...] = ()
    remedy: str = ""
    usd: float | None = None
    url: str | None = None
    verdict: Verdict | None = None


def board_status(plan: Plan, ledger: Ledger, clips: Sequence[Clip] = ()) -> tuple[SceneStatus, ...]:
    """Look every still and scene up, as it stands in the reel; the plan has its standing takes. Blocks.

    `clips` are those of a run that has just ended. Of a scene that is made of no other one, its clip says everything,
    and the library is not read again: five requests a scene in a bucket.
    """
    nodes: tuple[PlannedStill | PlannedScene, ...] = (*plan.stills, *plan.scenes)
    keys, at_hand = {node.name: node.key for node in nodes}, {clip.job_key: clip for clip in clips}
    return tuple(_of_clip(node, at_hand, plan, ledger) or _status(node, keys, plan, ledger) for node in nodes)


def status_rows(statuses: Sequence[SceneStatus]) -> Iterator[dict[str, str]]:
    """The table of all scenes."""
    for each in statuses:
        yield {
            "scene": each.scene,
            "state": each.state,
            "take": f"{each.take} of {each.takes}" if each.take else "",
            "verdict": verdict_text(each.verdict),
            "why": "; ".join(each.why),
            "a new one costs": price(each.usd),
            "what to do": each.remedy,
        }


def _of_clip(
    scene: PlannedStill | PlannedScene, clips: Mapping[str, Clip], plan: Plan, ledger: Ledger
) -> SceneStatus | None:
    """The state of a scene by its clip and by what the run found when it was planned; None if these do not say it."""
    clip, found, reel, name = clips.get(scene.key), surveyed(ledger.storage), plan.storyboard.slug, scene.name
    if not (clip and found and lies_in(clip, reel, name)) or scene.needs or scene.standing or scene.damage:
        return None
    facts = {"take": clip.take, "takes": max(clip.take, len(found.takes(name))), "url": clip.url}
    return SceneStatus(scene=name, state="current", usd=scene.usd, verdict=clip.verdict, **facts)


def _status(scene: PlannedStill | PlannedScene, keys: Mapping[str, str], plan: Plan, ledger: Ledger) -> SceneStatus:
    reel, name = plan.storyboard.slug, scene.name
    status = SceneStatus(scene=name, state="missing", usd=scene.usd)
    if scene.damage:
        return _in_doubt(status, scene.damage.error, scene.damage.remedy)
    try:
        takes = ledger.take_keys(reel, scene.scene.id, scene.room)
        status = status.model_copy(update={"takes": len(takes)})
        last = deciding(ledger.history(scene.key))
        stands = last if _has_clip(last) else None
        older = None if stands else Choices(ledger, reel, ledger.choices(reel)).kept(scene)
    except Unreadable as error:
        return _in_doubt(status, error.what, error.remedy)
    if stands:
        made = made_of(stands)
        found = _standing(status, stands, changes(made, scene, keys), takes)
        verb = "reroll" if is_edited(made, scene) else "--cascade"
        remedy = f"it is kept; {verb} renders it again for {price(scene.usd)}" if found.why else ""
        return found.model_copy(update={"remedy": remedy})
    if last and last.end is None:
        return _open(status, last)
    asked = f"the next run renders it for {price(scene.usd)}"
    if older:
        why = changes(made_of(older), scene, keys) or (f"take {scene.take} is asked for",)
        return _standing(status, older, why, takes).model_copy(update={"remedy": asked})
    failed = last.end if last and last.end else None
    why = (failed.message,) if failed else ()
    return status.model_copy(update={"why": why, "remedy": (failed and failed.remedy) or asked})


def _standing(status: SceneStatus, held: Attempt, why: tuple[str, ...], takes: tuple[str, ...]) -> SceneStatus:
    key, made = held.intent.key, held.end.made if held.end else None
    number = takes.index(key) + 1 if key in takes else None
    facts = {"state": "stale" if why else "current", "why": why, "take": number}
    verdict = made.verdict if isinstance(made, Clip) else None
    return status.model_copy(update=facts | {"url": made.url if made else None, "verdict": verdict})


def _open(status: SceneStatus, last: Attempt) -> SceneStatus:
    """A scene whose job has not ended; without the provider's id, nobody knows whether it was bought."""
    if last.job:
        return status.model_copy(update={"state": "rendering", "remedy": "the next run, or collect, fetches it"})
    if alive(last.intent.owner):
        return status.model_copy(update={"state": "rendering", "remedy": "another process submits it now"})
    why = "its job may have been bought, and has no answer on record"
    return _in_doubt(status, why, "storyboard jobs says how to settle it")


def _in_doubt(status: SceneStatus, why: str, remedy: str) -> SceneStatus:
    return status.model_copy(update={"state": "in doubt", "why": (why,), "remedy": remedy})


def _has_clip(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.end is not None and attempt.end.made is not None
