"""What a scene costs in requests to the store: counted, because each one takes 20 ms and some cost money."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prefect_storyboard.jobs.buy import buy_once
from prefect_storyboard.jobs.estimate import estimate
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.jobs.purchase import PurchaseRequest
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Draft, Ledger, Storage, open_storage
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Clip, Plan, Source, plan, shots
from prefect_storyboard.storyboards.text import validate
from prefect_storyboard.tasks._takes import Takes
from tests.unit.fakes import FakeClock, Gateway, order, session_with, wording

from .s3_double import Bucket, serving

FEW, MORE = 3, 13


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as found:
        yield found


def count(bucket: Bucket) -> Counter[str]:
    return Counter(request.partition(" ")[0] for request in (*bucket.log, *bucket.reads))


def board(scenes: int) -> Plan:
    wanted = {
        "title": "Pier",
        "model": "seedance-2",
        "scenes": [{"id": f"s{n}", "prompt": f"Wave {n}."} for n in range(scenes)],
    }
    found = validate(wanted, Source())
    resolved = shots(found, lambda name: model("fal", name), Source())
    return plan(found, resolved, provider="fal", account="default", content={}, clip_seconds={})


async def run(storage: Storage, planned: Plan, gateway: Gateway, folder: Path) -> None:
    """What a flow does: look everything up, then take scene after scene through generate, poll and store."""
    ledger, session = Ledger(storage), session_with(gateway, clock=FakeClock())
    await estimate(planned, ledger, 1)
    for scene in planned.scenes:
        draft = Draft(reel=planned.storyboard.slug, scene=scene.scene.id, model="seedance-2", prompt=scene.words)
        wanted = PurchaseRequest(
            key=scene.key, label=draft.scene, account="default", usd=0.4, reel=draft.reel, draft=draft
        )
        bought = await buy_once(session, ledger, wanted, wording(order(scene.key)))
        takes = Takes(storage, draft, bought)
        if takes.stored() is None:
            await await_result(session, ledger, bought)
            file = folder / "take.mp4"
            file.write_bytes(b"a clip")
            takes.publish(file, clip(bought, draft), {})


def clip(bought: PaidJob, draft: Draft) -> Clip:
    facts = {"seconds": 4.0, "width": 1280, "height": 720, "job_key": bought.key, "cost_usd": 0.4, "provider": "fal"}
    facts |= {"model": draft.model, "request_id": bought.job.request_id, "prompt": draft.prompt, "bytes": 6}
    facts |= {"scene": draft.scene, "take": 0, "url": "", "sha256": hashlib.sha256(b"a clip").hexdigest()}
    return Clip.model_validate(facts | {"stored_at": datetime.now(UTC)})


async def each_more(bucket: Bucket, tmp_path: Path, *, again: bool) -> Counter[str]:
    """Requests for ten scenes more, of a run that is new or that is made again."""
    seen = []
    for scenes in (FEW, MORE):
        gateway, storage = Gateway(prefix=f"r{scenes}-"), open_storage(f"s3://reels/{scenes}", bucket.options)
        if again:
            await run(storage, board(scenes), gateway, tmp_path)
        bucket.log.clear()
        bucket.reads.clear()
        await run(storage, board(scenes), gateway, tmp_path)
        seen.append(count(bucket))
        assert len(gateway.billed) == scenes
    few, more = seen
    more.subtract(few)
    return more


async def test_a_new_scene_takes_twelve_requests(bucket: Bucket, tmp_path: Path) -> None:
    asked = await each_more(bucket, tmp_path, again=False)
    assert sum(asked.values()) <= 12 * (MORE - FEW), asked
    assert asked["LIST"] <= MORE - FEW, "one, while the run is planned"
    assert asked["HEAD"] == 0


async def test_a_cached_scene_takes_four_requests(bucket: Bucket, tmp_path: Path) -> None:
    asked = await each_more(bucket, tmp_path, again=True)
    assert sum(asked.values()) <= 4 * (MORE - FEW), asked
    assert asked["LIST"] == asked["PUT"] == asked["HEAD"] == 0
