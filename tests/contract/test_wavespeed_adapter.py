"""What of WaveSpeed is not a matter of one answer: addresses, files of outputs, and what the adapter remembers."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cases import canonical
from cases.wavespeed import CASE, CAST, CDN, CHAR, JOB, JOE, PAGE, TEXT, VIDEO, made, no, says, scene, task

from prefect_storyboard.providers.errors import Busy, InvalidRequest, ProviderError, Unauthorized
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Reference
from prefect_storyboard.providers.table import model
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed

Connect = Callable[..., tuple[WaveSpeed, list[httpx.Request]]]
KEY = "Bearer wsk-5ecret"


@pytest.fixture
def wavespeed() -> Connect:
    """An adapter whose WaveSpeed gives these replies, and the requests that it has seen."""

    def connect(*replies: Any, api_key: str = "wsk-5ecret") -> tuple[WaveSpeed, list[httpx.Request]]:
        left, seen = list(replies), []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            reply = left.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer), headers={"User-Agent": "prefect-storyboard"})
        return WaveSpeed(http, api_key=api_key, api_url="https://api.wavespeed.ai/"), seen

    return connect


# --- orders


def test_a_character_is_made_of_a_clip_only(wavespeed: Connect) -> None:
    adapter, _ = wavespeed()
    with pytest.raises(InvalidRequest) as error:
        adapter.character_order(CharacterRequest(model=model("wavespeed", "sora-2"), name="Joe", video_id="v"))
    assert (error.value.field, error.value.charged) == ("clip", False)


@pytest.mark.parametrize(
    ("family", "aspect", "resolution", "size"),
    [
        ("sora-2", "16:9", "720p", "1280*720"),
        ("sora-2", "9:16", "720p", "720*1280"),
        ("sora-2-pro", "16:9", "1080p", "1920*1080"),
        ("sora-2-pro", "9:16", "1080p", "1080*1920"),
    ],
)
def test_the_size_is_written_with_an_asterisk(
    wavespeed: Connect, family: str, aspect: str, resolution: str, size: str
) -> None:
    adapter, _ = wavespeed()
    assert adapter.scene_order(scene(family, aspect=aspect, resolution=resolution)).body["size"] == size


def test_a_sora_scene_keeps_the_users_names(wavespeed: Connect) -> None:
    adapter, _ = wavespeed()
    assert adapter.scene_order(scene(prompt="Joe waves", castings=(JOE,))).body["prompt"] == "Joe waves"


def test_references_are_cited_and_go_along(wavespeed: Connect) -> None:
    adapter, _ = wavespeed()
    shown = (
        Reference(character="Joe", image_urls=(f"{CDN}/a.png", f"{CDN}/b.png")),
        Reference(character="Ann", clip_url=f"{CDN}/ann.mp4"),
    )
    body = adapter.scene_order(scene("seedance-2", prompt="Joe meets Ann", references=shown)).body
    assert body == {
        "prompt": "@Image1 meets @Video1\n@Image2 shows the same character as @Image1.",
        "aspect_ratio": "16:9",
        "duration": 4,
        "resolution": "720p",
        "reference_images": [f"{CDN}/a.png", f"{CDN}/b.png"],
        "reference_videos": [f"{CDN}/ann.mp4"],
    }


def test_a_scene_without_references_names_none(wavespeed: Connect) -> None:
    adapter, _ = wavespeed()
    assert set(adapter.scene_order(scene("seedance-2")).body) == {"prompt", "aspect_ratio", "duration", "resolution"}


# --- the list of models


def catalogue(kind: Any) -> Any:
    listed = canonical("wavespeed", "models.response")
    schema = listed["data"][0]["api_schema"]["api_schemas"][0]["request_schema"]
    schema["properties"]["characters"]["items"] = kind
    return listed


@pytest.mark.parametrize(
    ("kind", "characters"),
    [
        ({"type": "string"}, [CHAR]),
        ({"type": "object"}, [{"id": CHAR}]),
        ({"type": ["object"]}, [CHAR]),
        ({}, [CHAR]),
        (None, [CHAR]),
    ],
    ids=str,
)
async def test_characters_are_strings_unless_the_list_of_models_says_objects(
    wavespeed: Connect, kind: Any, characters: Any
) -> None:
    adapter, _ = wavespeed(catalogue(kind))
    assert adapter.scene_order(scene(castings=(JOE,))).body["characters"] == [CHAR]
    assert await adapter.offered(TEXT) is True
    assert adapter.scene_order(scene(castings=(JOE,))).body["characters"] == characters
    assert "characters" not in adapter.scene_order(scene()).body


async def test_the_list_of_models_is_read_once_and_again_only_where_it_was_unreadable(wavespeed: Connect) -> None:
    nameless = says([{"name": "Sora 2"}]).body
    adapter, seen = wavespeed(httpx.Response(502, content=PAGE), catalogue({"type": "string"}))
    assert await wavespeed(nameless)[0].offered(TEXT) is None
    assert [await adapter.offered(TEXT) for _ in range(3)] == [None, True, True]
    assert await adapter.offered("openai/sora-2/characters") is False
    assert [str(request.url) for request in seen] == ["https://api.wavespeed.ai/api/v3/models"] * 2


# --- submit, result, price


async def test_the_body_is_flat_and_goes_to_the_models_path_with_the_key(wavespeed: Connect) -> None:
    adapter, seen = wavespeed(canonical("wavespeed", "submit.response"))
    await adapter.submit(CASE.order)
    (post,) = seen
    assert (post.method, str(post.url)) == ("POST", "https://api.wavespeed.ai/api/v3/openai/sora-2/characters")
    assert json.loads(post.content) == canonical("wavespeed", "create-character.request")
    assert (post.headers["authorization"], post.headers["content-type"]) == (KEY, "application/json")


@pytest.mark.parametrize("api_key", ["wsk\u200b", "\ufeffwsk", "wsk\u2013one"])
def test_a_key_with_an_invisible_character_is_refused_before_anything_is_sent(wavespeed: Connect, api_key: str) -> None:
    with pytest.raises(Unauthorized, match="copy the key again") as error:
        wavespeed(api_key=api_key)
    assert "wsk" not in repr(error.value)


async def test_a_task_is_addressed_by_its_id_and_not_by_the_link_of_an_answer(wavespeed: Connect) -> None:
    stranger = {"get": "https://evil.example/result"}
    running, ready = task("processing", urls=stranger).body, task("completed", outputs=[VIDEO], urls=stranger).body
    adapter, seen = wavespeed(says({"id": JOB.request_id, "urls": stranger}).body, running, ready)
    submitted = await adapter.submit(CASE.order)
    await adapter.status(submitted)
    await adapter.result(submitted.model_copy(update={"urls": {"get": stranger["get"]}, "endpoint": TEXT}))
    here = f"https://api.wavespeed.ai/api/v3/predictions/{JOB.request_id}/result"
    assert [(request.method, str(request.url)) for request in seen[1:]] == [("GET", here)] * 2
    assert all(request.headers["authorization"] == KEY for request in seen)


async def test_a_character_in_a_file_is_fetched_without_the_key(wavespeed: Connect) -> None:
    moved = httpx.Response(302, headers={"location": f"{CDN}/joe-2.json"})
    adapter, seen = wavespeed(made(f"{CDN}/joe.json").body, moved, {"id": CHAR})
    assert (await adapter.result(CAST)).character_id == CHAR
    assert [str(request.url) for request in seen[1:]] == [f"{CDN}/joe.json", f"{CDN}/joe-2.json"]
    assert not [request for request in seen[1:] if "authorization" in request.headers]


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), httpx.Response(500), httpx.Response(404)], ids=repr)
async def test_a_character_in_a_file_that_cannot_be_fetched_now_is_not_lost(wavespeed: Connect, fault: Any) -> None:
    adapter, _ = wavespeed(made(f"{CDN}/joe.json").body, fault)
    with pytest.raises(Busy) as error:
        await adapter.result(CAST)
    assert (error.value.charged, error.value.request_id) == (None, CAST.request_id)
    assert error.value.remedy.startswith("The job is paid for and still open.")


async def test_a_cancel_asks_nothing_because_there_is_nothing_to_ask(wavespeed: Connect) -> None:
    adapter, seen = wavespeed()
    assert await adapter.cancel(JOB) is False
    assert not seen


async def test_a_price_is_asked_for_the_order_as_it_is(wavespeed: Connect) -> None:
    wanted = canonical("wavespeed", "price.request")
    adapter, seen = wavespeed(canonical("wavespeed", "price.response"))
    assert await adapter.price(Order(endpoint=wanted["model_id"], body=wanted["inputs"])) == 0.8
    assert (seen[0].method, str(seen[0].url)) == ("POST", "https://api.wavespeed.ai/api/v3/model/price")
    assert json.loads(seen[0].content) == wanted


async def test_an_error_names_the_right_that_is_missing(wavespeed: Connect) -> None:
    adapter, _ = wavespeed(httpx.Response(403, json={**no(403, "No role").body, "error_code": "ROLE_ADMIN"}))
    with pytest.raises(Unauthorized, match=r"No role \(ROLE_ADMIN\)"):
        await adapter.submit(CASE.order)


@pytest.mark.parametrize(
    "reply", [no(400, status=400), no(403), no(404), no(429), no(500), no(1200), no(5004)], ids=str
)
async def test_an_error_is_one_line_for_a_person_without_a_signature(wavespeed: Connect, reply: Any) -> None:
    message = f"It\n\n  failed: {CDN}/a.mp4?X-Amz-Signature=s1gned " + "again " * 200
    told = httpx.Response(reply.status, json={**reply.body, "message": message})
    adapter, _ = wavespeed(told)
    with pytest.raises(ProviderError) as error:
        await adapter.submit(CASE.order)
    assert "It failed" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 420
    assert "s1gned" not in repr(error.value)
    assert "wsk-5ecret" not in repr(adapter)
