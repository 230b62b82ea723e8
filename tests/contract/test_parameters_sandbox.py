"""The inputs and outputs of the gateways' pages against the sandbox, which refuses what no page names."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.http import client
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Provider, Result, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed
from prefect_storyboard.storyboards import Casting

HOOK = "https://example.com/hook"


@pytest.fixture
async def http(sandbox: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client([sandbox]) as connection:
        yield connection


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a picture that moves, with sound."""
    path = tmp_path_factory.mktemp("clips") / "mara.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        sound = container.add_stream("aac", rate=44100, layout="mono")
        for number in range(72):
            picture = Image.new("RGB", (1280, 720), "goldenrod")
            picture.paste("navy", (number * 8, 200, number * 8 + 200, 400))
            container.mux(video.encode(av.VideoFrame.from_image(picture).reformat(format="yuv420p")))
        for number in range(3 * 44100 // 1024):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.planes[0].update(bytes(4096))
            frame.sample_rate, frame.pts = 44100, number * 1024
            container.mux(sound.encode(frame))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "dawn.png"
    Image.new("RGB", (1280, 720), "midnightblue").save(path)
    return path


def scene(provider: str, **facts: Any) -> SceneRequest:
    sold = model(provider, "sora-2")
    wanted = {"prompt": "Mara waves.", "seconds": sold.seconds[0], "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=sold, **{**wanted, **facts})


def cast(provider: str, **facts: Any) -> CharacterRequest:
    return CharacterRequest(model=model(provider, "sora-2"), **{"name": "Mara", "start": 0.0, "end": 2.0, **facts})


async def made(adapter: Provider, order: Order) -> Result:
    job = await adapter.submit(order)
    while (await adapter.status(job)).state != "ended":
        continue
    return await adapter.result(job)


async def fetched(http: httpx.AsyncClient, result: Result) -> dict[str, str]:
    """The kinds of files that a result has, with what each one is."""
    found = {}
    for kind, url in result.files.items():
        response = await http.get(url)
        assert response.status_code == 200, kind
        found[kind] = response.headers["content-type"].partition("/")[0]
    return found


async def test_fal_takes_and_gives_what_its_pages_name(
    http: httpx.AsyncClient, sandbox: str, clip: Path, picture: Path
) -> None:
    hosts = {
        "queue_url": f"{sandbox}/fal/queue",
        "rest_url": f"{sandbox}/fal/rest",
        "platform_url": f"{sandbox}/fal/v1",
    }
    fal = Fal(http, api_key="sandbox:sandbox", **hosts)
    born = await made(fal, fal.character_order(cast("fal", clip_url=await fal.upload(clip, "video/mp4"))))
    assert born.facts == {"name": "Mara"}
    mara = Casting(character="Mara", id=born.character_id or "")
    fields = {"detect_and_block_ip": True, "model": "sora-2-2025-12-08"}
    video = await made(fal, fal.scene_order(scene("fal", castings=(mara,), remixable=False, fields=fields)))
    assert video.facts == {"video_id": video.handle, "content_type": "video/mp4"}
    assert await fetched(http, video) == {"thumbnail": "image", "spritesheet": "image"}
    frame = await fal.upload(picture, "image/png")
    auto = scene("fal", image_url=frame, aspect="auto", resolution="auto", fields={"model": "sora-2-2025-10-06"})
    assert (await made(fal, fal.scene_order(auto))).url


async def test_kie_takes_and_gives_what_its_pages_name(http: httpx.AsyncClient, sandbox: str, clip: Path) -> None:
    kie = Kie(http, api_key="sandbox", api_url=f"{sandbox}/kie/api", upload_url=f"{sandbox}/kie/upload")
    uploaded = await kie.upload(clip, "video/mp4")
    fields = {"safety_instruction": "For children.", "character_prompt": "A keeper", "callBackUrl": HOOK}
    born = await made(kie, kie.character_order(cast("kie", clip_url=uploaded, fields=fields)))
    assert born.facts["model"] == "sora-2-characters"
    mara = Casting(character="Mara", id=born.character_id or "", mention=born.mention)
    options = {"callBackUrl": HOOK, "progressCallBackUrl": HOOK, "remove_watermark": False, "upload_method": "oss"}
    video = await made(kie, kie.scene_order(scene("kie", castings=(mara,), fields=options)))
    assert (video.facts["model"], video.facts["progress"]) == ("sora-2-text-to-video", 100)
    again = {"character_user_name": "mara.again", "safety_instruction": "For children."}
    pro = kie.character_order(cast("kie", video_id=video.handle, start=1.5, end=4.0, fields=again))
    assert pro.endpoint == "sora-2-characters-pro"
    assert (await made(kie, pro)).mention == "@mara.again"


@pytest.mark.parametrize("family", ["sora-2", "sora-2-pro", "sora-2-vip"])
async def test_toapis_takes_and_gives_what_its_pages_name(
    http: httpx.AsyncClient, sandbox: str, clip: Path, family: str
) -> None:
    toapis = ToApis(http, api_key="sk-sandbox", api_url=f"{sandbox}/toapis")
    sold = model("toapis", family)
    source = cast("toapis", clip_url=await toapis.upload(clip, "video/mp4")).model_copy(update={"model": sold})
    born = await made(toapis, toapis.character_order(source))
    assert (born.facts["model"], born.facts["object"]) == (family, "generation.task")
    assert born.facts["display_name"]
    assert await fetched(http, born) == {"profile_picture": "image"}
    fields = {"thumbnail": True, "metadata": {"style": "comic", "watermark": True}}
    wanted = scene("toapis", fields=fields, seconds=sold.seconds[0]).model_copy(update={"model": sold})
    video = await made(toapis, toapis.scene_order(wanted))
    assert await fetched(http, video) == {"thumbnail": "image"}
    again = source.model_copy(update={"clip_url": None, "video_id": video.handle, "start": 1.0, "end": 3.0})
    assert (await made(toapis, toapis.character_order(again))).character_id


async def test_wavespeed_takes_and_gives_what_its_page_names(http: httpx.AsyncClient, sandbox: str, clip: Path) -> None:
    wavespeed = WaveSpeed(http, api_key="sandbox", api_url=f"{sandbox}/wavespeed")
    wanted = cast("wavespeed", clip_url=await wavespeed.upload(clip, "video/mp4"))
    born = await made(wavespeed, wavespeed.character_order(wanted))
    assert born.character_id
    assert (born.facts["name"], born.facts["model"]) == ("Mara", "openai/sora-2/characters")
    assert {"created_at", "inference_ms"} <= set(born.facts)
