"""The adapter against the sandbox, over real sockets: everything that a series needs, and the faults that cost money."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.providers.download import download
from prefect_storyboard.providers.errors import (
    Busy,
    Expired,
    GenerationFailed,
    InvalidRequest,
    OutcomeUnknown,
    OutOfCredit,
    ProviderError,
    Refused,
    Unauthorized,
)
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.http import client
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Result, SceneRequest, Sought
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting, Job

Connect = Callable[..., Fal]


@pytest.fixture
async def http(sandbox: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client([sandbox]) as connection:
        yield connection


@pytest.fixture
def connect(sandbox: str, http: httpx.AsyncClient) -> Connect:
    """An adapter for the sandbox, with a key of its own if wanted."""

    def make(api_key: str = "sandbox:sandbox\n") -> Fal:
        hosts = {
            "queue_url": f"{sandbox}/fal/queue/",
            "rest_url": f"{sandbox}/fal/rest",
            "platform_url": f"{sandbox}/fal/v1",
        }
        return Fal(http, api_key=api_key, **hosts)

    return make


@pytest.fixture
def fal_says(sandbox: str) -> Callable[..., None]:
    """Put a fault in force."""

    def rule(fault: str, route: str, **facts: Any) -> None:
        rules = [{"fault": fault, "match": {"route": route}, **facts}]
        assert httpx.post(f"{sandbox}/sandbox/faults", json=rules).status_code == 200

    return rule


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "mara.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        frame = av.VideoFrame.from_image(Image.new("RGB", (1280, 720), "goldenrod")).reformat(format="yuv420p")
        for packet in [packet for _ in range(24) for packet in stream.encode(frame)] + stream.encode(None):
            container.mux(packet)
    return path


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "dawn.png"
    body = io.BytesIO()
    Image.new("RGB", (1280, 720), "midnightblue").save(body, "PNG")
    path.write_bytes(body.getvalue())
    return path


def scene(prompt: str = "Mara climbs the stairs.", **facts: Any) -> SceneRequest:
    wanted = {"prompt": prompt, "seconds": 4, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model("fal", "sora-2"), **{**wanted, **facts})


async def ended(fal: Fal, job: Job) -> Result:
    while (await fal.status(job)).state != "ended":
        continue
    return await fal.result(job)


async def made(fal: Fal, order: Order) -> Result:
    return await ended(fal, await fal.submit(order))


async def meter(sandbox: str, http: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await http.get(f"{sandbox}/sandbox/meter")).json())


async def test_a_clip_becomes_a_character_and_the_character_a_scene_and_the_scene_a_remix(
    connect: Connect, clip: Path, http: httpx.AsyncClient, sandbox: str, tmp_path: Path
) -> None:
    fal = connect()
    url = await fal.upload(clip, "video/mp4")
    born = await made(
        fal, fal.character_order(CharacterRequest(model=model("fal", "sora-2"), name="Mara", clip_url=url))
    )
    assert born.character_id
    mara = Casting(character="Mara", id=born.character_id)
    video = await made(fal, fal.scene_order(scene(castings=(mara,))))
    assert video.url
    assert video.facts["video_id"] == video.handle
    assert len(await download(http, video.url, tmp_path / "take.mp4")) == 64
    scenario = await made(fal, fal.scene_order(scene("Make it night.", remix_of=video.handle)))
    assert scenario.handle not in {None, video.handle}
    assert (await meter(sandbox, http))["jobs_accepted"] == 3


async def test_a_picture_becomes_the_first_frame(connect: Connect, picture: Path) -> None:
    fal = connect()
    url = await fal.upload(picture, "image/png")
    result = await made(fal, fal.scene_order(scene(image_url=url, seconds=8, aspect="9:16")))
    assert set(result.files) == {"thumbnail", "spritesheet"}


async def test_a_job_is_cancelled_in_time_or_it_is_not(connect: Connect) -> None:
    fal = connect()
    job = await fal.submit(fal.scene_order(scene()))
    assert await fal.cancel(job) is True
    with pytest.raises(GenerationFailed, match="client_cancelled") as error:
        await ended(fal, job)
    assert (error.value.charged, error.value.resubmittable) == (False, True)
    done = await fal.submit(fal.scene_order(scene("Otto winds the clock.")))
    await ended(fal, done)
    assert await fal.cancel(done) is False


async def test_a_job_whose_reply_was_lost_is_found_again(
    connect: Connect, fal_says: Callable[..., None], sandbox: str, http: httpx.AsyncClient
) -> None:
    fal = connect()
    since = datetime.now(UTC)
    order = fal.scene_order(scene())
    fal_says("drop_after", "submit", times=1)
    with pytest.raises(OutcomeUnknown, match="may have been accepted"):
        await fal.submit(order)
    (job,) = await fal.find(Sought(endpoint=order.endpoint, digest=order.digest, since=since))
    assert (await ended(fal, job)).url
    assert abs(job.submitted_at - since) < timedelta(minutes=1)
    assert (await meter(sandbox, http))["jobs_accepted"] == 1
    assert await fal.find(Sought(endpoint=order.endpoint, digest="0" * 64, since=since)) == ()


async def test_a_hundred_and_more_jobs_are_found_over_all_pages(connect: Connect) -> None:
    fal = connect()
    since = datetime.now(UTC)
    order = fal.scene_order(scene())
    jobs = await asyncio.gather(*(fal.submit(order) for _ in range(103)))
    found = await fal.find(Sought(endpoint=order.endpoint, digest=order.digest, since=since))
    assert {job.request_id for job in found} == {job.request_id for job in jobs}


async def test_a_job_that_fails_says_how(connect: Connect, fal_says: Any) -> None:
    fal = connect()
    kinds = {
        "policy_refusal": Refused,
        "no_media": GenerationFailed,
        "downstream_error": GenerationFailed,
        "infra_error": GenerationFailed,
        "start_deadline": GenerationFailed,
    }
    for fault, kind in kinds.items():
        fal_says(fault, "submit", times=1)
        with pytest.raises(kind) as error:
            await made(fal, fal.scene_order(scene()))
        assert error.value.charged is False


async def test_a_fault_on_the_way_to_the_result_passes(connect: Connect, fal_says: Any) -> None:
    fal = connect()
    job = await fal.submit(fal.scene_order(scene()))
    await ended(fal, job)
    for fault in ("nginx_502", "internal_error", "malformed_json", "rate_limited", "pending", "drop_after"):
        fal_says(fault, "result", times=1)
        with pytest.raises(Busy):
            await fal.result(job)
        assert (await fal.result(job)).url


async def test_a_status_that_nobody_knows_is_waited_out(connect: Connect, fal_says: Any) -> None:
    fal = connect()
    for fault in ("unknown_status", "extra_fields"):
        fal_says(fault, "status", times=2)
        assert (await made(fal, fal.scene_order(scene()))).url


async def test_an_input_that_the_model_does_not_take_is_known_at_the_result_and_names_the_field(
    connect: Connect,
) -> None:
    fal = connect()
    order = fal.scene_order(scene(seconds=5))
    with pytest.raises(InvalidRequest, match="does not take duration: Input should be 4, 8, 12, 16 or 20") as error:
        await made(fal, order)
    assert (error.value.field, error.value.charged) == ("duration", False)


async def test_each_account_has_its_own_trouble(connect: Connect) -> None:
    with pytest.raises(Unauthorized, match="does not accept the key"):
        await connect("bad:key").submit(Order(endpoint="fal-ai/sora-2/text-to-video", body={"prompt": "p"}))
    with pytest.raises(OutOfCredit, match="Exhausted balance"):
        await connect("empty:key").submit(Order(endpoint="fal-ai/sora-2/text-to-video", body={"prompt": "p"}))
    assert await connect().balance() == 24.5
    assert await connect("plain:key").balance() is None


async def test_models_are_offered_until_they_are_not(connect: Connect, fal_says: Any) -> None:
    fal = connect()
    assert await fal.offered("fal-ai/sora-2/text-to-video") is True
    assert await fal.offered("fal-ai/sora-1/text-to-video") is False
    fal_says("deprecated", "platform")
    assert await fal.offered("fal-ai/sora-2/text-to-video") is False


async def test_a_job_of_nobody_has_expired(connect: Connect) -> None:
    job = Job(provider="fal", endpoint="fal-ai/sora-2/text-to-video", request_id="none", submitted_at=datetime.now(UTC))
    for call in (connect().status, connect().result, connect().cancel):
        with pytest.raises(Expired):
            await call(job)


async def test_no_key_ever_went_to_the_storage(
    connect: Connect, clip: Path, sandbox: str, http: httpx.AsyncClient, fal_says: Any
) -> None:
    fal_says("nginx_503", "upload", times=1, after=1)
    fal = connect()
    with suppress(ProviderError):
        await fal.upload(clip, "video/mp4")
    await fal.upload(clip, "video/mp4")
    assert (await meter(sandbox, http))["leaks"] == 0
