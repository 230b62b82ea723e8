"""Is everything fit to run? Each check is free: it buys nothing, and leaves nothing but one tiny upload behind."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import httpx
from PIL import Image

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.ledger import LibraryError, prove
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.providers.protocol import Provider
from prefect_storyboard.providers.session import Session
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards import Frozen, Model

State = Literal["ok", "unsure", "bad"]
_SKEW = (30.0, 300.0)  # seconds: worth a word; and what callbacks and lists of requests do not bear


class Finding(Frozen):
    """One line of the report. Only `bad` stops a run."""

    subject: str
    check: str
    state: State
    text: str


async def examine(credentials: Credentials, names: tuple[str, ...] = ()) -> list[Finding]:
    """Check an account: clock, key, balance, upload, and whether its models are sold; `names` have to be."""
    async with credentials.session() as session:
        provider = session.provider
        sold = [entry for name, entry in models()[credentials.provider].items() if not names or name in names]
        checks: list[tuple[str, Callable[[], Awaitable[tuple[State, str]]]]] = [
            ("clock", lambda: _clock(session, credentials)),
            ("balance", lambda: _balance(provider)),
            ("upload", lambda: _upload(provider)),
            *((entry.name, lambda entry=entry: _offered(provider, entry, must=bool(names))) for entry in sold),
        ]
        subject = f"{credentials.provider} ({credentials.account})"
        found = await asyncio.gather(*(_guarded(subject, name, check) for name, check in checks))
    missing = [name for name in names if name not in models()[credentials.provider]]
    return [*found, *(_unknown(subject, name, credentials.provider) for name in missing)]


async def examine_library(library: Library) -> Finding:
    """Write to the library, and prove that it creates a file only once."""
    try:
        await asyncio.to_thread(prove, library.storage())
    except LibraryError as error:
        return Finding(subject=library.url, check="library", state="bad", text=str(error))
    text = "can be written, and creates a file only once"
    return Finding(subject=library.url, check="library", state="ok", text=text)


async def _guarded(subject: str, name: str, check: Callable[[], Awaitable[tuple[State, str]]]) -> Finding:
    try:
        state, text = await check()
    except ProviderError as error:
        state, text = "bad", f"{error}. {error.remedy}"
    return Finding(subject=subject, check=name, state=state, text=text)


async def _clock(session: Session, credentials: Credentials) -> tuple[State, str]:
    """Compare with the Date of any answer; no key is sent for it."""
    try:
        reply = await session.http.get(credentials.hosts.split()[0])
        skew = time.time() - parsedate_to_datetime(reply.headers["date"]).timestamp()
    except httpx.HTTPError as error:
        return "bad", f"{credentials.hosts.split()[0]} cannot be reached ({type(error).__name__})"
    except (KeyError, ValueError):
        return "unsure", "the provider does not tell its time"
    state: State = "ok" if abs(skew) < _SKEW[0] else "unsure" if abs(skew) < _SKEW[1] else "bad"
    words = (
        "right" if state == "ok" else f"{abs(skew):.0f} s {'fast' if skew > 0 else 'slow'}; set this machine's clock"
    )
    return state, words


async def _balance(provider: Provider) -> tuple[State, str]:
    left = await provider.balance()
    if left is None:
        return "unsure", "the provider does not tell it to this key"
    return ("ok", f"${left:.2f} left") if left > 0 else ("bad", "no credit; top up the account")


async def _upload(provider: Provider) -> tuple[State, str]:
    """A picture of one pixel: the key is good if it is taken."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "doctor.png"
        Image.new("RGB", (1, 1)).save(file)
        await provider.upload(file, "image/png")
    return "ok", "the key is good, and files are taken"


async def _offered(provider: Provider, entry: Model, *, must: bool) -> tuple[State, str]:
    offered = await provider.offered(entry.endpoints["text"])
    hint = f"; its successor is {entry.successor}" if entry.successor else ""
    if offered:
        return "ok", "is sold" + (f", and its maker ended it on {entry.retires_on}{hint}" if entry.retires_on else "")
    state: State = "bad" if must else "unsure"
    if offered is False:
        return state, f"is not sold any more{hint}"
    if entry.retires_on:
        return state, f"its maker ended it on {entry.retires_on}{hint}; the provider does not tell whether it sells it"
    return "unsure", "the provider does not tell whether it sells it"


def _unknown(subject: str, name: str, provider: str) -> Finding:
    text = f"is not in the table; there are {', '.join(models()[provider])}"
    return Finding(subject=subject, check=name, state="bad", text=text)
