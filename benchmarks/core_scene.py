"""Render one scene with the modules below the tasks, in the same steps: generate, poll, store."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.paid import PaidJob, uninterrupted
from prefect_storyboard.jobs.purchase import PurchaseRequest
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Draft, Ledger
from prefect_storyboard.providers.download import bounds_of, download
from prefect_storyboard.providers.protocol import Order, SceneRequest
from prefect_storyboard.providers.session import Session
from prefect_storyboard.storyboards import Asked, Clip, Model
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.tasks._takes import Takes


class Studio(NamedTuple):
    """The account, model and storage of the scenes."""

    session: Session
    ledger: Ledger
    model: Model
    scratch: Path


async def render(studio: Studio, prompt: str) -> Clip:
    """Render one scene; a second call finds it in the ledger."""
    bought = await buy_once(studio.session, studio.ledger, _request(studio, prompt), lambda **_: _order(studio, prompt))
    takes = Takes(studio.ledger.storage, _draft(bought), bought)
    if bought.outcome and (stored := await asyncio.to_thread(takes.stored)):
        return stored
    result = await await_result(studio.session, studio.ledger, bought)
    file = studio.scratch / f"{bought.key}.mp4"
    checksum = await download(studio.session.http, result.url or "", file, bounds_of(4))
    return await uninterrupted(asyncio.to_thread(takes.publish, file, _clip(bought, file, checksum), {}))


async def _order(studio: Studio, prompt: str) -> Order:
    wanted = SceneRequest(model=studio.model, prompt=prompt, seconds=4, aspect="16:9", resolution="720p")
    return studio.session.provider.scene_order(wanted)


def _request(studio: Studio, prompt: str) -> PurchaseRequest:
    key = digest([studio.model.provider, prompt])
    draft = Draft(
        reel="pier",
        scene=f"s{key[:12]}",
        model=studio.model.name,
        prompt=prompt,
        asked=Asked(seconds=4, aspect="16:9", resolution="720p"),
    )
    return PurchaseRequest(key=key, label=f"scene {draft.scene}", account="default", usd=0.4, reel="pier", draft=draft)


def _draft(bought: PaidJob) -> Draft:
    if bought.draft is None:
        raise TypeError("a scene has a draft")
    return bought.draft


def _clip(bought: PaidJob, file: Path, checksum: str) -> Clip:
    draft = _draft(bought)
    return Clip(
        scene=draft.scene,
        take=0,
        url="",
        sha256=checksum,
        bytes=file.stat().st_size,
        seconds=4.0,
        width=1280,
        height=720,
        job_key=bought.key,
        cost_usd=bought.usd,
        provider=bought.job.provider,
        model=draft.model,
        request_id=bought.job.request_id,
        prompt=draft.prompt,
        asked=draft.asked,
        stored_at=datetime.now(UTC),
    )
