"""The flows that move a storyboard to another model: show the changes, create the cast again, render."""

from typing import Annotated

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from pydantic import Field

from prefect_storyboard.blocks import load_render_settings
from prefect_storyboard.flows.form import (
    LibraryField,
    MaxCostField,
    ProviderField,
    SettingsField,
    StoryboardField,
    ValuesField,
    form,
)
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.series.asked import allowed, follow
from prefect_storyboard.series.markdown import escaped, escaped_rows
from prefect_storyboard.series.opening import title
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.series.recast import compared, recasting
from prefect_storyboard.series.reel import assemble_reel
from prefect_storyboard.series.rendering import ended_scenes
from prefect_storyboard.series.report import artifact_key, reported, shown
from prefect_storyboard.series.scoreboard import followed
from prefect_storyboard.storyboards import Reel
from prefect_storyboard.storyboards.money import price
from prefect_storyboard.storyboards.nouns import Fit
from prefect_storyboard.storyboards.recast import Change, Recast, Side

ToField = Annotated[str, Field(title="Model")]


@form("storyboard", "provider", "to", "library", "max_cost_usd", "values", "settings")
@flow(name="recast-storyboard", flow_run_name=title, persist_result=False)
async def recast_storyboard(
    storyboard: StoryboardField,
    provider: ProviderField,
    to: ToField,
    library: LibraryField = None,
    *,
    fit: Fit | None = None,
    values: ValuesField = None,
    max_cost_usd: MaxCostField = None,
    allow_unknown_price: bool | None = None,
    allow_retired: bool | None = None,
    on_unknown: OnUnknown | None = None,
    attempts: int | None = None,
    poll_minutes: float | None = None,
    settings: SettingsField = None,
) -> Reel:
    """Render every scene with another model, even if it names its own, and assemble the reel of the new takes.

    Before that, a table shows the changes scene by scene. The takes of the old model stay in the library. Sizes are
    the nearest that the model sells, unless `fit` says otherwise. Raises and ends as `storyboard_series` does. If
    a character has no media that the new model takes, the error says what is needed.
    """
    asked = (await load_render_settings(settings)).overridden(
        fit=fit,
        allow_unknown_price=allow_unknown_price,
        allow_retired=allow_retired,
        on_unknown=on_unknown,
        attempts=attempts,
        poll_minutes=poll_minutes,
        wait="poll",
    )
    moved = Overrides(model=to, fit=asked.fit, values=values or {})
    async with recasting(storyboard, provider, library, moved) as run:
        follow(run, asked)
        plan = run.prepared.plan
        await report_changes(await compared(run))
        async with followed(plan):
            wanted = await allowed(run, max_cost_usd, asked)
            ended = await ended_scenes(run, wanted, cancel_provider_jobs=False)
            reel = await assemble_reel(run, ended, wanted)
    return await reported(run, reel, wanted)


@form("storyboard", "provider", "to", "library", "values")
@flow(name="plan-recast", flow_run_name=title, persist_result=False)
async def plan_recast(
    storyboard: StoryboardField,
    provider: ProviderField,
    to: ToField,
    library: LibraryField = None,
    *,
    fit: Fit | None = None,
    values: ValuesField = None,
) -> Recast:
    """Show what moving a storyboard to another model would change, scene by scene, and what it costs. Buys nothing."""
    changes = await recast_planned(storyboard, provider, to, library, Overrides(fit=fit, values=values or {}))
    await report_changes(changes)
    return changes


async def recast_planned(
    storyboard: StoryboardField,
    provider: ProviderField,
    to: str,
    library: LibraryField = None,
    overrides: Overrides | None = None,
) -> Recast:
    """What a recast would change, without a flow run. Raises the errors that it would raise before it buys."""
    moved = (overrides or Overrides()).model_copy(update={"model": to})
    async with recasting(storyboard, provider, library, moved) as run:
        return await compared(run)


async def report_changes(changes: Recast) -> None:
    """Publish the comparison as a table artifact."""
    board = changes.plan.storyboard
    with shown("the table of what changes"):
        await acreate_table_artifact(
            key=artifact_key(board.slug, "recast"),
            table=escaped_rows(row(change) for change in changes.changes),
            description=f"{escaped(board.title)}: {escaped(total(changes))}",
        )


def row(change: Change) -> dict[str, str]:
    """One scene: what it was, what it will be, and what cannot be kept."""
    before, after = change.before, change.after
    return {
        "scene": change.scene,
        "was": _model(before) if before else "",
        "will be": _model(after),
        "endpoint": after.endpoint or "",
        "seconds": _moved(str(before.seconds) if before else None, str(after.seconds)),
        "size": _moved(_size(before) if before else None, _size(after)),
        "price": f"{price(before.usd)} to {price(after.usd)}" if before else price(after.usd),
        "characters": "; ".join(f"{name}: {_how(before, name)}{how}" for name, how in after.characters.items()),
        "stays": f"take {change.kept_take}" if change.kept_take else "",
        "cannot be kept": "; ".join(change.lost),
    }


def total(changes: Recast) -> str:
    """What all scenes cost before, and what all their takes cost after."""
    plan = changes.plan
    after = [take.usd for take in plan.renders]
    now = "unknown" if None in after else price(round(sum(each or 0.0 for each in after), 6))
    more = f" for {len(after)} takes" if plan.takes else ""
    return f"{price(changes.before_usd)} before, {now} at {plan.scenes[0].model.name} ({plan.provider}){more}"


def _moved(before: str | None, after: str) -> str:
    """Both values where they differ."""
    return after if before in {None, after} else f"{before} to {after}"


def _how(before: Side | None, name: str) -> str:
    """How the character was shown before."""
    return f"{before.characters[name]}, then " if before and name in before.characters else ""


def _model(side: Side) -> str:
    return f"{side.model} at {side.provider}"


def _size(side: Side) -> str:
    return f"{side.aspect} {side.resolution}".rstrip()
