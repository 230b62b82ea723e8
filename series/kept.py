"""Keep a paid take although its parent has no clip or a character could not be created: storing it needs neither."""

from collections.abc import Iterable

from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.ledger import Attempt, Ledger, Unreadable, deciding
from prefect_storyboard.series.run import Ended, Rendering
from prefect_storyboard.storyboards import Casting, FailedScene, PlannedScene, Still


def kept(run: Rendering, scene: PlannedScene, needed: tuple[Ended | Still, ...]) -> PlannedScene:
    """The scene; with its standing take, if that is paid for and something the scene is made from is missing. Blocks.

    Raises Unreadable if the records do not show which take stands.
    """
    if scene.damage:
        raise Unreadable(scene.damage.error, scene.damage.remedy)
    is_whole = all(isinstance(each, Casting) for each in _cast(run, scene))
    is_whole = is_whole and not any(isinstance(each, FailedScene) for each in needed)
    if is_whole or scene.standing or _paid(Ledger(run.library.storage()), scene.key) is None:
        return scene
    return scene.model_copy(update={"standing": True})


def standing_job(ledger: Ledger, scene: PlannedScene, reel: str) -> PaidJob:
    """The paid job of the reel's standing take; `store` copies one that lies in another reel. Blocks."""
    last = _paid(ledger, scene.key)
    if last is None or last.job is None:
        raise TypeError("a standing take has a job")
    current = {"identity": scene.identity, "parent": scene.parent_identity} if scene.stale is None else {}
    here = {"reel": reel, "scene": scene.scene.id, **current}
    return PaidJob(
        key=scene.key,
        attempt=last.number,
        job=last.job,
        state="Cached" if last.end else "Reattached",
        outcome=last.end,
        usd=last.intent.usd,
        draft=last.intent.draft.model_copy(update=here) if last.intent.draft else None,
    )


def not_said(run: Rendering, wanted: Estimate, ended: Iterable[Ended]) -> list[str]:
    """Warnings about characters that were not created and records that were not read, if no failed scene names them.

    Paid scenes are kept in spite of them, and a scene that fails because of its character does not report its records.
    """
    said = {end.error for end in ended if isinstance(end, FailedScene)}
    reasons = [each for each in run.castings.values() if not isinstance(each, Casting)]
    cast = [(each.what if isinstance(each, Unreadable) else str(each), each.remedy) for each in reasons]
    cast = [(what, remedy) for what, remedy in cast if what not in said]
    said |= {what for what, _ in cast}
    damaged = [(name, each) for name, each in wanted.damaged.items() if not any(each.error in line for line in said)]
    return [f"{what}. {remedy}" for what, remedy in cast] + [
        f"{name}: {each.error}. {each.remedy}" for name, each in damaged
    ]


def _paid(ledger: Ledger, key: str) -> Attempt | None:
    """The attempt that has a clip, or may still get one."""
    last = deciding(ledger.history(key))
    return last if last and last.job and (last.end is None or last.end.clip) else None


def _cast(run: Rendering, scene: PlannedScene) -> list[object]:
    """What became of the characters that the scene is ordered with; without those that are made later, from a scene."""
    return [
        run.castings.get(planned.key)
        for planned in run.prepared.plan.characters
        if planned.character.name in scene.cast and planned.model.casting == scene.model.casting
        if planned.key in run.castings or planned.character.from_scene is None
    ]
