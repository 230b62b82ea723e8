"""From words to a sheet, from sheets to a still, from the still to a clip that begins with it: at every gateway."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import pytest_asyncio
import wavespeed
from PIL import Image, ImageChops, ImageOps, ImageStat

from prefect_storyboard.sandbox import Pace, running
from prefect_storyboard.sandbox.pictures import described
from tests.sandbox.in_process import WIRES, Box, sandbox
from tests.sandbox.living_bodies import picture, published
from tests.sandbox.picture_orders import SHEET

STILL = "Image 1 is MARA. Keep her face and coat. She waits on the quay of the harbour at dusk."
WIDE = {"aspect_ratio": "16:9"}
Call = tuple[str, dict[str, Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with sandbox(tmp_path_factory.mktemp("stills")) as box:
        yield box


def kie(model: str, **given: Any) -> Call:
    return "/kie/api/api/v1/jobs/createTask", {"model": model, "input": given}


def fal(endpoint: str, **given: Any) -> Call:
    return f"/fal/queue/{endpoint}", given


def wave(model: str, **given: Any) -> Call:
    return f"/wavespeed/api/v3/{model}", given


def toapis(kind: str, **given: Any) -> Call:
    return f"/toapis/v1/{kind}/generations", given


def sheet_of(gateway: str) -> Call:
    return {
        "fal": fal("google/nano-banana-2.1", prompt=SHEET, **WIDE),
        "kie": kie("nano-banana-2-1", prompt=SHEET, **WIDE),
        "toapis": toapis("images", model="gpt-image-2.5-sunburst", prompt=SHEET, size="16:9"),
        "wavespeed": wave("google/nano-banana-2.1/text-to-image", prompt=SHEET, **WIDE),
    }[gateway]


def still_of(gateway: str, sheet: str) -> Call:
    return {
        "fal": fal("google/nano-banana-2.1/edit", prompt=STILL, image_urls=[sheet], **WIDE),
        "kie": kie("nano-banana-2-1", prompt=STILL, image_input=[sheet], output_format="png", **WIDE),
        "toapis": toapis("images", model="gpt-image-2.5-sunburst", prompt=STILL, reference_images=[sheet], size="16:9"),
        "wavespeed": wave("google/nano-banana-2.1/edit", prompt=STILL, images=[sheet], **WIDE),
    }[gateway]


def clips_of(still: str) -> dict[str, Call]:
    """What takes a still as its first frame."""
    says = {"prompt": "She turns her head and smiles"}
    kling = {"sound": False, "duration": "5", "mode": "std", "multi_shots": False, "multi_prompt": [], **WIDE}
    first = [{"url": still, "role": "first_frame"}]
    return {
        "fal seedance": fal("bytedance/seedance-2.0/image-to-video", image_url=still, duration="4", **says),
        "fal kling 3": fal("fal-ai/kling-video/v3/standard/image-to-video", start_image_url=still, **says),
        "fal kling o3": fal("fal-ai/kling-video/o3/standard/image-to-video", image_url=still, **says),
        "fal wan 2.7": fal("fal-ai/wan/v2.7/image-to-video", image_url=still, duration=5, **says),
        "fal h3": fal("minimax/h3/image-to-video", image_url=still, **says),
        "kie seedance": kie(
            "bytedance/seedance-2", first_frame_url=still, resolution="720p", duration=5, **WIDE, **says
        ),
        "kie kling 3": kie("kling-3.0/video", image_urls=[still], **kling, **says),
        "toapis seedance": toapis("videos", model="seedance-2", image_with_roles=first, **says),
        "toapis kling 3": toapis("videos", model="kling-v3", image_urls=[still], **says),
        "wavespeed kling o3": wave("kwaivgi/kling-video-o3-pro/image-to-video", image=still, duration=5, **says),
    }


async def made(box: Box, call: Call) -> bytes:
    """Order, wait, and download what was made."""
    gateway = call[0].split("/")[1]
    reply = await box.call(gateway, *call)
    assert reply.status_code == 200, reply.text
    job = WIRES[gateway].job_id(reply.json()) if gateway != "toapis" else reply.json()["id"]
    box.clock.advance(60)
    await box.control("meter")  # runs what is due
    record = box.app.state.sandbox.state.job(job)
    assert record.outcome.status == 200, record.outcome.detail
    name = f"out.{record.outcome.picture.format.replace('jpeg', 'jpg')}" if record.outcome.picture else "out.mp4"
    return (await box.http.get(f"/{gateway}/cdn/files/b/{job}/{name}")).content


def first_and_last(clip: bytes) -> tuple[Image.Image, Image.Image]:
    with av.open(io.BytesIO(clip)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    return frames[0], frames[-1]


def apart(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart on average, of 255."""
    fitted = ImageOps.fit(other.convert("RGB"), one.size)
    return sum(ImageStat.Stat(ImageChops.difference(one, fitted)).mean) / 3


@pytest.mark.parametrize("gateway", sorted(WIRES))
async def test_a_still_is_drawn_from_the_sheet_that_was_drawn_from_words(box: Box, gateway: str) -> None:
    sheet = await made(box, sheet_of(gateway))
    still = await made(box, still_of(gateway, published(box, "png", sheet)))
    assert [described(each)["shows"] for each in (sheet, still)] == [[], ["person MARA"]]
    middle = Image.open(io.BytesIO(still)).convert("RGB")
    red, green, blue = middle.getpixel((round(middle.width * 0.475), round(middle.height * 0.68)))  # type: ignore[misc]
    assert (red > 180, green > 140, blue < 110) == (True, True, True), "the yellow oilskin of the sheet"


@pytest.mark.parametrize("name", clips_of(""))
async def test_a_clip_begins_with_its_still(box: Box, name: str) -> None:
    data = await made(box, still_of("fal", published(box, "png", picture((640, 360)))))
    clip = await made(box, clips_of(published(box, "png", data))[name])
    first, last = first_and_last(clip)
    still = Image.open(io.BytesIO(data))
    assert (apart(first, still) < 6, apart(last, still) > 12) == (True, True)


# --- the official client of WaveSpeed; fal's is in tests/contract/test_fal_client.py


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    pace = Pace(queue_seconds=0, render_seconds=0, picture_seconds=0, clip_scale=0.25)
    with running(tmp_path, pace=pace) as base:
        yield base


def test_wavespeeds_own_client_orders_a_picture_from_a_picture_that_it_uploads(base: str, tmp_path: Path) -> None:
    client = wavespeed.Client(api_key="sandbox", base_url=f"{base}/wavespeed")
    (sheet,) = client.run("google/nano-banana-2.1/text-to-image", {"prompt": SHEET, **WIDE}, poll_interval=0.01)[
        "outputs"
    ]
    file = tmp_path / "sheet.png"
    file.write_bytes(httpx.get(sheet).content)
    order = {"prompt": STILL, "images": [client.upload(str(file))], "resolution": "1k", **WIDE}
    (still,) = client.run("google/nano-banana-2.1/edit", order, poll_interval=0.01)["outputs"]
    assert described(httpx.get(still).content)["shows"] == ["person MARA"]
    meter = httpx.get(f"{base}/sandbox/meter").json()
    assert ([each["references"] for each in meter["billed"]], meter["pictures"], meter["leaks"]) == ([0, 1], 2, 0)
