"""The flow that checks accounts and library. Costs nothing; leaves one small upload and one small file behind."""

import asyncio
import base64
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Literal

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from prefect_storyboard.addresses import bare
from prefect_storyboard.blocks import Credentials, Library, load_credentials, load_library
from prefect_storyboard.flows.form import LibraryField, ModelsField, ProviderField, form
from prefect_storyboard.ledger import LibraryError, prove
from prefect_storyboard.ledger.scratch import scratch
from prefect_storyboard.providers.errors import NotSent, OutOfCredit, ProviderError, Unauthorized
from prefect_storyboard.providers.http import ask
from prefect_storyboard.providers.json_values import utc
from prefect_storyboard.providers.protocol import Provider
from prefect_storyboard.providers.session import Session
from prefect_storyboard.series.markdown import table_of
from prefect_storyboard.series.report import shown
from prefect_storyboard.storyboards import Frozen, Model

State = Literal["ok", "unsure", "bad"]
Verdict = tuple[str, State, str]  # name of the check, state, text
_LISTED = 8  # names of models in a line
_SKEW = (30.0, 300.0)  # seconds: from the first it is reported, from the second callbacks and lists of requests fail

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNgYGAAAAAEAAHI6uv5AAAAAElFTkSuQmCC"
)  # a PNG


class Finding(Frozen):
    """One line of the report. `bad` stops a run and has to be fixed; `unsure` may be fine, or may not be needed."""

    subject: str
    check: str
    state: State
    text: str


class ChecksFailed(ValueError):
    """A check found something that would stop a run; the message says what to fix."""


@form()
@flow(name="doctor", persist_result=False)
async def check_accounts(
    providers: list[ProviderField], library: LibraryField = None, models: ModelsField = None
) -> list[Finding]:
    """Check accounts and library before a run needs them. Costs nothing. Fails if something would stop a run."""
    accounts = [await load_credentials(each) if isinstance(each, str) else each for each in providers]
    block = await load_library(library)
    found = await asyncio.gather(*(examine(account, tuple(models or ())) for account in accounts))
    findings = [*(finding for account in found for finding in account), await examine_library(block)]
    rows = [finding.model_dump() for finding in findings]
    with shown("the table of findings"):
        text = "The checks of accounts and library"
        await acreate_markdown_artifact(key="storyboard-doctor", markdown=table_of(rows), description=text)
    bad = [f"{finding.subject}, {finding.check}: {finding.text}" for finding in findings if finding.state == "bad"]
    if bad:
        raise ChecksFailed("\n".join(bad))
    return findings


async def examine(credentials: Credentials, names: tuple[str, ...] = ()) -> list[Finding]:
    """Check an account: clock, key, upload, balance, and which models are on sale. Those in `names` must be on sale."""
    try:
        async with credentials.session() as session:
            verdicts = await _examined(session, credentials, names)
    except Unauthorized as error:  # text that cannot be a key is refused before anything is sent
        verdicts = [("key", "bad", _advised(error))]
    subject = f"{credentials.provider} ({credentials.account})"
    return [Finding(subject=subject, check=check, state=state, text=text) for check, state, text in verdicts]


async def examine_library(library: Library) -> Finding:
    """Write to the library, and check that it creates a file only once."""
    state: State = "ok"
    text = "can be written, and creates a file only once"
    try:
        await asyncio.to_thread(lambda: prove(library.storage()))
    except LibraryError as error:
        state, text = "bad", str(error)
    return Finding(subject=bare(library.url), check="library", state=state, text=text)


async def _examined(session: Session, credentials: Credentials, names: tuple[str, ...]) -> list[Verdict]:
    provider = session.provider
    entries, unknown = _entries(credentials, names)
    clock, (upload, further) = await asyncio.gather(_clock(session, credentials), _access(provider))
    if not further:
        return [clock, upload, ("others", "unsure", "not checked, because the check above failed"), *unknown]
    balance, sold, called = await asyncio.gather(
        _balance(provider), _sold(provider, entries, must=bool(names)), _callbacks(session)
    )
    return [clock, upload, balance, *called, *sold, *unknown]


def _entries(credentials: Credentials, names: Iterable[str]) -> tuple[list[Model], list[Verdict]]:
    """The models of these names, or all models; and a finding for each name that the account does not sell."""
    entries: list[Model] = []
    unknown: list[Verdict] = []
    for name in dict.fromkeys(names) or credentials.sold():
        try:
            entries.append(credentials.model(name))
        except KeyError as error:
            unknown.append((name, "bad", str(error.args[0])))
    return entries, unknown


async def _clock(session: Session, credentials: Credentials) -> Verdict:
    """Compare this clock with the Date header of a response. The request carries no key."""
    host = credentials.hosts.partition(" ")[0]
    try:
        reply = await ask(session.http, host, "GET", host)
    except ProviderError as error:
        return "network", "bad", f"{error}; check the network and this address"
    try:
        skew = time.time() - utc(parsedate_to_datetime(reply.headers["date"])).timestamp()
    except (KeyError, ValueError, OverflowError):
        return "clock", "unsure", "the provider's responses carry no date"
    if abs(skew) < _SKEW[0]:
        return "clock", "ok", "right"
    state: State = "unsure" if abs(skew) < _SKEW[1] else "bad"
    return "clock", state, f"{abs(skew):.0f} s {'fast' if skew > 0 else 'slow'}; set this machine's clock"


async def _access(provider: Provider) -> tuple[Verdict, bool]:
    """Verify the key, with an upload if the provider takes one. The flag says whether further checks make sense."""
    check, ask_for = ("models", _list) if provider.carries_files else ("upload", _upload)
    try:
        return (check, "ok", await ask_for(provider)), True
    except Unauthorized as error:
        return ("key", "bad", _advised(error)), False
    except NotSent as error:
        return (check, "bad", _advised(error)), False
    except ProviderError as error:
        return (check, "bad", _advised(error)), True


async def _upload(provider: Provider) -> str:
    """Upload a picture of one pixel."""
    with scratch() as folder:
        file = folder / "doctor.png"
        file.write_bytes(_PIXEL)
        await provider.upload(file, "image/png")
    return "the key is accepted, and an upload succeeded"


async def _list(provider: Provider) -> str:
    """Read the list of models, which checks the key at a provider without uploads."""
    listed = await provider.catalogue()
    if listed is None:
        return "the server answers, but has no list of models"
    names = ", ".join(each.endpoint for each in listed[:_LISTED]) + (", ..." if len(listed) > _LISTED else "")
    return f"the key is accepted, and the server lists {names or 'no model'}"


async def _balance(provider: Provider) -> Verdict:
    """Read the balance. A run does not ask for it, so a missing balance stops no run."""
    try:
        left = await provider.balance()
    except ProviderError as error:
        return "balance", "unsure", str(error)
    if left is None:
        return "balance", "unsure", "the provider does not show it to this key"
    return ("balance", "ok", f"${left:.2f} left") if left > 0 else ("balance", "bad", "no credit; top up the account")


async def _callbacks(session: Session) -> list[Verdict]:
    """Ask the callbacks server whether it is reachable. Without it jobs are polled, so its absence stops no run."""
    if session.callback_url is None:
        return []
    late = "jobs are polled until it answers; it may also be hidden from this machine by a proxy"
    try:
        reply = await ask(session.http, "the callbacks server", "GET", f"{session.callback_url}/health")
    except ProviderError as error:
        return [("callbacks", "unsure", f"{error}; {late}")]
    if reply.is_success:
        return [("callbacks", "ok", "the callbacks server answers at the callback URL")]
    return [("callbacks", "unsure", f"the callback URL answered {reply.status_code}; {late}")]


async def _sold(provider: Provider, entries: list[Model], *, must: bool) -> list[Verdict]:
    """Ask about every endpoint once; the first one alone, because some adapters then read and cache a long list."""
    endpoints = list(dict.fromkeys(endpoint for entry in entries for endpoint in entry.endpoints.values()))
    try:
        offered = [await provider.offered(endpoint) for endpoint in endpoints[:1]]
        offered += await asyncio.gather(*map(provider.offered, endpoints[1:]))
    except (Unauthorized, OutOfCredit) as error:
        return [("models", "bad", _advised(error))]
    except ProviderError as error:
        return [("models", "unsure", f"the list of models cannot be read: {error}")]
    listed = dict(zip(endpoints, offered, strict=True))
    return [(entry.name, *_offered(entry, listed, must=must)) for entry in entries]


def _offered(entry: Model, listed: dict[str, bool | None], *, must: bool) -> tuple[State, str]:
    """The provider's own list decides, then the retirement date, as in a run."""
    own = {endpoint: listed[endpoint] for endpoint in entry.endpoints.values()}
    gone = sorted(endpoint for endpoint, offered in own.items() if offered is False)
    ended = f"its maker {'ended' if entry.ended else 'ends'} it on {entry.retires_on}" if entry.retires_on else ""
    hint = f"; try {entry.successor}" if entry.successor else ""
    if gone:
        text = "not sold here any more" if len(gone) == len(own) else f"not sold here any more: {', '.join(gone)}"
        return "bad" if must else "unsure", text + hint
    if None in own.values():
        text = f"perhaps sold here; {ended}{hint}" if ended else "perhaps sold here: the provider does not say"
        return "bad" if must and entry.ended else "unsure", text
    return "unsure" if entry.ended else "ok", f"sold here; {ended}{hint}" if ended else "sold here"


def _advised(error: ProviderError) -> str:
    """What is wrong and what to do, without "Nothing was bought": a check buys nothing anyway."""
    advice = error.remedy.removeprefix("Nothing was bought. ").removeprefix("Nothing was sent. ")
    return f"{str(error).rstrip('.')}. {advice}"
