"""`storyboard doctor`: a report on one screen, and an exit code."""

import asyncio
import os
from collections.abc import Iterator
from itertools import groupby

import httpx
from prefect.settings import get_current_settings
from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import load_credentials, load_library
from prefect_storyboard.blocks.credentials import BY_PROVIDER, unusable
from prefect_storyboard.cli.live import console
from prefect_storyboard.cli.server_ui import examine_ui
from prefect_storyboard.flows.doctor import Finding, examine, examine_library

_STYLES = {"ok": "green", "unsure": "yellow", "bad": "bold red"}


async def diagnose(providers: tuple[str, ...], library: str | None, models: tuple[str, ...]) -> int:
    """Check all accounts and the library concurrently. Returns 1 if something would stop a run.

    Without providers, it checks the accounts whose keys are in the environment. Raises ValueError if there are none.
    """
    accounts = tuple(dict.fromkeys(providers)) or _accounts_with_key()
    found = await asyncio.gather(*(_account(account, models) for account in accounts), _library(library), _ui())
    findings = [finding for each in found for finding in each]
    findings += [Finding(subject=name, check="gateway", state="bad", text=why) for name, why in unusable().items()]
    show(findings, console)
    if not accounts:
        keys = ", ".join(block.account_variable() for block in BY_PROVIDER.values())
        raise ValueError(f"no account was checked; export one of {keys}, or name a saved block")
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def show(findings: list[Finding], screen: Console) -> None:
    """Print a table in a terminal, else one line for each finding."""
    if screen.is_terminal:
        for subject, group in groupby(findings, lambda finding: finding.subject):
            screen.print(Text(subject, style="bold"))
            screen.print(_table(group, max(len(finding.check) for finding in findings)), soft_wrap=False)
        screen.print()
    else:
        for each in findings:
            screen.print(f"{each.state:<6}  {each.subject}  {each.check}: {each.text}")
    screen.print(_summary(findings))


def _accounts_with_key() -> tuple[str, ...]:
    return tuple(provider for provider, block in BY_PROVIDER.items() if block.is_configured(os.environ))


async def _account(reference: str, models: tuple[str, ...]) -> list[Finding]:
    try:
        credentials = await load_credentials(reference, os.environ)
    except ValueError as error:  # no such variable, block or provider; the other accounts are still checked
        check = "key" if reference in BY_PROVIDER else "account"
        return [Finding(subject=reference, check=check, state="bad", text=str(error))]
    return await examine(credentials, models)


async def _library(reference: str | None) -> list[Finding]:
    try:
        library = await load_library(reference)
    except ValueError as error:
        return [Finding(subject=str(reference), check="library", state="bad", text=str(error))]
    return [await examine_library(library)]


async def _ui() -> list[Finding]:
    if not (url := get_current_settings().api.url):
        return []
    async with httpx.AsyncClient() as http:
        return await examine_ui(url, http)


def _table(findings: Iterator[Finding], width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(min_width=width + 2)
    table.add_column(min_width=len("unsure"))
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(Text(f"  {finding.check}"), Text(finding.state, style=_STYLES[finding.state]), Text(finding.text))
    return table


def _summary(findings: list[Finding]) -> str:
    bad, unsure = (sum(finding.state == state for finding in findings) for state in ("bad", "unsure"))
    if not bad and not unsure:
        return "the check passed" if len(findings) == 1 else f"all {len(findings)} checks passed"
    counts = [f"{bad} failed"] * bool(bad) + [f"{unsure} {'is' if unsure == 1 else 'are'} unsure"] * bool(unsure)
    return f"of {len(findings)} checks {' and '.join(counts)}"
