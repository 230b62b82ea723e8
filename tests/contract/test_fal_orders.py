"""What is ordered from fal, field by field as the contract's canonical bodies have it."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.protocol import CharacterRequest, Order, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.storyboards import Casting

JOE = Casting(character="Joe", id="char_123")
IMAGE = "https://v3.fal.media/files/b/fixture/a.png"
GENERATION = {
    "prompt",
    "resolution",
    "aspect_ratio",
    "duration",
    "delete_video",
    "detect_and_block_ip",
    "character_ids",
}
FIELDS = {
    "fal-ai/sora-2/text-to-video": GENERATION | {"model"},
    "fal-ai/sora-2/text-to-video/pro": GENERATION,
    "fal-ai/sora-2/image-to-video": GENERATION | {"model", "image_url"},
    "fal-ai/sora-2/image-to-video/pro": GENERATION | {"image_url"},
    "fal-ai/sora-2/video-to-video/remix": {"video_id", "prompt", "delete_video"},
}


@pytest.fixture
def adapter(fal: Callable[..., tuple[Fal, Any]]) -> Fal:
    return fal()[0]


def scene(family: str = "sora-2", **facts: Any) -> SceneRequest:
    wanted = {"prompt": "Joe walks on a beach at sunset", "seconds": 8, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model("fal", family), **{**wanted, **facts})


def test_a_character_is_ordered_with_its_clip_and_name_and_nothing_else(adapter: Fal, canonical: Any) -> None:
    body = canonical("characters.request")
    wanted = CharacterRequest(model=model("fal", "sora-2"), name=body["name"], clip_url=body["video_url"])
    assert adapter.character_order(wanted) == Order(endpoint="fal-ai/sora-2/characters", body=body)


def test_a_text_scene_is_the_full_body_without_what_is_fals_own_default(adapter: Fal, canonical: Any) -> None:
    order = adapter.scene_order(scene(castings=(JOE,)))
    assert order.endpoint == "fal-ai/sora-2/text-to-video"
    assert {**order.body, "model": "sora-2", "detect_and_block_ip": False} == canonical("text-to-video-full.request")


def test_a_scene_with_a_first_frame_goes_to_the_image_endpoint(adapter: Fal, canonical: Any) -> None:
    body = canonical("image-to-video.request")
    wanted = scene(prompt=body["prompt"], seconds=4, aspect="auto", resolution="auto", image_url=body["image_url"])
    order = adapter.scene_order(wanted)
    assert order.endpoint == "fal-ai/sora-2/image-to-video"
    assert order.body == {**body, "delete_video": False}


def test_a_pro_scene_has_no_model_field(adapter: Fal, canonical: Any) -> None:
    wanted = scene("sora-2-pro", seconds=12, aspect="9:16", resolution="true_1080p", castings=(JOE,))
    order = adapter.scene_order(wanted)
    assert order.endpoint == "fal-ai/sora-2/text-to-video/pro"
    assert order.body == {**canonical("text-to-video-pro.request"), "delete_video": False}


def test_a_pro_scene_with_a_first_frame_goes_to_the_pro_image_endpoint(adapter: Fal, canonical: Any) -> None:
    body = canonical("image-to-video-pro.request")
    wanted = scene("sora-2-pro", prompt=body["prompt"], seconds=20, resolution="1080p", image_url=body["image_url"])
    order = adapter.scene_order(wanted)
    assert order.endpoint == "fal-ai/sora-2/image-to-video/pro"
    assert order.body == {**body, "aspect_ratio": "16:9", "delete_video": False}


@pytest.mark.parametrize("family", ["sora-2", "sora-2-pro"])
def test_a_remix_is_the_video_id_and_a_prompt(adapter: Fal, canonical: Any, family: str) -> None:
    order = adapter.scene_order(scene(family, prompt="Make it night", remix_of="video_123", castings=(JOE,)))
    assert order == Order(endpoint="fal-ai/sora-2/video-to-video/remix", body=canonical("remix.request"))


def test_no_order_has_a_field_that_its_endpoint_does_not_know_or_a_null(adapter: Fal) -> None:
    cast = [(), (JOE,), (JOE, Casting(character="Ann", id="char_456"))]
    for family, castings, image, remix in itertools.product(
        ["sora-2", "sora-2-pro"], cast, [None, IMAGE], [None, "video_123"]
    ):
        order = adapter.scene_order(scene(family, castings=castings, image_url=image, remix_of=remix))
        assert set(order.body) <= FIELDS[order.endpoint]
        assert None not in order.body.values()
        assert ("character_ids" in order.body) == bool(castings and not remix)


def test_the_duration_is_an_integer_on_the_wire(adapter: Fal) -> None:
    order = adapter.scene_order(scene(seconds=12))
    assert '"duration":12' in json.dumps(order.body, separators=(",", ":"))


def test_every_scene_stays_at_the_maker_so_that_it_can_be_remixed(adapter: Fal) -> None:
    for wanted in (scene(), scene(image_url=IMAGE), scene(remix_of="video_123")):
        assert adapter.scene_order(wanted).body["delete_video"] is False


def test_the_digest_of_an_order_does_not_depend_on_the_order_of_its_keys(adapter: Fal) -> None:
    order = adapter.scene_order(scene())
    turned = Order(endpoint=order.endpoint, body=dict(reversed(order.body.items())))
    assert turned.digest == order.digest
    assert adapter.scene_order(scene(seconds=4)).digest != order.digest


def test_every_fixture_is_one_document_of_the_contract() -> None:
    files = sorted(Path(__file__).parent.joinpath("fixtures", "fal").glob("*.json"))
    assert len(files) == 71
    for file in files:
        assert file.stem.rpartition(".")[2] in {"request", "requests", "response", "event", "header"}
        assert isinstance(json.loads(file.read_text(encoding="utf-8")), dict)
