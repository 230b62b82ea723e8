"""Submit one scene, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import OnUnknown, PurchaseRequest
from prefect_storyboard.ledger import Draft, Ledger
from prefect_storyboard.providers.fields import keeps_video
from prefect_storyboard.providers.protocol import Order
from prefect_storyboard.storyboards import Asked, Casting, Clip, Still
from prefect_storyboard.storyboards.folders import slug
from prefect_storyboard.storyboards.nouns import Fit, Prefer, Quality
from prefect_storyboard.storyboards.planned import with_note
from prefect_storyboard.storyboards.single import single_scene, single_shot
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks import _events as events
from prefect_storyboard.tasks._budget import budget, run_began
from prefect_storyboard.tasks._event_facts import JobFacts
from prefect_storyboard.tasks._limits import account_limit
from prefect_storyboard.tasks._names import scene_name
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._retries import DELAYS, TRIES, retry_safely
from prefect_storyboard.tasks._scene import (
    Frames,
    check_order,
    complete,
    expected_of,
    frames,
    place_of,
    read_image,
    scene_request,
)


# Retries are safe: every POST goes through the ledger, so a retry finds what the previous attempt bought. A caller's
# time-out is retried as well: the POST and its record are awaited, however often the time-out fires.
@node(
    name="generate",
    task_run_name=scene_name("generate"),
    retries=TRIES,
    retry_delay_seconds=DELAYS,
    retry_condition_fn=retry_safely,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def generate(
    prompt: str,
    *,
    model: str | None = None,
    credentials: Credentials | str,
    library: Library | str | None = None,
    characters: Sequence[Casting] = (),
    seconds: int | None = None,
    aspect: str = "16:9",
    resolution: str | None = None,
    image: str | Path | Still | None = None,
    ends: str | Path | None = None,
    continues: Clip | None = None,
    remixes: Clip | None = None,
    audio: bool | None = None,
    seed: int | None = None,
    negative: str | None = None,
    quality: Quality = "final",
    take: int = 1,
    copy: int = 0,
    reroll: str | None = None,
    note: str | None = None,
    reel: str | None = None,
    scene: str | None = None,
    fit: Fit = "exact",
    prefer: Prefer = "cast",
    max_cost_usd: float | None = None,
    allow_unknown_price: bool = False,
    spent_since: datetime | None = None,
    on_unknown: OnUnknown = "stop",
    attempts: int = 1,
    fields: Mapping[str, JsonValue] | None = None,
    remixable: bool = True,
) -> PaidJob:
    """Return the paid job of one scene; buy it only if the library has none.

    The job's key is computed from the arguments: equal calls are one job, in any flow or process. Not part of the key:
    reel, scene, fit, max_cost_usd, allow_unknown_price, spent_since, on_unknown, attempts and remixable.

    Args:
        prompt: What happens, in your own words and with the characters' names.
        model: A family of the model table, for example seedance-2. There is no default: without it, the error lists
            what the account sells for this scene. A model past its retirement date is requested nevertheless.
        credentials: The account: a credentials block, or the reference of a saved one.
        library: Where everything is stored: a block, a reference, a folder or URL; None is the default library.
        characters: Who is in the scene: what create_character returned. With .map write unmapped([...]).
        seconds: Length of the clip; None is the shortest that the model sells.
        aspect: Aspect ratio, for example 16:9.
        resolution: For example 720p; None is the model's default.
        image: Path or URL of a picture that the scene starts from, or the Still that draw returned: then the key holds
            what was asked of the still, and characters without media are shown by the still alone.
        ends: Path or URL of a picture that it ends with.
        continues: A clip whose last frame the scene starts from. The key holds what was asked of that clip.
        remixes: A clip that the prompt changes; its length and size are kept.
        audio: Whether the clip has sound; None is the model's default.
        seed: The model's random seed; the same seed gives the same picture again.
        negative: The negative prompt, for models that take one.
        quality: draft takes the cheapest tier and size of the model's family whose price is published.
        take: Increase it by one to render the same scene again.
        reroll: A name for one more take of the same scene: a name that was not given before renders it again.
        note: What that take is to change, in your own words; added to the prompt. Needs reroll.
        copy: A number for each of several equal scenes, so that each is rendered.
        reel: Title or folder of the reel that the clip belongs to.
        scene: The scene's id in that reel. Without it the clip is named after its prompt, and
            without a reel it is stored in `clips/`.
        prefer: If the model takes either a first frame or characters: cast shows the characters, frame begins exactly
            with that frame, and the characters are not part of the key.
        fit: exact refuses what the model does not sell or take, nearest takes the nearest size and leaves out the rest.
        max_cost_usd: Raise OverBudget before the submit if this job, or all of the reel, would cost more.
        allow_unknown_price: Under a max cost, buy also what has no published price.
        spent_since: Count only what the reel has cost since then.
        on_unknown: What to do about a job that may have been bought: stop, or resubmit it, which may buy it twice.
        attempts: How many times in all the scene may be bought when the provider fails it.
        fields: The gateway's own inputs, by its own names. Part of the key.
        remixable: Whether the provider keeps the video for a later remix, if it has that option.

    Costs the model's price. Ends in the state `Cached` or `Reattached` if nothing was bought. Raises ValueError,
    MediaError, SourceError and OverBudget before anything is sent, the provider's refusals (nothing was bought), and
    OutcomeUnknown if a submit may have been accepted.
    """
    arguments.at_least(0, copy=copy)
    arguments.scene_id(scene)
    arguments.purchase(model=model, reel=reel, on_unknown=on_unknown, attempts=attempts)
    allowed = budget(max_cost_usd, spent_since, allow_unknown_price=allow_unknown_price)
    account, library_block = await arguments.accounts(credentials, library)
    cast = arguments.castings(characters)
    names = [casting.character for casting in cast]
    family = await arguments.chosen(account, model, names, seconds=seconds, aspect=aspect, resolution=resolution)
    starts = [
        name for name, given in (("image", image), ("continues", continues), ("remixes", remixes)) if given is not None
    ]
    if len(starts) > 1:
        raise ValueError(f"{starts[1]}: a scene has one beginning; give {' or '.join(starts)}")
    parent = arguments.parent(continues, "continues", family) or arguments.parent(remixes, "remixes", family)
    shot = single_shot(
        prompt,
        family,
        partial(arguments.sold, account),
        characters=cast,
        seconds=seconds,
        aspect=aspect,
        resolution=resolution,
        starts_from_picture=image is not None or continues is not None,
        still=isinstance(image, Still),
        remixes=remixes,
        fit=fit,
        prefer=prefer,
        take=take,
        fields=arguments.gateway_fields(fields),
        **arguments.says(audio=audio, seed=seed, negative=negative, ends=ends),
        quality=quality,
    )
    family = shot.model
    arguments.check_castings(cast, shot, account.account)
    given = Frames(
        await read_image(image, "image", shot, library_block),
        await read_image(ends if shot.ends else None, "ends", shot, library_block),
    )
    still = image if isinstance(image, Still) else None
    begins = still or parent
    single = single_scene(
        shot,
        account=account.account,
        characters=cast,
        image=given.first.sha256 if given.first and not still else None,
        still=still,
        ends=given.last.sha256 if given.last else None,
        parent=parent,
        copy=copy,
        **arguments.further_take(reroll, note),
    )
    shot = shot.model_copy(update={"prompt": with_note(shot.prompt, note or "")})
    wanted = scene_request(shot, cast, parent).model_copy(update={"job_key": single.key, "remixable": remixable})
    folder, name = place_of(slug(reel) if reel else None, scene, single)
    draft = Draft(
        reel=folder,
        scene=name,
        model=family.name,
        prompt=shot.prompt,
        characters=tuple(casting.bare for casting in cast),
        parent_key=begins.job_key if begins else None,
        identity=single.identity,
        own_identity=single.own_identity,
        parent=(begins.identity or begins.job_key) if begins else None,
        take=take,
        asked=Asked(seconds=shot.seconds, aspect=shot.aspect, resolution=shot.resolution),
        basis=single.basis,
        silent=shot.silent,
        seed=shot.seed,
        negative=shot.negative,
        fields=shot.scene.fields,
        remixable=keeps_video(wanted),
        expected=await expected_of(shot, given.first, continues, audio=audio),
    )
    request = PurchaseRequest(
        key=single.key,
        label=f"scene {name} take {take}",
        account=account.account,
        usd=shot.usd if not any(sending.clip for sending in shot.sends) else None,
        on_unknown=on_unknown,
        attempts=attempts,
        since=run_began(),
        reel=folder,
        draft=draft,
        budget=allowed and allowed.model_copy(update={"reel": folder}),
    )

    facts = JobFacts.of_request(request, account.provider)
    request = request.model_copy(
        update={"on_submitted": lambda bought: events.job_submitted(library_block, facts.bought(bought))}
    )

    async def build_order(*, fresh: bool) -> Order:
        await check_order(session.provider, wanted, shot)
        pictures = await frames(shot, given, parent, library_block)
        complete_request, usd = await complete(wanted, shot, cast, pictures, (account, library_block), fresh=fresh)
        return session.provider.scene_order(complete_request).model_copy(update={"usd": usd})

    async with account.session() as session:
        with account_limit(account), events.job_errors(library_block, facts, scene=name, max_cost_usd=max_cost_usd):
            job = await buy_once(session, Ledger(library_block.storage()), request, build_order)
    if job.state != "Submitted":
        name_state(job.state, f"{request.label} was paid for before")
    return job
