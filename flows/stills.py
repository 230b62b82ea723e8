"""The flow that draws the sheets and the stills of a storyboard, for cents, before you pay for clips."""

import asyncio
from typing import cast

from prefect import flow
from prefect.states import Failed

from prefect_storyboard.blocks import load_render_settings
from prefect_storyboard.flows.form import (
    LibraryField,
    MaxCostField,
    ProviderField,
    SettingsField,
    StillsField,
    StoryboardField,
    ValuesField,
    form,
)
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.series.asked import allowed, follow
from prefect_storyboard.series.drawing import drawn_stills, pictures_only
from prefect_storyboard.series.looking import report_status
from prefect_storyboard.series.opening import opened, title
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.reel import costs_of
from prefect_storyboard.series.rendering import ended_scenes
from prefect_storyboard.series.report import SeriesFailed
from prefect_storyboard.series.scoreboard import followed
from prefect_storyboard.storyboards import Reel, Still


@form("storyboard", "provider", "library", "stills", "max_cost_usd", "values", "settings")
@flow(name="draw-stills", flow_run_name=title, persist_result=False)
async def draw_stills(
    storyboard: StoryboardField,
    provider: ProviderField,
    library: LibraryField = None,
    *,
    stills: StillsField = None,
    model: str | None = None,
    values: ValuesField = None,
    max_cost_usd: MaxCostField = None,
    allow_unknown_price: bool | None = None,
    on_unknown: OnUnknown | None = None,
    attempts: int | None = None,
    poll_minutes: float | None = None,
    settings: SettingsField = None,
) -> list[Still]:
    """Draw the sheet of every cast member that is shown, and the still of every scene, once; render nothing.

    `storyboard_series` then reuses them and buys only the clips. A still that continues from the last frame of a scene
    is drawn after that scene has been rendered; a warning names it. Raises what `storyboard_series` raises before
    anything is bought, and SeriesFailed if a still could not be drawn; the others are in the library.
    """
    asked = (await load_render_settings(settings)).overridden(
        allow_unknown_price=allow_unknown_price, on_unknown=on_unknown, attempts=attempts, poll_minutes=poll_minutes
    )
    overrides = Overrides(model=model, stills=stills, fit=asked.fit, values=values or {})
    async with opened(storyboard, provider, library, overrides) as run:
        follow(run, asked)
        whole, ledger = run.prepared.plan, Ledger(run.library.storage())
        if not whole.stills:
            raise ValueError("stills: the storyboard draws no stills. Nothing was bought; name an image model")
        plan = await asyncio.to_thread(pictures_only, whole, ledger)
        run.prepared = run.prepared.model_copy(update={"plan": plan})
        async with followed(plan):
            wanted = await allowed(run, max_cost_usd, asked)
            await ended_scenes(run, wanted, cancel_provider_jobs=False)
        await report_status(whole, ledger)
    drawn, failed = drawn_stills(run)
    if failed:
        reel = Reel(title=plan.storyboard.title, clips=(), failed=failed, **costs_of(run, ()).model_dump())
        error = SeriesFailed(reel)
        return cast("list[Still]", Failed(message=str(error), data=error))
    return drawn
