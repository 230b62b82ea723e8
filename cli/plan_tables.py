"""What `storyboard plan` prints."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import account_to_plan_for
from prefect_storyboard.cli.live import console
from prefect_storyboard.cli.states import styled
from prefect_storyboard.flows.plan import cost_of, own_fields, picture_row, planned, row, seed_and_negative, sound
from prefect_storyboard.series.held import plan_text
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.storyboards import Plan
from prefect_storyboard.storyboards.money import price

_COLUMNS = ("scene", "state", "model", "seconds", "size", "characters", "price")


async def show_plan(
    board: str,
    provider: str,
    library: str | None,
    overrides: Overrides,
    asked: Mapping[str, Any],
    *,
    save: Path | None = None,
) -> int:
    """Print what a run would do and cost, and write it to the file `save`. Always returns 0: a plan does not fail."""
    account = await account_to_plan_for(provider, os.environ)
    plan = await planned(board, account, library, overrides, **asked)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in {"seconds", "price"} else "left", overflow="fold")
    for character in plan.characters:
        state, name = character.state or "", character.character.name
        table.add_row(Text(name), styled(state), Text(character.model.name), "", "", "", price(character.usd))
    for picture in plan.pictures:
        facts = {name: value for name, value in picture_row(picture).items() if name in _COLUMNS}
        table.add_row(*(styled(value) if name == "state" else Text(value) for name, value in facts.items()))
    for scene in plan.scenes:
        facts = row(scene)
        table.add_row(*(styled(value) if name == "state" else Text(value) for name, value in facts.items()))
    console.print(table)
    console.print("\nsent, word for word", style="dim")
    console.print(_requests(plan))
    for line in plan.preparations:
        console.print(f"prepare  {line}", style="dim")
    for warning in plan.warnings:
        console.print(f"warning  {warning}", style="yellow")
    if not account.can_ask:
        console.print(
            f"no key is set for {provider}, so its list of models was not read; models and prices are the table's",
            style="dim",
        )
    new = sum(job.state in {"new", "unknown"} for job in plan.jobs)
    if save:
        await asyncio.to_thread(save.write_text, plan_text(plan), encoding="utf-8")
    console.print(f"\n{new} of {len(plan.jobs)} jobs to buy: {cost_of(plan)}   plan {plan.hash[:12]}")
    return 0


def _requests(plan: Plan) -> Table:
    """The request of each scene: its prompt, then its references in order and whether it has sound."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for picture in plan.pictures:
        facts = picture_row(picture)
        drawn = Text(facts["prompt"])
        drawn.append(f"\n{facts['references']}" if facts["references"] else "", style="dim")
        table.add_row(Text(facts["scene"]), drawn)
    for scene in plan.scenes:
        prompt = Text(scene.sent)
        sent = (*scene.references, sound(scene), seed_and_negative(scene), own_fields(scene))
        prompt.append(f"\n{'; '.join(filter(None, sent))}", style="dim")
        table.add_row(Text(scene.scene.id), prompt)
    return table
