"""The flows that render: a whole storyboard, one scene of it, or its characters only."""

import asyncio
from typing import Literal, cast

from prefect import flow
from prefect.runtime import deployment
from prefect.states import Failed

from prefect_storyboard.blocks import load_render_settings
from prefect_storyboard.flows.form import (
    LibraryField,
    MaxCostField,
    ModelField,
    ProviderField,
    QualityField,
    SettingsField,
    StillsField,
    StoryboardField,
    ValuesField,
    form,
)
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.series.approving import approve_plan, with_left_out
from prefect_storyboard.series.asked import Limits, allowed, allowed_within, follow
from prefect_storyboard.series.asking import check_askable
from prefect_storyboard.series.cast import create_cast
from prefect_storyboard.series.choosing_stills import approve_stills
from prefect_storyboard.series.choosing_takes import approve_takes
from prefect_storyboard.series.chosen import assemble_chosen
from prefect_storyboard.series.held import kept_plan
from prefect_storyboard.series.limits import account_slots
from prefect_storyboard.series.looking import report_status
from prefect_storyboard.series.opening import opened, title
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.price import allow, log_warnings
from prefect_storyboard.series.reel import costs_of
from prefect_storyboard.series.rendering import ended_scenes, settled_scenes
from prefect_storyboard.series.report import SeriesFailed, reported
from prefect_storyboard.series.rerolling import assemble_rerolled, rerolled
from prefect_storyboard.series.scoreboard import followed
from prefect_storyboard.series.suspend import check_suspendable
from prefect_storyboard.series.takes import Of
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Reel
from prefect_storyboard.storyboards.approval import ApprovalKind
from prefect_storyboard.storyboards.base import OnBad
from prefect_storyboard.storyboards.nouns import Fit
from prefect_storyboard.tasks._posters import reel_follows
from prefect_storyboard.tasks._sounds import sounds_ahead


@form("storyboard", "provider", "library", "model", "max_cost_usd", "quality", "values", "settings")
@flow(name="storyboard-series", flow_run_name=title, persist_result=False)
async def storyboard_series(
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
    max_cost_usd: MaxCostField = None,
    allow_unknown_price: bool | None = None,
    allow_retired: bool | None = None,
    on_unknown: OnUnknown | None = None,
    attempts: int | None = None,
    on_bad: OnBad | None = None,
    judge: str | None = None,
    poll_minutes: float | None = None,
    cancel_provider_jobs: bool | None = None,
    wait: Literal["poll", "suspend"] | None = None,
    cascade: bool | None = None,
    settings: SettingsField = None,
    plan_hash: str | None = None,
    approve: ApprovalKind | None = None,
    approve_hours: float | None = None,
    reroll: str | None = None,
    reroll_of: Of = "clip",
    takes: int = 1,
    note: str | None = None,
) -> Reel:
    """Render every scene of a storyboard once, and assemble the reel. A second run buys only what is missing.

    With `reroll` it buys further takes of that scene and nothing else, and assembles the reel of the existing takes;
    with `reroll_of` still, it buys takes of its still. With `stills`, sheets and stills are drawn first, and clips
    begin with them. With `approve` it waits until a person has approved the plan, or chosen among the stills or the
    takes; what is approved is bought once.

    Raises StoryboardError, LibraryError, PlanDiffers, OverBudget, Retired, Unauthorized or OutOfCredit before anything
    is bought, NotApproved if nobody answers, and Stopped if a person stops it. Ends in the state Failed, with
    SeriesFailed, if a scene has no clip; its `reel` is assembled from the other scenes.
    """
    asked = (await load_render_settings(settings)).overridden(
        fit=fit,
        audio=audio,
        allow_unknown_price=allow_unknown_price,
        allow_retired=allow_retired,
        on_unknown=on_unknown,
        attempts=attempts,
        on_bad=on_bad,
        judge=judge,
        poll_minutes=poll_minutes,
        cancel_provider_jobs=cancel_provider_jobs,
        wait=wait,
        cascade=cascade,
        approve=approve,
        approve_hours=approve_hours,
    )
    if asked.wait == "suspend":
        check_suspendable(deployment.id)
    if asked.approve:
        check_askable(deployment.id)
    overrides = Overrides(model=model, stills=stills, quality=quality, values=values or {}, **asked.board_settings())
    async with opened(
        storyboard, provider, library, overrides, cascade=asked.cascade, attempts=asked.attempts, judge=asked.judge
    ) as run:
        follow(run, asked)
        if plan_hash:
            run.held = await asyncio.to_thread(kept_plan, run.library.storage(), plan_hash)
        order = await rerolled(run, reroll, takes=takes, note=note or "", of=reroll_of) if reroll else None
        limits = Limits(max_cost_usd=max_cost_usd, allow_unknown_price=asked.allow_unknown_price)
        if asked.approve == "plan":
            limits = await approve_plan(run, limits, asked)
        if asked.approve == "stills" and order is None:
            limits = await approve_stills(run, limits, asked)
        plan = run.prepared.plan
        async with followed(plan):
            wanted = await allowed_within(run, limits, asked)
            with reel_follows(assembled=plan.storyboard.reel), sounds_ahead(plan):
                rendered = await settled_scenes(run, wanted, cancel_provider_jobs=asked.cancel_provider_jobs)
                ended = with_left_out(run, rendered)
                if asked.approve == "takes" and order is None:
                    await approve_takes(run, limits, asked)
            reel = await (assemble_rerolled(run, order) if order else assemble_chosen(run, ended, wanted))
        await report_status(run.prepared.plan, Ledger(run.library.storage()), reel.clips)
    return await reported(run, reel, wanted)


@form("storyboard", "scene", "provider", "library", "model", "max_cost_usd", "values", "settings")
@flow(name="generate-scene", flow_run_name=title, persist_result=False)
async def generate_scene(
    storyboard: StoryboardField,
    scene: str,
    provider: ProviderField,
    library: LibraryField = None,
    *,
    model: ModelField = None,
    fit: Fit | None = None,
    quality: QualityField = None,
    audio: bool | None = None,
    values: ValuesField = None,
    max_cost_usd: MaxCostField = None,
    allow_unknown_price: bool | None = None,
    allow_retired: bool | None = None,
    on_unknown: OnUnknown | None = None,
    attempts: int | None = None,
    on_bad: OnBad | None = None,
    judge: str | None = None,
    poll_minutes: float | None = None,
    settings: SettingsField = None,
) -> Clip:
    """Render one scene of a storyboard, with the characters and scenes that it needs, and assemble no reel.

    Raises what `storyboard_series` raises before anything is bought, and SeriesFailed if the scene has no clip.
    """
    asked = (await load_render_settings(settings)).overridden(
        fit=fit,
        audio=audio,
        allow_unknown_price=allow_unknown_price,
        allow_retired=allow_retired,
        on_unknown=on_unknown,
        attempts=attempts,
        on_bad=on_bad,
        judge=judge,
        poll_minutes=poll_minutes,
    )
    overrides = Overrides(model=model, quality=quality, values=values or {}, **asked.board_settings())
    async with opened(storyboard, provider, library, overrides, attempts=asked.attempts, judge=asked.judge) as run:
        follow(run, asked)
        run.prepared = run.prepared.model_copy(update={"plan": run.prepared.plan.only(scene)})
        wanted = await allowed(run, max_cost_usd, asked)
        ended = await ended_scenes(run, wanted, cancel_provider_jobs=False)
        if run.halted:
            raise run.halted
    (*_, last) = ended
    if isinstance(last, Clip):
        return last
    scenes = tuple(end for end in ended if isinstance(end, FailedScene))
    clips = tuple(end for end in ended if isinstance(end, Clip))
    title = run.prepared.plan.storyboard.title
    failed = SeriesFailed(Reel(title=title, clips=clips, failed=scenes, **costs_of(run, ended).model_dump()))
    return cast("Clip", Failed(message=str(failed), data=failed))


@form("storyboard", "provider", "library", "model", "values", "settings")
@flow(name="create-characters", flow_run_name=title, persist_result=False)
async def create_characters(
    storyboard: StoryboardField,
    provider: ProviderField,
    library: LibraryField = None,
    *,
    model: ModelField = None,
    values: ValuesField = None,
    allow_retired: bool | None = None,
    on_unknown: OnUnknown | None = None,
    attempts: int | None = None,
    poll_minutes: float | None = None,
    settings: SettingsField = None,
) -> list[Casting]:
    """Create the characters that a storyboard's scenes use, once, and render nothing.

    A character that is made from a scene is created by the run that renders that scene; a warning names it. Raises
    what `storyboard_series` raises before anything is bought, and the provider's error if it refuses a character.
    """
    asked = (await load_render_settings(settings)).overridden(
        allow_retired=allow_retired, on_unknown=on_unknown, attempts=attempts, poll_minutes=poll_minutes
    )
    async with opened(storyboard, provider, library, Overrides(model=model, fit="nearest", values=values or {})) as run:
        follow(run, asked)
        wanted = await allow(run, None, allow_unknown_price=True, allow_retired=asked.allow_retired)
        characters = run.prepared.plan.characters
        log_warnings(
            f"{each.character.name} is made from {each.character.from_scene}, which this flow does not render"
            for each in characters
            if each.character.from_scene
        )
        jobs = min(wanted.unsettled, len(characters))
        async with account_slots(run.credentials, jobs) as slots:
            run.admit(slots)
            await create_cast(run)
    castings: list[Casting] = []
    for casting in run.castings.values():
        if not isinstance(casting, Casting):
            raise casting
        castings.append(casting)
    return castings
