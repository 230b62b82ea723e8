"""The flow that picks the take of a scene that the reel shows. It buys nothing."""

import asyncio
from functools import partial

from prefect import flow

from prefect_storyboard.blocks import load_render_settings
from prefect_storyboard.flows.form import (
    LibraryField,
    ModelField,
    ProviderField,
    QualityField,
    SettingsField,
    StoryboardField,
    ValuesField,
    form,
)
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.series.chosen import assemble_standing
from prefect_storyboard.series.looking import report_status
from prefect_storyboard.series.opening import opened, title
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.takes import Of, pick
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.storyboards.nouns import Fit


@form("storyboard", "scene", "take", "provider", "library", "model", "values", "settings")
@flow(name="pick-take", flow_run_name=title, persist_result=False)
async def pick_take(
    storyboard: StoryboardField,
    scene: str,
    take: int,
    provider: ProviderField,
    library: LibraryField = None,
    *,
    of: Of = "clip",
    model: ModelField = None,
    stills: str | None = None,
    fit: Fit | None = None,
    quality: QualityField = None,
    audio: bool | None = None,
    values: ValuesField = None,
    settings: SettingsField = None,
) -> Reel:
    """Pick the take of a scene that the reel shows, now and in every later run. Assembles the reel again, buys nothing.

    It is a take `of` the scene's clip or of its still. A clip that begins with another still becomes stale, and is
    kept until it is rendered again. The library records the pick, who made it, and when. Scenes without a clip are
    among the reel's `failed`. Raises ValueError, and changes nothing, if the scene has no such take or the take has no
    clip.
    """
    asked = (await load_render_settings(settings)).overridden(fit=fit, audio=audio)
    overrides = Overrides(
        model=model, stills=stills, fit=asked.fit, quality=quality, audio=asked.audio, values=values or {}
    )
    async with opened(storyboard, provider, library, overrides) as run:
        ledger = Ledger(run.library.storage())
        await asyncio.to_thread(partial(pick, run.prepared.plan, ledger, scene, take, of=of))
        reel = await assemble_standing(run)
        await report_status(run.prepared.plan, ledger)
    return reel
