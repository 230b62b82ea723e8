"""The reel of a series: its clips in order, one reel for each variant, and the cost of all."""

import asyncio
from collections.abc import Iterable, Sequence

from prefect_storyboard.jobs.estimate import Estimate
from prefect_storyboard.ledger import Ledger, surveyed
from prefect_storyboard.ledger.sidecars import stored_take
from prefect_storyboard.series.kept import not_said
from prefect_storyboard.series.prepare import changed_files
from prefect_storyboard.series.report import billed_twice
from prefect_storyboard.series.run import Ended, Rendering
from prefect_storyboard.series.takes import board_takes, clip_or_still, read_take
from prefect_storyboard.storyboards import Casting, Clip, Costs, FailedScene, Plan, Reel, Still
from prefect_storyboard.tasks import assemble


async def assemble_reel(run: Rendering, ended: tuple[Ended, ...], wanted: Estimate) -> Reel:
    """Put the clips in order, join them, and add up what they cost."""
    plan = run.prepared.plan
    twice = [each for each in wanted.duplicates if each.about in {scene.scene.id for scene in plan.scenes}]
    found = (*run.notes, *not_said(run, wanted, ended), *changed_files(run.prepared), *map(billed_twice, twice))
    warnings = (*plan.warnings, *found)
    costs = costs_of(run, ended, [each.usd for each in twice])
    if not plan.variants:
        return await _join(run, plan, ended, warnings, costs)
    reels = [await _join(run, part, ended, (), None) for part in plan.reels()]
    first = next((reel for reel in reels if reel.url), reels[0])
    return Reel(
        title=plan.storyboard.title,
        url=first.url,
        page=first.page,
        clips=tuple(end for end in ended if isinstance(end, Clip)),
        failed=tuple(end for end in ended if isinstance(end, FailedScene)),
        seconds=round(sum(reel.seconds for reel in reels), 3),
        warnings=tuple(dict.fromkeys((*warnings, *(each for reel in reels for each in reel.warnings)))),
        variants=tuple(reels),
        **costs.model_dump(),
    )


async def _join(
    run: Rendering, plan: Plan, ended: tuple[Ended, ...], warnings: tuple[str, ...], costs: Costs | None
) -> Reel:
    """One reel of the plan's scenes; without costs, it has cost what its clips did."""
    names = [scene.scene.id for scene in plan.scenes]
    own = sorted((end for end in ended if end.scene in names), key=lambda end: names.index(end.scene))
    return await assemble(
        [end for end in own if isinstance(end, Clip)],
        title=plan.storyboard.title,
        library=run.library,
        plan=plan,
        failed=[end for end in own if isinstance(end, FailedScene)],
        warnings=warnings,
        costs=costs,
        takes=await asyncio.to_thread(_other_takes, run, [end for end in own if isinstance(end, Clip)]),
        stills=await asyncio.to_thread(_pictures, run, plan) if plan.stills else (),
        loudness=plan.storyboard.loudness,
        music=run.prepared.files[plan.storyboard.music].path if plan.storyboard.music else None,
        transition=plan.storyboard.transition,
        transition_seconds=plan.storyboard.transition_seconds,
    )


def _other_takes(run: Rendering, shown: Sequence[Clip]) -> list[Clip]:
    """The stored takes that the reel does not show. Reads the sidecars of scenes that have others. Blocks.

    The list may be as old as the run's beginning, plus what the run has bought: the takes are only shown.
    """
    storage, reel = run.library.storage(), run.limits["reel"]
    survey = surveyed(storage)
    found = {(clip.scene, clip.take): clip for clip in run.further}
    for clip in shown if survey else ():
        for name in survey.takes(clip.scene) if survey else ():
            number = int(name.removeprefix("take-").removesuffix(".json"))
            if number != clip.take and (clip.scene, number) not in found:
                other = stored_take(storage, reel, clip.scene, number)
                found |= {(clip.scene, number): other} if other else {}
    stands = {(clip.scene, clip.take) for clip in shown}
    return [found[place] for place in sorted(found) if place not in stands]


def _pictures(run: Rendering, plan: Plan) -> list[Still]:
    """The sheets of the cast, and every take of every still, as far as they are in the library. Blocks."""
    ledger = Ledger(run.library.storage())
    sheets = (clip_or_still(read_take(ledger, sheet.key)[0]) for sheet in plan.sheets)
    stills = (line.still for line in board_takes(plan, ledger))
    return [each for each in (*sheets, *stills) if isinstance(each, Still)]


def costs_of(run: Rendering, ended: tuple[Ended, ...], further: Sequence[float | None] = ()) -> Costs:
    """What clips, characters and pictures of a reel cost, and what this run bought of it. `further` is added."""
    castings = [c for c in run.prepared.plan.characters if isinstance(run.castings.get(c.key), Casting)]
    prices = [end.cost_usd for end in (*ended, *run.further) if isinstance(end, Clip)]
    looks = [end for end in (*ended, *run.further) if isinstance(end, Clip) and end.verdict and end.verdict.usd]
    prices += [clip.verdict.usd for clip in looks if clip.verdict]
    asked = [clip.verdict.usd for clip in looks if clip.verdict and clip.job_key in run.bought]
    prices += [character.usd for character in castings]
    drawn = (*run.sheets.values(), *run.stills.values())
    prices += [each.cost_usd for each in drawn if isinstance(each, Still)]
    prices += further
    return Costs(
        cost_usd=_sum(prices),
        bought_usd=_sum([*run.bought.values(), *asked]),
        bought=len(run.bought),
        bought_unpriced=sum(price is None for price in run.bought.values()),
        unpriced=sum(price is None for price in prices),
    )


def _sum(prices: Iterable[float | None]) -> float:
    return round(sum(price or 0.0 for price in prices), 6)
