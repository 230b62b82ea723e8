"""How Kie's models are told who is meant, where a prompt is unusual; and an answer that never ends."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_storyboard.providers import http
from prefect_storyboard.providers.errors import Busy, InvalidRequest
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting, Job

FOX = Casting(character="Fox", id="example_123456789", mention="@mzsdaag.ab")
JOB = Job(provider="kie", endpoint="sora-2-text-to-video", request_id="task_1", submitted_at=datetime.now(UTC))


def kie(transport: httpx.AsyncBaseTransport | None = None) -> Kie:
    client = httpx.AsyncClient(transport=transport)
    return Kie(client, api_key="ksec", api_url="https://api.kie.ai", upload_url="https://kieai.redpandaai.co")


def wanted(family: str, prompt: str, **facts: Any) -> Any:
    sold = model("kie", family)
    request = SceneRequest(
        model=sold, prompt=prompt, seconds=sold.seconds[0], aspect="16:9", resolution="720p", **facts
    )
    return kie().scene_order(request).body["input"]


def _pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Put the loop's own clock forward."""
    loop = asyncio.get_running_loop()
    clock = loop.time
    monkeypatch.setattr(loop, "time", lambda: clock() + seconds)


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("@Fox walks with @fox.news", "@mzsdaag.ab walks with @fox.news"),
        ("Fox's den, a firefox", "@mzsdaag.ab's den, a firefox"),
        ("@mzsdaag.ab is the Fox", "@mzsdaag.ab is the @mzsdaag.ab"),
    ],
)
def test_a_name_becomes_one_username_and_other_handles_stay(prompt: str, sent: str) -> None:
    assert wanted("sora-2", prompt, castings=(FOX,))["prompt"] == sent


def test_ten_pictures_are_refused_before_anything_is_sent() -> None:
    cast = tuple(Reference(character=f"No{n}", image_urls=(f"https://example.com/{n}.png",)) for n in range(10))
    assert len(wanted("seedance-2", "p", references=cast[:9])["reference_image_urls"]) == 9
    with pytest.raises(InvalidRequest, match="9 pictures"):
        wanted("seedance-2", "p", references=cast)


async def test_an_answer_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_request: httpx.Request) -> httpx.Response:
        _pass_time(monkeypatch, http.ASK_SECONDS)
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Busy, match="did not answer"):
        await kie(httpx.MockTransport(never)).status(JOB)


async def test_a_file_has_longer_to_arrive_than_a_question(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "fox.mp4"
    file.write_bytes(b"mp4")
    stored = {"success": True, "code": 200, "msg": "ok", "data": {"downloadUrl": "https://tempfile.redpandaai.co/x"}}

    async def slowly(request: httpx.Request) -> httpx.Response:
        await request.aread()
        _pass_time(monkeypatch, 2 * http.ASK_SECONDS)
        for _ in range(3):  # turns of the loop, in which a time-out would come
            await asyncio.sleep(0)
        return httpx.Response(200, json=stored)

    assert await kie(httpx.MockTransport(slowly)).upload(file, "video/mp4") == "https://tempfile.redpandaai.co/x"
