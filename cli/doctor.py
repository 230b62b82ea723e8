"""`storyboard doctor`: one screen, and an exit code."""

import asyncio
import os
from itertools import groupby

from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import load_credentials, load_library
from prefect_storyboard.cli.watching import console
from prefect_storyboard.flows.doctor import Finding, examine, examine_library

_STYLES = {"ok": "green", "unsure": "yellow", "bad": "bold red"}


async def diagnose(providers: tuple[str, ...], library: str | None, models: tuple[str, ...]) -> int:
    """Check every account and the library at once. Returns 1 where something would stop a run."""
    accounts = [await load_credentials(provider, os.environ) for provider in providers]
    shelf = await load_library(library)
    found, kept = await asyncio.gather(
        asyncio.gather(*(examine(account, models) for account in accounts)), examine_library(shelf)
    )
    findings = [*(finding for account in found for finding in account), kept]
    console.print(_table(findings))
    bad = sum(finding.state == "bad" for finding in findings)
    console.print(f"\n{bad} of {len(findings)} checks failed" if bad else f"\nall {len(findings)} checks passed")
    return 1 if bad else 0


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for subject, group in groupby(findings, lambda finding: finding.subject):
        for number, finding in enumerate(group):
            state = Text(finding.state, style=_STYLES[finding.state])
            table.add_row(
                Text("" if number else subject), Text(finding.check), state, Text(finding.text, overflow="fold")
            )
    return table
