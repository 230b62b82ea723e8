"""Create a character at a provider, once."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.purchase import OnUnknown, PurchaseRequest
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.storyboards import Casting, Clip
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.storyboards.keys import character_key, digest, fingerprint
from prefect_storyboard.storyboards.single import checked_character
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks._budget import budget, run_began
from prefect_storyboard.tasks._cast import check, create_once, creation_order, keep, read_media, scene_of, without_clip
from prefect_storyboard.tasks._event_facts import JobFacts
from prefect_storyboard.tasks._limits import account_limit
from prefect_storyboard.tasks._names import RunName, short
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._retries import DELAYS, TRIES, retry_safely


# Retries are safe: every POST goes through the ledger, so a retry finds what the previous attempt bought.
@node(
    name="create-character",
    task_run_name=RunName(lambda name, **_: f"create character {short(name)}"),
    retries=TRIES,
    retry_delay_seconds=DELAYS,
    retry_condition_fn=retry_safely,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def create_character(
    name: str,
    clip: str | Path | Clip | None = None,
    *,
    model: str | None = None,
    credentials: Credentials | str,
    library: Library | str | None = None,
    images: Sequence[str | Path] = (),
    aliases: Sequence[str] = (),
    description: str = "",
    start: float | None = None,
    end: float | None = None,
    reference: str = "images",
    belongs_to: Literal["content", "scene"] = "content",
    fields: Mapping[str, JsonValue] | None = None,
    reel: str | None = None,
    max_cost_usd: float | None = None,
    allow_unknown_price: bool = False,
    spent_since: datetime | None = None,
    on_unknown: OnUnknown = "stop",
    attempts: int = 1,
    minutes: float = 60.0,
) -> Casting:
    """Return a character's casting at one account and model family; create it only if the library has none.

    A model that takes characters as reference media needs no creation: nothing is bought, the media are checked against
    the model's limits, and the casting holds them. So the same code runs on any model. Not part of the key: reel,
    max_cost_usd, allow_unknown_price, spent_since, on_unknown, attempts, description, aliases and minutes.

    Args:
        name: How the prompts call the character.
        clip: Path or URL of a clip that shows the character, or a rendered Clip.
        model: A family of the model table, for example seedance-2. There is no default: without it, the error lists
            what the account sells. A model past its retirement date is requested nevertheless.
        credentials: The account: a credentials block, or the reference of a saved one.
        library: Where everything is stored: a block, a reference, a folder or URL; None is the default library.
        images: Paths or URLs of pictures of the character, in addition to the clip or instead of it.
        aliases: Other words by which prompts call the character.
        description: Who this is; sent to a provider that asks for it.
        start: Second at which the used part of the clip begins.
        end: Second at which it ends.
        reference: What a model that takes reference media receives: images or clip.
        belongs_to: What the key holds of a clip that was rendered before: its content, or as in a storyboard's
            `from_scene` what was asked of its scene and which take of it this is.
        fields: The gateway's own inputs for the creation, by its own names.
        reel: Reel whose budget the creation counts in.
        max_cost_usd: Raise OverBudget before the submit if this job, or all of the reel, would cost more.
        allow_unknown_price: Under a max cost, buy also what has no published price.
        spent_since: Count only what the reel has cost since then.
        on_unknown: What to do about a creation that may have been bought: stop, or resubmit it.
        attempts: How many times in all it may be bought when the provider fails it.
        minutes: How long to wait for the creation.

    Costs the provider's price for a character, often not published. Ends in the state `Cached` or `Reattached` if
    nothing was bought. Raises ValueError, MediaError or SourceError before anything is sent, the provider's refusals,
    GenerationFailed, OutcomeUnknown if a submit may have been accepted, and Busy after `minutes`: the job stays open
    and the next call re-attaches to it.
    """
    arguments.purchase(model=model, reel=reel, on_unknown=on_unknown, attempts=attempts)
    arguments.waiting(minutes)
    arguments.belonging(belongs_to, clip)
    folder = slug(reel) if reel else ""
    allowed = budget(max_cost_usd, spent_since, allow_unknown_price=allow_unknown_price, reel=folder)
    account, library_block = await arguments.accounts(credentials, library)
    family = await arguments.chosen(account, model, [name])
    storage = library_block.storage()
    given = await read_media(clip, images, storage, library_block)
    who = checked_character(
        {
            "name": name,
            "clip": given.clip and str(given.clip.path),
            "images": [str(image.path) for image in given.images],
            "start": start,
            "end": end,
            "reference": reference,
            "aliases": arguments.a_list(aliases, "aliases"),
            "description": description,
            "fields": arguments.gateway_fields(fields),
        }
    )
    made_of = scene_of(given.rendered) if belongs_to == "scene" else None
    who_hash = fingerprint(without_clip(who, given.rendered) if made_of else who, given.content)
    await asyncio.to_thread(check, who, family, given)
    folder_hash = digest([who_hash, made_of.job_key]) if made_of else who_hash
    casting = await asyncio.to_thread(keep, storage, who, folder_hash, given)
    casting = casting.model_copy(update={"fingerprint": who_hash, "made_of": made_of})
    if family.casting is None:
        return casting

    async def build_order(*, fresh: bool) -> Order:
        return await creation_order(session.provider, family, who, given, account, fresh=fresh)

    request = PurchaseRequest(
        key=character_key(
            provider=account.provider,
            account=account.account,
            casting=family.casting,
            fingerprint=who_hash,
            source=made_of.job_key if made_of else None,
        ),
        label=f"character {who.name}",
        account=account.account,
        usd=family.usd_per_character,
        on_unknown=on_unknown,
        attempts=attempts,
        since=run_began(),
        reel=folder,
        character=who.name,
        fingerprint=folder_hash,
        budget=allowed,
    )
    facts = JobFacts.of_request(request, account.provider)
    request = request.model_copy(
        update={"on_submitted": lambda bought: events.job_submitted(library_block, facts.bought(bought))}
    )
    async with account.session() as session:
        with account_limit(account), events.job_errors(library_block, facts, max_cost_usd=max_cost_usd):
            made, job = await create_once(session, Ledger(storage), request, build_order, minutes=minutes)
    if job.state == "Cached":
        name_state("Cached", f"{who.name} was created before")
    else:
        events.character_created(library_block, who.slug, made, facts.bought(job))
        if job.state == "Reattached":
            name_state("Reattached", f"{who.name} was paid for before")
    place = {"provider": account.provider, "account": account.account, "family": family.casting}
    return casting.model_copy(
        update={"id": made.id, "mention": made.mention, "files": made.files, "facts": made.facts, **place}
    )
