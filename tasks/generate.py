"""Submit one scene, once."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import task
from prefect.cache_policies import NO_CACHE

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.budget import Budget
from prefect_storyboard.jobs.buy import OnUnknown, PaidJob, PurchaseRequest, buy_once
from prefect_storyboard.ledger import Draft, Ledger
from prefect_storyboard.media.frames import last_frame
from prefect_storyboard.media.sources import LocalFile, local_file
from prefect_storyboard.media.stills import fit_image
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Order, SceneRequest
from prefect_storyboard.storyboards import Casting, Clip, PlannedScene
from prefect_storyboard.tasks._references import CastMember, references
from prefect_storyboard.tasks._retries import BACKOFF, TRIES, nothing_was_bought
from prefect_storyboard.tasks._states import named
from prefect_storyboard.tasks.upload import upload


# Retries are safe: they follow only on proof that nothing was accepted, and the ledger stands in front of every POST.
# No timeout_seconds: Prefect would send a slow submit a second time.
@task(
    name="generate",
    task_run_name="generate {scene.scene.id} take {take}",
    retries=TRIES,
    retry_delay_seconds=BACKOFF,
    retry_condition_fn=nothing_was_bought,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def generate(
    scene: PlannedScene,
    castings: tuple[Casting, ...],
    *,
    credentials: Credentials,
    library: Library,
    cast: Mapping[str, CastMember] | None = None,
    image: LocalFile | None = None,
    parent: Clip | None = None,
    reel: str = "",
    take: int = 1,
    budget: Budget | None = None,
    on_unknown: OnUnknown = "stop",
    attempts: int = 1,
) -> PaidJob:
    """Return the paid job of a scene; buy it only if the library knows of none.

    The scene starts from `image`, or from the last frame of `parent`, or remixes `parent`, as it says itself; `cast`
    are the media that a model without characters of its own is shown. Costs `scene.usd`. Ends in the state `Cached`
    or `Reattached` where this run bought nothing. Raises the provider's refusals (nothing was bought), and
    OutcomeUnknown where a submit may have been accepted.
    """

    async def build_order() -> Order:
        if scene.scene.remixes and (parent is None or parent.handle is None):
            text = f"{scene.scene.remixes} has no id at the provider that a remix could name"
            raise InvalidRequest(text, field="remixes", sent=False)
        with TemporaryDirectory() as folder:
            first = await _last_frame(parent, library, Path(folder)) if parent and scene.scene.continues else image
            if first:
                named = partial(fit_image, first, scene.model.frame, scene.scene.id, folder=Path(folder))
                first = await asyncio.to_thread(named)
            image_url = await upload(first, credentials, library) if first else None
        shown = await references(scene, cast or {}, credentials, library)
        request = SceneRequest(
            model=scene.model,
            prompt=scene.prompt,
            seconds=scene.seconds,
            aspect=scene.aspect,
            resolution=scene.resolution,
            job_key=scene.key,
            castings=tuple(casting for casting in castings if casting.id),
            references=shown,
            image_url=image_url,
            remix_of=parent.handle if parent and scene.scene.remixes else None,
        )
        return session.provider.scene_order(request)

    want = PurchaseRequest(
        key=scene.key,
        label=f"scene {scene.scene.id} take {take}",
        account=credentials.account,
        usd=scene.usd,
        on_unknown=on_unknown,
        attempts=attempts,
        reel=reel,
        draft=Draft(
            reel=reel,
            scene=scene.scene.id,
            model=scene.model.name,
            prompt=scene.prompt,
            characters=castings,
            parent_key=parent.job_key if parent else None,
        ),
        budget=budget,
    )
    async with credentials.session() as session:
        bought = await buy_once(session, Ledger(library.storage()), want, build_order)
    if bought.state == "Submitted":
        return bought
    return named(bought.state, f"{want.label} was paid for before", bought)


async def _last_frame(clip: Clip, library: Library, folder: Path) -> LocalFile:
    def extract() -> LocalFile:
        storage = library.storage()
        picture = folder / f"{clip.scene}-last-frame.png"
        last_frame(storage.fetch(folder / "parent.mp4", *storage.parts(clip.url)), picture)
        return local_file(picture)

    return await asyncio.to_thread(extract)
