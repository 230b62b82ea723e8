"""What a run costs, scene by scene: one row for each sheet and still, and one for each scene."""

from collections.abc import Collection, Iterable, Sequence

from prefect_storyboard.series.run import Rendering
from prefect_storyboard.storyboards import Clip, Plan, PlannedSheet, Reel, Still
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.verdicts import verdict_text


def cost_rows(
    reel: Reel, plan: Plan, expected: Collection[str], paid: Collection[str], further: Iterable[Clip] = ()
) -> list[dict[str, str]]:
    """The expected price, what this run was charged, what each take has cost, whenever it was bought, and its verdict.

    `expected` are the keys of the jobs that the run planned to buy, `paid` of those that it bought. `further` are the
    clips that do not stand in the reel: they are charged as well.
    """
    clips = {clip.scene: clip for clip in reel.clips}
    failed = {scene.scene: scene for scene in reel.failed}
    table = []
    for scene in plan.scenes:
        name = scene.scene.id
        others = [other for other in further if other.scene == name]
        keys = {scene.key, *(other.job_key for other in others)}
        row = {"scene": name, "estimate": price(_sum([scene.usd] * len(keys & {*expected})))}
        if clip := clips.get(name):
            paid_for = [each.cost_usd for each in (clip, *others) if each.job_key in paid]
            row |= {
                "charged": price(_sum(paid_for)),
                "cost": price(clip.cost_usd),
                "verdict": verdict_text(clip.verdict),
            }
        elif name in failed:
            charged = {True: scene.usd, False: 0.0, None: None}[failed[name].charged]
            row |= {"charged": price(charged), "cost": "", "verdict": ""}
        table.append(row)
    return table


def _sum(prices: Sequence[float | None]) -> float | None:
    return None if None in prices else round(sum(each or 0.0 for each in prices), 6)


def picture_rows(run: Rendering, expected: Collection[str]) -> list[dict[str, str]]:
    """The same rows for each sheet and still."""
    table = []
    for picture in run.prepared.plan.pictures:
        sheet = isinstance(picture, PlannedSheet)
        end = run.sheets.get(picture.key) if isinstance(picture, PlannedSheet) else run.stills.get(picture.scene.id)
        row = {"scene": f"sheet of {picture.name}" if sheet else picture.name}
        row |= {
            "estimate": price(picture.usd if picture.key in expected else 0.0),
            "charged": "",
            "cost": "",
            "verdict": "",
        }
        if isinstance(end, Still):
            row |= {"charged": price(end.cost_usd if end.job_key in run.bought else 0.0), "cost": price(end.cost_usd)}
        table.append(row)
    return table
