"""Draw one picture, once: the still of a scene, or the sheet of a character, a place or a prop."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.ends import buy_to_end
from prefect_storyboard.jobs.purchase import OnUnknown, PurchaseRequest
from prefect_storyboard.ledger import Draft, Ledger, StillDraft
from prefect_storyboard.ledger.sidecars import sheet_folder
from prefect_storyboard.providers.images import sent_prompt
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.storyboards import Drawing, Still, drawing
from prefect_storyboard.storyboards.folders import slug, slug_words
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks import _still_arguments as still_arguments
from prefect_storyboard.tasks._budget import budget, run_began
from prefect_storyboard.tasks._drawn_from import BelongsTo, Reference, read_references, still_order
from prefect_storyboard.tasks._event_facts import JobFacts
from prefect_storyboard.tasks._keep import keep_made
from prefect_storyboard.tasks._limits import account_limit
from prefect_storyboard.tasks._names import scene_name
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._retries import DELAYS, TRIES, retry_safely


# Retries are safe: every POST goes through the ledger, so a retry finds what the previous attempt bought.
@node(
    name="draw",
    task_run_name=scene_name("draw"),
    retries=TRIES,
    retry_delay_seconds=DELAYS,
    retry_condition_fn=retry_safely,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def draw(
    prompt: str,
    *,
    model: str | None = None,
    credentials: Credentials | str,
    library: Library | str | None = None,
    references: Sequence[Reference] = (),
    aspect: str = "16:9",
    resolution: str | None = None,
    quality: str | None = None,
    output_format: str | None = None,
    seed: int | None = None,
    take: int = 1,
    copy: int = 0,
    reroll: str | None = None,
    note: str | None = None,
    reel: str | None = None,
    scene: str | None = None,
    sheet_of: str | None = None,
    look: str = "",
    belongs_to: BelongsTo = "content",
    max_cost_usd: float | None = None,
    allow_unknown_price: bool = False,
    spent_since: datetime | None = None,
    on_unknown: OnUnknown = "stop",
    attempts: int = 1,
    fields: Mapping[str, JsonValue] | None = None,
    minutes: float = 60.0,
) -> Still:
    """Return the stored picture of one drawing; buy it only if the library has none. One picture a call.

    The job's key is computed from the arguments: equal calls are one picture, in any flow or process. Not part of the
    key: reel, scene, sheet_of, look, max_cost_usd, allow_unknown_price, spent_since, on_unknown, attempts and minutes.
    The picture is stored in `reels/<reel>/stills/<scene>/`, without a reel in `pictures/<scene>/`, and that of a sheet
    in `characters/<name>/sheet-<look>/`.

    Args:
        prompt: What the picture shows, in your own words and with the names of the references.
        model: An image model, for example nano-banana-2.1. There is no default: without it, the error lists what the
            account sells.
        credentials: The account: a credentials block, or the reference of a saved one.
        library: Where everything is stored: a block, a reference, a folder or URL; None is the default library.
        references: What it is drawn from, in the order in which the prompt counts them: Still, Sheet, Clip (its last
            frame), what create_character returned, Character, a path or a URL; or one of these with its role, as in
            (mara, "keep her face and coat"). The prompt that is sent says which picture is whom, and what for.
        aspect: Aspect ratio, for example 16:9; always sent. "auto" is for models that have no other choice.
        resolution: The model's tier, for example 1K or 2K; None is the cheapest. Always sent.
        quality: low, medium or high, for models that have it; None is medium. Always sent.
        output_format: png, jpeg or webp, for models that have the choice; None is png. Always sent.
        seed: The model's random seed. No model promises the same face from it: give references.
        take: Increase it by one to draw the same picture again.
        copy: A number for each of several equal drawings, so that each is drawn.
        reroll: A name for one more take: a name that was not given before draws it again.
        note: What that take is to change, in your own words; added to the prompt. Needs reroll.
        reel: Title or folder of the reel that the still belongs to, also for its budget.
        scene: The scene's id in that reel. Without it the still is named after its prompt.
        sheet_of: Whose sheet it is: the name of a character, a place or a prop.
        look: Which look the sheet shows: letters, digits, - and _; empty for the first one.
        belongs_to: What the key holds of a reference that was drawn before: its content, so that another take of it
            draws this one again, or what was asked of it, as a storyboard's plan does.
        max_cost_usd: Raise OverBudget before the submit if this job, or all of the reel, would cost more.
        allow_unknown_price: Under a max cost, buy also what has no published price.
        spent_since: Count only what the reel has cost since then.
        on_unknown: What to do about a job that may have been bought: stop, or resubmit it, which may buy it twice.
        attempts: How many times in all it may be bought when the provider fails it.
        fields: The gateway's own inputs, by its own names, of those that are known for the model. Part of the key.
        minutes: How long to wait for the picture.

    Costs the model's price. Ends in the state `Cached` or `Reattached` if nothing was bought. After a failure at no
    cost it is bought again, up to three times; once where a model made nothing of it by chance; after a charged one, up
    to `attempts`. Raises ValueError, MediaError, SourceError and OverBudget before anything is sent, the provider's
    refusals (nothing was bought), GenerationFailed, OutcomeUnknown if a submit may have been accepted, and Busy after
    `minutes`: the job stays open and the next call re-attaches to it.
    """
    arguments.texts(prompt=prompt, aspect=aspect, resolution=resolution, quality=quality, output_format=output_format)
    arguments.at_least(0, copy=copy)
    arguments.at_least(1, take=take)
    arguments.scene_id(scene)
    still_arguments.sheet(sheet_of, look, scene)
    arguments.says(audio=None, seed=seed, negative=None, ends=None)
    arguments.purchase(model=model, reel=reel, on_unknown=on_unknown, attempts=attempts)
    arguments.waiting(minutes)
    folder = slug(reel) if reel else ""
    allowed = budget(max_cost_usd, spent_since, allow_unknown_price=allow_unknown_price, reel=folder)
    account, library_block = await arguments.accounts(credentials, library)
    family = still_arguments.drawn_with(account, model)
    found = await read_references(references, family, library_block, belongs_to)
    drawn = drawing(
        prompt,
        family,
        references=[each.reference for each in found],
        aspect=aspect,
        resolution=resolution,
        quality=quality,
        output_format=output_format,
        seed=seed,
        take=take,
        copy=copy,
        fields=arguments.gateway_fields(fields),
        **arguments.further_take(reroll, note),
    )
    draft = _draft(drawn, account.account, folder, scene, sheet=(sheet_of or "", look))
    request = PurchaseRequest(
        key=drawn.key(account.account),
        label=_label(draft),
        account=account.account,
        usd=drawn.usd,
        on_unknown=on_unknown,
        attempts=attempts,
        since=run_began(),
        reel=folder,
        draft=draft,
        budget=allowed,
    )
    facts = JobFacts.of_request(request, account.provider)
    request = request.model_copy(
        update={"on_submitted": lambda bought: events.job_submitted(library_block, facts.bought(bought))}
    )

    async def build_order(*, fresh: bool) -> Order:
        return await still_order(session.provider, drawn, found, account, job_key=request.key, fresh=fresh)

    async with account.session() as session:
        with account_limit(account), events.job_errors(library_block, facts, max_cost_usd=max_cost_usd):
            job, result = await buy_to_end(
                session, Ledger(library_block.storage()), request, build_order, minutes=minutes
            )
        still = await keep_made(job, draft, result, credentials=account, library=library_block)
    if not isinstance(still, Still):
        raise TypeError(f"job {job.key[:12]} drew no still")  # excluded: its draft is a still's
    if job.state != "Submitted":
        name_state(job.state, f"{request.label} was paid for before")
    return still


def _draft(drawn: Drawing, account: str, reel: str, scene: str | None, *, sheet: tuple[str, str]) -> Draft:
    """The draft of the still: its place in the library, and all that its sidecar will say."""
    (sheet_of, look), identity = sheet, drawn.identity(account)
    words = slug_words(drawn.prompt)[:32].strip("-")
    return Draft(
        reel=slug(sheet_of) if sheet_of else reel,
        scene=sheet_folder(look) if sheet_of else scene or f"{words}-{identity[:8]}",
        model=drawn.model.name,
        prompt=drawn.prompt,
        identity=identity,
        take=drawn.take,
        basis=drawn.basis(account),
        seed=drawn.seed,
        fields=drawn.fields,
        still=StillDraft(
            asked=drawn.asked,
            sent=sent_prompt(drawn),
            references=drawn.references,
            sheet_of=sheet_of,
            look=look,
        ),
    )


def _label(draft: Draft) -> str:
    still = draft.still
    if still and still.sheet_of:
        return f"sheet of {still.sheet_of}" + (f", {still.look}" if still.look else "") + f" take {draft.take}"
    return f"still {draft.scene} take {draft.take}"
