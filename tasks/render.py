"""Render one scene: generate, poll and store in one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.look import may_resubmit
from prefect_storyboard.jobs.purchase import OnUnknown
from prefect_storyboard.jobs.wait import VERDICTS
from prefect_storyboard.judges import Judge
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.storyboards import Casting, Clip, Still
from prefect_storyboard.storyboards.nouns import Fit, Prefer, Quality
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks._budget import run_began
from prefect_storyboard.tasks._names import scene_name
from prefect_storyboard.tasks._node import name_state, node
from prefect_storyboard.tasks._retries import retry_safely
from prefect_storyboard.tasks.generate import generate
from prefect_storyboard.tasks.poll import poll
from prefect_storyboard.tasks.store import store


# Safe for a caller to retry: every POST goes through the ledger. Its three parts have retries of their own.
@node(
    name="render",
    task_run_name=scene_name("render"),
    retry_condition_fn=retry_safely,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def render(
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
    minutes: float = 60.0,
    judge: Judge | None = None,
) -> Clip:
    """Return the stored clip of one scene: generate, poll and store in one call, for example for `.map`.

    The arguments are those of generate, `minutes`, how long to wait for the render, and the `judge` of store. Costs the
    model's price once. After a failure at no cost the scene is bought again, up to three times; after a charged one, up
    to `attempts`. Ends in the state `Cached` or `Reattached` if nothing was bought. Raises what generate, poll and
    store raise.
    """
    arguments.waiting(minutes)
    account, library_block = await arguments.accounts(credentials, library)
    generated = partial(
        generate,
        prompt,
        model=model,
        credentials=account,
        library=library_block,
        characters=characters,
        seconds=seconds,
        aspect=aspect,
        resolution=resolution,
        image=image,
        ends=ends,
        continues=continues,
        remixes=remixes,
        audio=audio,
        seed=seed,
        negative=negative,
        quality=quality,
        take=take,
        copy=copy,
        reroll=reroll,
        note=note,
        reel=reel,
        scene=scene,
        fit=fit,
        prefer=prefer,
        max_cost_usd=max_cost_usd,
        allow_unknown_price=allow_unknown_price,
        spent_since=spent_since,
        on_unknown=on_unknown,
        attempts=attempts,
        fields=fields,
        remixable=remixable,
    )
    since, ledger = run_began(), Ledger(library_block.storage())
    while True:
        job = await generated()
        try:
            result = await poll(job, credentials=account, library=library_block, minutes=minutes)
            break
        except VERDICTS:
            if not await may_resubmit(ledger, job.key, attempts=attempts, since=since):
                raise
    clip = await store(job, result, credentials=account, library=library_block, judge=judge)
    if job.state != "Submitted":
        name_state(job.state, f"{job.about} was paid for before")
    return clip
