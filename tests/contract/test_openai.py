"""What is particular to an OpenAI-compatible server: forms with files, content behind the key, and a sparse list."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cases.openai import BASE, CASE, SECRET, VIDEO, scene
from PIL import Image

from prefect_storyboard.providers.errors import Expired, InvalidRequest, ProtocolError, Unauthorized
from prefect_storyboard.providers.openai.adapter import OpenAICompatible
from prefect_storyboard.providers.openai.served import ServedModel, model
from prefect_storyboard.providers.protocol import CharacterRequest, Order, Reference, SceneRequest, Sought
from prefect_storyboard.storyboards import Casting, Model

AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SHOWN = {"model": "wan", "seconds": "8", "size": "1280x720", "prompt": "A fox"}
MP4 = b"\x00\x00\x00\x20ftypisom" + b"\x00" * 2000
Answering = Callable[[httpx.Request], httpx.Response]


def server(answer: Answering, api_key: str = SECRET) -> tuple[OpenAICompatible, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def remembered(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(remembered))
    return OpenAICompatible(http, api_key=api_key, base_url=BASE), seen


def carries_key(request: httpx.Request) -> bool:
    """httpx hides the key where it shows headers as text."""
    return SECRET in repr(request.headers.raw) or SECRET in str(request.url)


def accepting(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"id": "video_1", "status": "queued", "created_at": 1})


def own(**facts: Any) -> Model:
    """A model that the server's operator describes."""
    return model(BASE, {"wan": ServedModel(**facts)}, "wan")


def picture(folder: Path, size: tuple[int, int] = (1280, 720)) -> str:
    path = folder / "mara.png"
    Image.new("RGB", size, (200, 180, 40)).save(path)
    return path.as_uri()


def parts(request: httpx.Request) -> dict[str, str]:
    """The fields of a form; a file by its type."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    found = {}
    for part in request.content.split(b"--" + boundary)[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        lines = head.decode()
        name = lines.partition(' name="')[2].partition('"')[0]
        found[name] = lines.partition("Content-Type: ")[2].strip() if "filename=" in lines else body[:-2].decode()
    return found


async def posted(order: Order) -> httpx.Request:
    adapter, seen = server(accepting)
    await adapter.submit(order)
    (request,) = seen
    return request


def built(request: SceneRequest | CharacterRequest) -> Order:
    adapter, _ = server(accepting)
    return adapter.character_order(request) if isinstance(request, CharacterRequest) else adapter.scene_order(request)


async def test_a_character_is_a_form_of_its_name_and_its_clip(tmp_path: Path) -> None:
    clip = tmp_path / "mossy.mp4"
    clip.write_bytes(MP4)
    request = await posted(built(CharacterRequest(model=scene().model, name="Mossy", clip_url=clip.as_uri())))
    assert (str(request.url), parts(request)) == (f"{BASE}/videos/characters", {"name": "Mossy", "video": "video/mp4"})


async def test_a_frame_is_a_file_of_the_form_with_the_type_that_it_has(tmp_path: Path) -> None:
    request = await posted(built(scene(image_url=picture(tmp_path))))
    fields = {"model": "sora-2", "prompt": scene().prompt, "seconds": "8", "size": "1280x720"}
    assert parts(request) == {**fields, "input_reference": "image/png"}


async def test_a_frame_beside_characters_goes_along_in_the_json_form(tmp_path: Path) -> None:
    """Only there an array of characters is documented."""
    cast = (Casting(character="Mossy", id="char_1", mention="Mossy"),)
    body = json.loads((await posted(built(scene(image_url=picture(tmp_path), castings=cast)))).content)
    assert body["characters"] == [{"id": "char_1"}]
    assert body["input_reference"]["image_url"].startswith("data:image/png;base64,")


def test_a_picture_that_is_too_large_for_an_address_is_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    huge.write_bytes(b"\x89PNG" + bytes(16_000_000))
    cast = (Casting(character="Mossy", id="char_1", mention="Mossy"),)
    with pytest.raises(InvalidRequest, match="nothing was sent"):
        built(scene(image_url=huge.as_uri(), castings=cast))


async def test_a_server_that_takes_forms_only_gets_one_without_a_file_too() -> None:
    facts = {"seed": 7, "negative": "rain", "audio": False}
    order = built(scene(model=own(dialect="vllm-omni"), prompt="A fox", **facts))
    assert parts(await posted(order)) == {
        **SHOWN,
        "seed": "7",
        "negative_prompt": "rain",
        "generate_sound": "false",
    }


async def test_a_server_that_takes_json_gets_json(tmp_path: Path) -> None:
    order = built(scene(model=own(dialect="json"), prompt="A fox", image_url=picture(tmp_path)))
    body = json.loads((await posted(order)).content)
    assert body.pop("input_reference")["image_url"].startswith("data:image/png")
    assert body == SHOWN


def test_a_character_is_the_picture_that_the_video_begins_with(tmp_path: Path) -> None:
    mara = Reference(character="Mara", image_urls=(picture(tmp_path),))
    order = built(scene(model=own(), prompt="Mara waits.", references=(mara,)))
    assert order.body["prompt"] == "Mara waits.\nThe picture that the video begins with shows Mara."
    assert [(file.field, file.content_type) for file in order.files] == [("input_reference", "image/png")]


def test_another_picture_is_another_order(tmp_path: Path) -> None:
    """Its digest holds what is in the file, and not where it lies."""
    digests = []
    for folder, size in (("a", (1280, 720)), ("b", (1280, 720)), ("c", (640, 360))):
        (tmp_path / folder).mkdir()
        digests.append(built(scene(image_url=picture(tmp_path / folder, size))).digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_size_that_the_server_does_not_render_is_refused_before_anything_is_sent() -> None:
    sizes = own(sizes=("1280x720", "480x832"))
    with pytest.raises(InvalidRequest, match="renders no 9:16 in 720p, but 16:9 in 720p, 9:16 in 480p"):
        built(scene(model=sizes, aspect="9:16"))


async def test_a_server_that_wants_no_key_is_sent_none() -> None:
    adapter, seen = server(accepting, api_key="")
    await adapter.submit(CASE.order)
    assert "authorization" not in seen[0].headers


async def test_the_content_is_streamed_with_the_key(tmp_path: Path) -> None:
    adapter, seen = server(lambda _: httpx.Response(200, content=MP4))
    await adapter.fetch(f"{BASE}/videos/video_1/content", tmp_path / "take.mp4")
    assert (tmp_path / "take.mp4").read_bytes() == MP4
    assert seen[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_the_key_is_sent_to_no_host_that_the_content_redirects_to(tmp_path: Path) -> None:
    def elsewhere(request: httpx.Request) -> httpx.Response:
        if request.url.host == "cdn.example":
            return httpx.Response(200, content=MP4)
        return httpx.Response(302, headers={"location": "https://cdn.example/out.mp4?sig=1"})

    adapter, seen = server(elsewhere)
    await adapter.fetch(f"{BASE}/videos/video_1/content", tmp_path / "take.mp4")
    assert [carries_key(request) for request in seen] == [True, False]


@pytest.mark.parametrize("link", ["https://cdn.example/out.mp4", "http://videos.studio.example/v1/videos/v/content"])
async def test_the_key_is_sent_to_no_other_host(tmp_path: Path, link: str) -> None:
    adapter, seen = server(lambda _: httpx.Response(200, content=MP4))
    await adapter.fetch(link, tmp_path / "take.mp4")
    assert not carries_key(seen[0])


async def test_content_that_is_gone_is_expired_and_paid_for(tmp_path: Path) -> None:
    adapter, _ = server(lambda _: httpx.Response(404, json={"error": {"message": "Video content is not available"}}))
    with pytest.raises(Expired) as gone:
        await adapter.fetch(f"{BASE}/videos/video_1/content", tmp_path / "take.mp4")
    assert gone.value.charged is True


# ----------------------------------------------------------------------------------------------- the list of videos


def listing(*items: dict[str, Any], whole: dict[str, Any] | None = None, more: bool = False) -> Answering:
    """A list in the server's own order, and one video's document."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/videos"):
            return httpx.Response(200, json={"object": "list", "data": [*items], "has_more": more})
        return httpx.Response(200, json=whole) if whole is not None else httpx.Response(404, json={"detail": "no"})

    return answer


def item(**facts: Any) -> dict[str, Any]:
    return {"id": "video_7", "object": "video", "status": "queued", "created_at": int(AT.timestamp()) + 1, **facts}


async def found(answer: Answering, shown: dict[str, Any] | None = None) -> list[str] | None:
    adapter, _ = server(answer)
    jobs = await adapter.find(Sought(endpoint="videos", digest="", since=AT, shown=SHOWN if shown is None else shown))
    return None if jobs is None else [job.request_id for job in jobs]


async def test_a_lost_order_is_found_by_all_that_the_list_shows_of_it() -> None:
    assert await found(listing(item(**SHOWN))) == ["video_7"]
    assert await found(listing(item(**{**SHOWN, "seconds": 8}))) == ["video_7"]


@pytest.mark.parametrize("other", [{"prompt": "Two foxes"}, {"seconds": "4"}, {"size": "720x1280"}], ids=str)
async def test_a_video_that_shows_something_else_is_not_the_order(other: dict[str, Any]) -> None:
    assert await found(listing(item(**{**SHOWN, **other}))) == []


async def test_what_the_list_leaves_out_is_read_from_the_videos_own_document() -> None:
    assert await found(listing(item(model="wan"), whole=item(**SHOWN))) == ["video_7"]
    assert await found(listing(item(model="wan"), whole=item(**{**SHOWN, "prompt": "Two foxes"}))) == []


@pytest.mark.parametrize("name", ["prompt", "seconds", "size", "model"])
async def test_a_video_that_does_not_tell_what_was_asked_for_leaves_the_outcome_unknown(name: str) -> None:
    untold = {key: value for key, value in SHOWN.items() if key != name}
    with pytest.raises(ProtocolError, match="one may be the job"):
        await found(listing(item(**untold), whole=item(**untold)))


async def test_a_model_of_another_name_may_be_an_alias() -> None:
    with pytest.raises(ProtocolError):
        await found(listing(item(**{**SHOWN, "model": "wan-2026-09"}), whole={}))


@pytest.mark.parametrize(
    "page",
    [{}, {"videos": [item(**SHOWN)]}, {"data": {"0": item(**SHOWN)}}, {"data": None}, {"data": [["video_7"]]}],
    ids=str,
)
async def test_a_list_of_another_form_proves_nothing(page: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="proves nothing"):
        await found(lambda _: httpx.Response(200, json=page))


async def test_a_listed_video_without_an_id_may_be_the_order() -> None:
    with pytest.raises(ProtocolError, match="one may be the job"):
        await found(listing(item(**{**SHOWN, "id": None, "video_id": "video_7"})))
    assert await found(listing(item(**{**SHOWN, "id": None, "prompt": "Two foxes"}))) == []


@pytest.mark.parametrize(
    "when", [0, -1, 1, int(AT.timestamp()) * 1000, 1e11, "2026-11-29T00:00:00Z", "", None], ids=str
)
async def test_a_time_that_is_none_says_nothing_of_when_a_video_was_ordered(when: object) -> None:
    assert await found(listing(item(**SHOWN, created_at=when))) == ["video_7"]


@pytest.mark.parametrize("seconds", [8, 8.0, "8.0", "8s"], ids=repr)
async def test_a_length_may_be_spelt_as_a_number(seconds: object) -> None:
    assert await found(listing(item(**{**SHOWN, "seconds": seconds}))) == ["video_7"]


async def test_a_prompt_may_be_told_with_other_blanks() -> None:
    assert await found(listing(item(**{**SHOWN, "prompt": f" {SHOWN['prompt']} \n"}))) == ["video_7"]


async def test_a_video_of_long_before_the_submit_is_somebody_elses() -> None:
    old = int((AT - timedelta(minutes=2)).timestamp())
    assert await found(listing(item(**SHOWN, created_at=old))) == []


async def test_a_list_is_read_to_the_time_of_the_submit() -> None:
    now = int(AT.timestamp())
    pages = [[item(id=f"video_{page}", **{**SHOWN, "created_at": now + 90 - 60 * page})] for page in range(5)]

    def answer(request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("after", "video_-1").rpartition("_")[2]) + 1
        return httpx.Response(200, json={"data": pages[at], "has_more": True})

    assert await found(answer) == ["video_2", "video_1", "video_0"]


async def test_a_list_without_an_end_proves_nothing() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("after", "video_-1").rpartition("_")[2]) + 1
        return httpx.Response(200, json={"data": [item(id=f"video_{at}", prompt="another")], "has_more": True})

    with pytest.raises(ProtocolError, match="more videos than can be read"):
        await found(answer)


async def test_times_are_those_of_our_clock() -> None:
    """The server's clock is two hours fast, and says so in its Date header."""
    fast = timedelta(hours=2)
    theirs = format_datetime(datetime.now(UTC) + fast, usegmt=True)
    asked = datetime.now(UTC)
    created = int((asked + fast).timestamp()) + 1

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [item(**SHOWN, created_at=created)]}, headers={"date": theirs})

    adapter, _ = server(answer)
    (job,) = await adapter.find(Sought(endpoint="videos", digest="", since=asked, shown=SHOWN)) or ()
    assert abs(job.submitted_at - asked) < timedelta(seconds=10)


async def test_there_is_no_list_of_characters() -> None:
    adapter, seen = server(listing())
    assert await adapter.find(Sought(endpoint="videos/characters", digest="", since=AT)) is None
    assert seen == []


async def test_a_video_that_is_ready_is_not_deleted_by_a_cancellation() -> None:
    adapter, seen = server(lambda _: httpx.Response(200, json={"id": "video_1", "status": "completed"}))
    assert await adapter.cancel(VIDEO) is False
    assert [request.method for request in seen] == ["GET"]


async def test_a_key_that_is_refused_is_said_before_a_list_is_believed() -> None:
    adapter, _ = server(lambda _: httpx.Response(401, json={"error": {"message": "no", "code": "invalid_api_key"}}))
    with pytest.raises(Unauthorized):
        await adapter.catalogue()
