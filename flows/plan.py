"""The flow that shows what a run would buy, reuse and cost, before anything is bought."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact

from prefect_storyboard.blocks import Credentials, Library, load_library, load_render_settings
from prefect_storyboard.flows.form import (
    LibraryField,
    ModelField,
    ProviderField,
    QualityField,
    SettingsField,
    StillsField,
    StoryboardField,
    ValuesField,
    form,
)
from prefect_storyboard.jobs.estimate import estimate
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers.errors import Retired
from prefect_storyboard.series.again import remarks
from prefect_storyboard.series.held import keep_plan
from prefect_storyboard.series.known import with_states
from prefect_storyboard.series.looking import report_status
from prefect_storyboard.series.markdown import escaped, escaped_rows
from prefect_storyboard.series.opening import opened, title
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.price import check_offered, check_remixes
from prefect_storyboard.series.report import artifact_key, in_two_sums, shown, total
from prefect_storyboard.storyboards import Plan, PlannedScene, PlannedSheet, PlannedStill, Storyboard
from prefect_storyboard.storyboards.base import OnBad
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.nouns import Fit
from prefect_storyboard.storyboards.planned_stills import sheet_name


@form("storyboard", "provider", "library", "model", "quality", "values", "settings")
@flow(name="plan-storyboard", flow_run_name=title, persist_result=False)
async def plan_storyboard(
    storyboard: StoryboardField,
    provider: ProviderField,
    library: LibraryField = None,
    *,
    model: ModelField = None,
    stills: StillsField = None,
    fit: Fit | None = None,
    quality: QualityField = None,
    audio: bool | None = None,
    values: ValuesField = None,
    attempts: int | None = None,
    on_bad: OnBad | None = None,
    judge: str | None = None,
    cascade: bool | None = None,
    settings: SettingsField = None,
) -> Plan:
    """List scene by scene what a run would buy and what that costs. Buys nothing, uploads nothing.

    Stores the plan in the library: a run with its hash as `plan_hash` renders exactly that plan, or stops. Raises the
    errors that `storyboard_series` raises before it buys, except Retired, which is a warning here.
    """
    asked = (await load_render_settings(settings)).overridden(
        fit=fit, audio=audio, attempts=attempts, on_bad=on_bad, judge=judge, cascade=cascade
    )
    overrides = Overrides(model=model, stills=stills, quality=quality, values=values or {}, **asked.board_settings())
    plan = await planned(
        storyboard, provider, library, overrides, attempts=asked.attempts, cascade=asked.cascade, judge=asked.judge
    )
    block = await load_library(library)
    await asyncio.to_thread(keep_plan, block.storage(), plan)
    with shown("the table of the plan"):
        await acreate_table_artifact(
            key=artifact_key(plan.storyboard.slug, "plan"),
            table=escaped_rows(
                (*map(picture_row, plan.pictures), *(row(job) | request_row(job) for job in plan.scenes))
            ),
            description=f"{escaped(plan.storyboard.title)}: {cost_of(plan)}. Plan {plan.hash[:12]}.",
        )
    return plan


async def planned(
    storyboard: Storyboard | Mapping[str, Any] | str,
    provider: Credentials | str,
    library: Library | str | None,
    overrides: Overrides | None = None,
    *,
    attempts: int = 1,
    cascade: bool = False,
    judge: str | None = None,
) -> Plan:
    """The plan with each job's state in the ledger, and a warning for everything that would stop a run."""
    async with opened(storyboard, provider, library, overrides, cascade=cascade, attempts=attempts, judge=judge) as run:
        plan, ledger = run.prepared.plan, Ledger(run.library.storage())
        await report_status(plan, ledger)
        wanted = await estimate(plan, ledger, attempts)
        await asyncio.to_thread(check_remixes, plan, wanted, ledger)
        try:
            await check_offered(run.session, plan, wanted, allow_retired=False)
            retired: tuple[str, ...] = ()
        except Retired as error:
            retired = (f"{error}; {error.remedy}",)
    known = with_states(plan, wanted, attempts)
    return known.model_copy(update={"warnings": (*plan.warnings, *remarks(plan, attempts), *wanted.warnings, *retired)})


_STATE_NAMES = {"unknown": "in doubt", "unreadable": "in doubt"}


def row(scene: PlannedScene) -> dict[str, str]:
    """One row of the plan, for a scene."""
    return {
        "scene": scene.scene.id,
        "state": _STATE_NAMES.get(scene.state or "", scene.state or ""),
        "model": scene.model.name,
        "seconds": "open" if scene.model.chooses_itself("seconds", scene.mode) else str(scene.seconds),
        "size": f"{scene.aspect} {scene.resolution}",
        "characters": ", ".join(scene.cast),
        "price": price(scene.usd),
    }


def picture_row(job: PlannedSheet | PlannedStill) -> dict[str, str]:
    """One row of the plan, for a sheet or a still, with the prompt as it is sent."""
    asked = job.drawing.asked
    facts = {
        "scene": job.name if isinstance(job, PlannedStill) else f"sheet of {job.name}",
        "state": _STATE_NAMES.get(job.state or "", job.state or ""),
        "model": job.drawing.model.name,
        "seconds": "",
        "size": " ".join(filter(None, (asked.aspect, asked.resolution))),
        "characters": ", ".join(sheet_name(*each) for each in job.shown) if isinstance(job, PlannedStill) else "",
        "price": price(job.usd),
    }
    return facts | {"prompt": job.sent, "references": picture_references(job), "sound": "", "fields": ""}


def picture_references(job: PlannedSheet | PlannedStill) -> str:
    """The references of a picture, and the characters that are only described."""
    drawn = [each.name or each.role for each in job.drawing.references]
    words = (
        [f"{sheet_name(*each)} is only described" for each in job.described] if isinstance(job, PlannedStill) else []
    )
    return "; ".join([*drawn, *words])


def request_row(scene: PlannedScene) -> dict[str, str]:
    """The scene's request, verbatim."""
    facts = {"prompt": scene.sent, "references": "; ".join(scene.references), "sound": sound(scene)}
    return facts | {"fields": ", ".join(filter(None, (seed_and_negative(scene), own_fields(scene))))}


def seed_and_negative(scene: PlannedScene) -> str:
    """The seed and the negative prompt, if the scene has them and the model takes them."""
    seed = "" if scene.seed is None else f"seed {scene.seed}"
    return ", ".join(filter(None, (seed, f"without {scene.negative}" if scene.negative else "")))


def own_fields(scene: PlannedScene) -> str:
    """The gateway's own inputs that the scene sets."""
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in scene.scene.fields.items())


def sound(scene: PlannedScene) -> str:
    """Whether the request asks for sound."""
    return {True: "sound on", False: "sound off", None: "sound as the model makes it"}[scene.audio]


def cost_of(plan: Plan) -> str:
    """The cost of a run as text; an unknown price is shown as unknown."""
    unpriced = sum(job.usd is None for job in plan.unsettled)
    most = round(sum(job.usd or 0.0 for job in plan.unsettled) + plan.usd_of_looks + plan.usd_again, 6)
    text = total(most, unpriced) if most == plan.low_usd else f"{price(plan.low_usd)} to {total(most, unpriced)}"
    text += f", of which {price(plan.usd_again)} if all clips are bad" if plan.usd_again else ""
    text += f", with {price(plan.usd_of_looks)} for the judge" if plan.usd_of_looks else ""
    return in_two_sums(plan, text)
