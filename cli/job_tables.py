"""What `storyboard jobs`, `collect`, `adopt`, `abandon`, `cancel`, `repair` and `prune` print."""

import asyncio
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from rich.table import Table
from rich.text import Text

from prefect_storyboard.blocks import load_credentials, load_library
from prefect_storyboard.cli.live import console
from prefect_storyboard.cli.states import STYLES, styled
from prefect_storyboard.flows import collect_jobs
from prefect_storyboard.jobs import settle
from prefect_storyboard.jobs.repair import repair as rebuild
from prefect_storyboard.jobs.settle import JobLine
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.ledger.prune import prune as pack
from prefect_storyboard.storyboards.money import price

_AGE = re.compile(r"(\d{1,5})([dwh])")
_UNITS = {"d": "days", "w": "weeks", "h": "hours"}


async def show_jobs(library: str | None, *, every: bool) -> int:
    """List the jobs of a library. Returns 1 if one of them is unknown or cannot be read."""
    ledger = Ledger((await load_library(library)).storage())
    if every:
        first = _streamed(settle.every_job(ledger))
    else:
        found = await asyncio.to_thread(settle.jobs, ledger)
        first = {line.state: line for line in reversed(found)}
        if found:
            console.print(_table(found))
    if not first:
        console.print("this library has no jobs" if every else "no job is open")
    if unknown := first.get("unknown"):
        console.print(
            "\nAn unknown job may have been bought. Look for it on the provider's own page.\n"
            f"If it is there:  storyboard adopt {unknown.key[:12]} <its id> --provider {unknown.provider}\n"
            f"If it is not:    storyboard abandon {unknown.key[:12]}"
        )
    return 1 if first.keys() & {"unknown", "unreadable"} else 0


async def collect(providers: tuple[str, ...], library: str | None) -> int:
    """Store the results of jobs that have ended. Returns 1 if a job has failed or is unknown."""
    accounts = [await load_credentials(provider, os.environ) for provider in providers]
    collected = await collect_jobs([*accounts], await load_library(library))
    for clip in collected.clips:
        console.print(f"stored   {clip.scene} take {clip.take}  {clip.seconds:g} s  {price(clip.cost_usd)}  {clip.url}")
    for still in collected.stills:
        what = f"sheet of {still.sheet_of}" if still.sheet_of else f"still of {still.scene}"
        console.print(f"stored   {what} take {still.take}  {price(still.cost_usd)}  {still.url}")
    for casting in collected.castings:
        console.print(f"created  {casting.character}")
    rest = (*collected.unknown, *collected.failed, *collected.waiting)
    if rest:
        console.print(_table(rest))
    count = len(collected.clips) + len(collected.stills) + len(collected.castings)
    console.print(
        f"{count} collected, {len(collected.waiting)} open, {len(collected.failed)} failed, "
        f"{len(collected.unknown)} unknown; nothing was bought"
    )
    return 1 if collected.failed or collected.unknown else 0


async def adopt(key: str, request_id: str, provider: str | None, library: str | None) -> int:
    """Record the provider's id of an unknown job. A named provider is asked first if it has such a job."""
    ledger = Ledger((await load_library(library)).storage())
    if provider:
        await settle.ask(ledger, key, request_id, await load_credentials(provider, os.environ))
    line = await asyncio.to_thread(settle.adopt, ledger, key, request_id)
    console.print(f"{line.about} is {line.provider} job {request_id}; `storyboard collect` or the next run fetches it")
    return 0


async def abandon(key: str, library: str | None) -> int:
    """Record that an unknown job was not bought."""
    ledger = Ledger((await load_library(library)).storage())
    line = await asyncio.to_thread(settle.abandon, ledger, key)
    console.print(f"{line.about} is recorded as not bought; the next run buys it (price: {price(line.usd)})")
    return 0


async def cancel(key: str, provider: str, library: str | None) -> int:
    """Ask the provider to cancel a job. Returns 1 if it refuses."""
    ledger = Ledger((await load_library(library)).storage())
    credentials = await load_credentials(provider, os.environ)
    if await settle.cancel(ledger, key, credentials):
        console.print(
            "asked the provider to cancel the job; it may still finish: `storyboard collect` shows how it ended"
        )
        return 0
    console.print(
        f"{credentials.provider} cannot cancel this job, or not any more; it continues and is charged", style="yellow"
    )
    return 1


async def repair(library: str | None) -> int:
    """Rebuild lost records. Returns 1 if a record cannot be rebuilt."""
    ledger = Ledger((await load_library(library)).storage())
    repaired = await asyncio.to_thread(rebuild, ledger)
    for take in repaired.takes:
        console.print(f"rebuilt  {take}", soft_wrap=True, markup=False)
    for name in repaired.characters:
        console.print(f"rebuilt  character {name}", soft_wrap=True, markup=False)
    for sentence in repaired.damaged:
        console.print(f"damaged  {sentence}", style="red", soft_wrap=True, markup=False)
    console.print(f"{len(repaired.takes)} takes rebuilt, {len(repaired.damaged)} damaged; nothing was bought")
    return 1 if repaired.damaged else 0


async def prune(library: str | None, older_than: str) -> int:
    """Pack the records of jobs that were settled before the given age."""
    before = datetime.now(UTC) - age(older_than)
    ledger = Ledger((await load_library(library)).storage())
    jobs = files = 0
    for packed in pack(ledger, before):
        jobs, files = jobs + 1, files + packed.files
    console.print(f"{jobs} jobs pruned, {files} files removed; nothing was bought, and nothing will be bought again")
    return 0


def age(text: str) -> timedelta:
    """Parse an age such as 90d, 12w, 36h. Raises ValueError."""
    if not (typed := _AGE.fullmatch(text.strip())):
        raise ValueError(f"--older-than {text}: give a number and a unit, for example 90d, 12w or 36h")
    return timedelta(**{_UNITS[typed[2]]: int(typed[1])})


def _table(lines: Iterable[JobLine]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("job", "state", "age", "price", "provider"):
        table.add_column(name, justify="right" if name in {"age", "price"} else "left", no_wrap=True)
    table.add_column("what", overflow="fold", ratio=1)
    for line in lines:
        account = line.provider if line.account == "default" else f"{line.provider} ({line.account})"
        about = Text(f"{line.reel}: {line.about}" if line.reel else line.about)
        about.append("".join(f"\n{detail}" for detail in (line.request_id, line.note) if detail), style="dim")
        key, age = Text(line.key[:12]), Text(_age(line))
        table.add_row(key, styled(line.state), age, Text(price(line.usd)), Text(account), about)
    return table


def _streamed(lines: Iterable[JobLine]) -> dict[str, JobLine]:
    """Print jobs as they are read; returns the first job of each state."""
    first: dict[str, JobLine] = {}
    for line in lines:
        console.out(_one_line(line), style=STYLES.get(line.state), highlight=False)
        first.setdefault(line.state, line)
    return first


def _one_line(line: JobLine) -> str:
    """A job in columns of fixed width, so that a hundred thousand can be printed as they are read."""
    account = line.provider if line.account == "default" else f"{line.provider} ({line.account})"
    about = f"{line.reel}: {line.about}" if line.reel else line.about
    details = [about, line.request_id or "", " ".join(line.note.split())]
    columns = (
        f"{line.key[:12]:<12}",
        f"{line.state:<10}",
        f"{_age(line):>6}",
        f"{price(line.usd):>8}",
        f"{account:<9}",
    )
    return "  ".join([*columns, *filter(None, details)])


def _age(line: JobLine) -> str:
    seconds = (datetime.now(UTC) - line.at).total_seconds()
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
