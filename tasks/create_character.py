"""Create a character at a provider, once."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import task
from prefect.cache_policies import NO_CACHE

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.budget import Budget
from prefect_storyboard.jobs.buy import OnUnknown, PaidJob, PurchaseRequest, buy_once, uninterrupted
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger, Outcome, Storage
from prefect_storyboard.media.fitting import fit
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.providers.errors import ProtocolError
from prefect_storyboard.providers.protocol import CharacterRequest, Order
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Casting, PlannedCharacter
from prefect_storyboard.tasks._retries import BACKOFF, TRIES, nothing_was_bought
from prefect_storyboard.tasks._states import named
from prefect_storyboard.tasks.upload import upload


# Retries are safe: they follow only on proof that nothing was accepted, and the ledger stands in front of every POST.
@task(
    name="create-character",
    task_run_name="create character {character.character.name}",
    retries=TRIES,
    retry_delay_seconds=BACKOFF,
    retry_condition_fn=nothing_was_bought,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def create_character(
    character: PlannedCharacter,
    clip: LocalFile,
    *,
    credentials: Credentials,
    library: Library,
    reel: str = "",
    budget: Budget | None = None,
    on_unknown: OnUnknown = "stop",
    attempts: int = 1,
    minutes: float = 60.0,
) -> Casting:
    """Return the character's casting; create it at the provider only if the library knows of none.

    Costs what the provider asks for a character (often not published). Ends in the state `Cached` or `Reattached`
    where this run bought nothing. Raises the provider's refusals, OutcomeUnknown, GenerationFailed, and Busy after
    `minutes`: the job stays open and the next run re-attaches.
    """
    name = character.character.name

    async def build_order() -> Order:
        with TemporaryDirectory() as folder:
            fitting, seconds = await asyncio.to_thread(_fitting, character, clip, Path(folder))
            url = await upload(fitting, credentials, library)
        request = CharacterRequest(
            model=character.model,
            name=name,
            description=character.character.description,
            clip_url=url,
            end=seconds,
        )
        return session.provider.character_order(request)

    want = PurchaseRequest(
        key=character.key,
        label=f"character {name}",
        account=credentials.account,
        usd=character.usd,
        on_unknown=on_unknown,
        attempts=attempts,
        reel=reel,
        character=name,
        budget=budget,
    )
    ledger = Ledger(library.storage())
    async with credentials.session() as session:
        bought = await buy_once(session, ledger, want, build_order)
        known = bought.outcome.casting if bought.outcome else None
        casting = known or await finish_character(session, ledger, bought, name, minutes=minutes)
    await asyncio.to_thread(_keep, library.storage(), character, clip)
    if known:
        return named("Cached", f"{name} was created before", known)
    if bought.state == "Reattached":
        return named("Reattached", f"{name} was paid for before", casting)
    return casting


async def finish_character(
    session: Session, ledger: Ledger, bought: PaidJob, name: str, *, minutes: float = 60.0
) -> Casting:
    """Wait for a creation that is paid for, and close its job with the casting."""
    result = await await_result(session, ledger, bought, minutes=minutes)
    if result.character_id is None:
        raise ProtocolError(f"{name} was created without an id", request_id=bought.job.request_id, raw=result.raw)
    casting = Casting(character=name, id=result.character_id, mention=result.mention)
    usd = bought.usd if result.usd is None else result.usd
    done = Outcome(kind="done", at=datetime.now(UTC), casting=casting, cost_usd=usd, charged=True)
    stored = await uninterrupted(asyncio.to_thread(ledger.close, bought.key, bought.attempt, done))
    return stored.casting or casting


def _fitting(character: PlannedCharacter, clip: LocalFile, folder: Path) -> tuple[LocalFile, float]:
    """The clip as the model takes it, and its length in seconds."""
    who = character.character
    fitting = fit(clip, character.model.reference, who.name, start=who.start, end=who.end, folder=folder)
    return fitting, probe(fitting.path).seconds


def _keep(storage: Storage, character: PlannedCharacter, clip: LocalFile) -> None:
    """Keep the reference beside the reels, so that the cast can move to another provider or machine."""
    place = ("characters", character.character.slug, character.fingerprint[:16])
    if storage.exists(*place, "character.json"):
        return
    storage.publish(clip.path, *place, f"clip{clip.path.suffix}")
    facts = character.character.model_copy(update={"clip": f"clip{clip.path.suffix}"})
    storage.write(facts.model_dump_json(indent=2).encode(), *place, "character.json")
