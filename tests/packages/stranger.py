"""Run by test_acme.py in a process that has the package acme-video installed: what everybody sees of its gateway."""

import asyncio
import json
import os
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from prefect.context import AsyncClientContext

from prefect_storyboard.blocks import listing, load_credentials
from prefect_storyboard.cli import models as cli_models
from prefect_storyboard.cli.doctor import diagnose
from prefect_storyboard.deployments.setup import accounts_of
from prefect_storyboard.flows import plan_storyboard, storyboard_series
from prefect_storyboard.parameters import OPTIONS
from prefect_storyboard.providers import listing as models_listing
from prefect_storyboard.storyboards.needs import Need


async def rendered(folder: Path, board: dict[str, Any]) -> dict[str, Any]:
    """The plan, and two runs of the board."""
    account, library = await load_credentials("acme", os.environ), str(folder / "library")
    async with AsyncClientContext.get_or_create():
        plan = await plan_storyboard.fn(board, account, library)
        first = await storyboard_series.fn(board, account, library)
        again = await storyboard_series.fn(board, account, library)
        code, told = await printed_of(diagnose(("acme",), library, ()))
    return {
        "usd": [scene.usd for scene in plan.scenes],
        "sent": [scene.sent for scene in plan.scenes],
        "reel": [clip.scene for clip in first.clips],
        "cost": first.cost_usd,
        "again": [clip.sha256 for clip in again.clips] == [clip.sha256 for clip in first.clips],
        "failed": [*map(str, first.failed)],
        "doctor": (code, told),
    }


async def printed_of(work: Any) -> tuple[Any, str]:
    """What the work returns, and what it prints."""
    text = StringIO()
    with redirect_stdout(text):
        result = await work
    return result, text.getvalue()


def seen() -> dict[str, Any]:
    """What form, pages and lists show."""
    text = StringIO()
    with redirect_stdout(text):
        code = cli_models.show(["acme"], Need(seconds=8), as_json=True)
    form = storyboard_series.parameters.model_dump()
    return {
        "models": (code, json.loads(text.getvalue())),
        "form": "Acme Video" in json.dumps(form),
        "blocks": "## AcmeCredentials (`acme-credentials`)" in listing.text(),
        "docs": "## Acme Video (`acme`)" in models_listing.text(),
        "help": "acme" in OPTIONS["provider"],
        "setup": [block.provider for block in accounts_of(os.environ)],
    }


if __name__ == "__main__":
    place, board_file, out = map(Path, sys.argv[1:])
    found = seen() | asyncio.run(rendered(place, json.loads(board_file.read_text())))
    out.write_text(json.dumps(found))
