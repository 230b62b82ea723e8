"""The report of a run: one sentence, and a table of what failed, why, whether it was charged, what to do."""

import asyncio
import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from prefect.states import Failed

from prefect_storyboard.blocks import Library
from prefect_storyboard.jobs.estimate import Duplicate, Estimate
from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.series.cost_tables import cost_rows, picture_rows
from prefect_storyboard.series.links import where
from prefect_storyboard.series.markdown import code, escaped, escaped_rows, table_of
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.storyboards import FailedScene, Plan, PlannedSheet, PlannedStill, Reel
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.verdicts import verdict_text

_CHARGED = {True: "yes", False: "no", None: "unknown"}


class SeriesFailed(Exception):
    """Some scenes have no clip. `reel` holds the clips and the failed scenes; run again to render the rest."""

    def __init__(self, reel: Reel) -> None:
        super().__init__(reel)
        self.reel = reel

    def __str__(self) -> str:
        return summary(self.reel)


def summary(reel: Reel) -> str:
    """The result of a run in one sentence, plus one sentence for each scene without a clip."""
    if not reel.failed:
        return f"{reel.title}: {count(len(reel.clips), 'scene')}, {reel.seconds:g} s, {cost(reel)}"
    lines = [_missing(reel)]
    lines += [f"  {row['scene']}: {row['why']} (charged: {row['charged']}) {row['what to do']}" for row in rows(reel)]
    return "\n".join(lines)


def _missing(reel: Reel) -> str:
    """The number of scenes that failed, are being rendered or wait for another scene, and where the others are."""
    verbs = {
        "failed": ("failed", "failed"),
        "rendering": ("still renders", "still render"),
        "waiting": ("waits", "wait"),
    }
    states = [failed.state for failed in reel.failed]
    numbers = [(states.count(state), verb) for state, verb in verbs.items() if state in states]
    (first, verb), *others = [(number, one if number == 1 else many) for number, (one, many) in numbers]
    scenes = count(len(reel.clips) + len(reel.failed), "scene")
    said = ", ".join([f"{first} of {scenes} {verb}", *(f"{number} {verb}" for number, verb in others)])
    match len(reel.clips):
        case 0:
            return f"{said}."
        case 1:
            return f"{said}; the other one is in the library."
        case there:
            return f"{said}; the other {there} are in the library."


def cost(reel: Reel) -> str:
    """The cost of the reel; a price that is not published is called unknown."""
    return total(reel.cost_usd, reel.unpriced)


def bought(reel: Reel) -> str:
    """The jobs that this run bought, and their cost."""
    if not reel.bought:
        return "nothing"
    if reel.bought == reel.bought_unpriced:
        return total(0.0, reel.bought)
    return f"{count(reel.bought, 'job')} for {total(reel.bought_usd, reel.bought_unpriced)}"


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def total(usd: float, unpriced: int) -> str:
    """The sum of known prices, and the number of jobs without a published price."""
    unknown = f"{count(unpriced, 'job')} of unknown price"
    if not unpriced:
        return price(usd)
    return f"{price(usd)} and {unknown}" if usd else unknown


def in_two_sums(plan: Plan, whole: str) -> str:
    """What a plan costs in a few words, and of one that draws, what its pictures cost and what its motion does."""
    if not plan.pictures:
        return whole
    unpriced = [job for job in plan.unsettled if job.usd is None]
    drawn = sum(isinstance(job, PlannedSheet | PlannedStill) for job in unpriced)
    pictures, motion = total(plan.usd_of_pictures, drawn), total(plan.usd_of_motion, len(unpriced) - drawn)
    return f"{whole} (pictures {pictures}, motion {motion})"


def billed_twice(other: Duplicate) -> str:
    """The warning about a scene of which two jobs were billed."""
    where = f"its clip is take {other.take} of the scene" if other.take else "its clip is not collected yet"
    lost = f"a job that was abandoned had been bought for {price(other.usd)}"
    return f"{other.about} was billed twice: {lost}, and is in the sum; {where}"


def rows(reel: Reel) -> list[dict[str, str]]:
    """The table of scenes without a clip."""
    return [_row(failed) for failed in reel.failed]


async def reported(run: Rendering, reel: Reel, wanted: Estimate) -> Reel:
    """Keep the report of a run as artifacts. Returns the reel, or the state in which a run without some clips ends."""
    plan = run.prepared.plan
    expected = {key for key in wanted.decisions if wanted.buys(key)}
    table = [*picture_rows(run, expected), *cost_rows(reel, plan, expected, run.bought, run.further)]
    await _keep_costs(reel, plan, table)
    for each, part in zip(reel.variants or (reel,), plan.reels(), strict=True):
        await _keep_reel(each, part, run.library)
    if not reel.failed:
        return reel
    await _keep_failures(reel, plan.storyboard.slug)
    return cast("Reel", Failed(message=summary(reel), data=SeriesFailed(reel)))  # Prefect raises what the state holds


async def _keep_costs(reel: Reel, plan: Plan, table: list[dict[str, str]]) -> None:
    """Store the expected and the charged prices, scene by scene, as an artifact of the run."""
    if FlowRunContext.get():
        text = f"{escaped(reel.title)}: {cost(reel)} for the reel; this run bought {bought(reel)}."
        key = artifact_key(plan.storyboard.slug, "cost")
        with shown("the table of costs"):
            await acreate_table_artifact(key=key, table=escaped_rows(table), description=text)


@contextmanager
def shown(what: str) -> Iterator[None]:
    """Log any error inside as a warning: an artifact must not fail a run that is paid for."""
    warnings: list[str] = []
    with best_effort(what, warnings):
        yield
    logger = get_run_logger() if FlowRunContext.get() else logging.getLogger(__name__)
    for warning in warnings:
        logger.warning(warning)


async def _keep_reel(reel: Reel, plan: Plan, library: Library) -> None:
    """Store the result of the run as one Markdown artifact: contact sheet, costs, and all addresses."""
    if reel.url and FlowRunContext.get():
        with shown("the page of the run"):
            await _keep_page(reel, reel.url, plan, library)


async def _keep_page(reel: Reel, url: str, plan: Plan, library: Library) -> None:
    place = ("reels", plan.storyboard.slug, "contact-sheet.jpg")
    sheet = await asyncio.to_thread(_small, library.storage().read(*place))
    title, sentences = escaped(reel.title), summary(reel).splitlines()
    lines = [f"# {title}", "", escaped(sentences[0]), "", *(f"{line}  " for line in where(reel, library)), ""]
    if sheet:
        lines += [f"![{title}](data:image/jpeg;base64,{sheet})", ""]
    lines += ["| scene | take | verdict | seconds | sound | cost | clip |"]
    lines += ["|---|---|---|---|---|---|---|"]
    folder = url.rpartition("/")[0] + "/"  # full addresses would not fit on the page
    lines += [
        f"| {escaped(c.scene)} | {c.take} | {escaped(verdict_text(c.verdict))} | {c.seconds:g} | "
        f"{_gain(reel, c.scene)} | {price(c.cost_usd)} | "
        f"{code(c.url.removeprefix(folder))} |"
        for c in reel.clips
    ]
    key = artifact_key(plan.storyboard.slug, "reel")
    await acreate_markdown_artifact(key=key, markdown="\n".join(lines), description=escaped(sentences[0]))


def _gain(reel: Reel, scene: str) -> str:
    """How much louder or softer the reel plays the scene's clip."""
    gain = reel.gains.get(scene)
    return f"{gain:+.1f} dB" if gain else "as it is"


def _small(sheet: bytes | None) -> str:
    """The contact sheet, small enough for an artifact in Prefect's database."""
    if not sheet:
        return ""
    return base64.b64encode(deferred.shrunk(sheet, (900, 1600), 80)).decode()


def artifact_key(slug: str, kind: str) -> str:
    """The name of an artifact: Prefect takes lower-case letters, digits and hyphens."""
    plain = "".join(letter for letter in slug if letter.isascii() and (letter.isalnum() or letter == "-")).strip("-")
    return f"{plain}-{kind}" if plain else kind


async def _keep_failures(reel: Reel, slug: str) -> None:
    """Keep the failed scenes, each with what to do, as an artifact of the run."""
    if FlowRunContext.get() is None:
        return
    with shown("the table of failed scenes"):
        await acreate_markdown_artifact(
            key=artifact_key(slug, "failed"), markdown=failures(reel), description=escaped(_missing(reel))
        )


def failures(reel: Reel) -> str:
    """The failed scenes as a page."""
    text = f"{escaped(_missing(reel))} Run again: what is stored is not bought twice."
    return "\n".join([f"# {escaped(reel.title)}", "", text, "", table_of(rows(reel))])


def _row(failed: FailedScene) -> dict[str, str]:
    charged = _CHARGED[failed.charged]
    return {"scene": failed.scene, "why": failed.error, "charged": charged, "what to do": failed.remedy}
