"""A gateway's own inputs: what may be given, what is refused before anything is sent, and where it goes."""

from typing import Any, get_args

import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.fields import inputs, keeps_video, with_fields
from prefect_storyboard.providers.openai import served
from prefect_storyboard.providers.protocol import CharacterRequest, SceneRequest
from prefect_storyboard.providers.table import model, models


def scene(provider: str = "fal", family: str = "sora-2", **facts: Any) -> SceneRequest:
    wanted = {"prompt": "Mara waves.", "seconds": 4, "aspect": "16:9", "resolution": "720p"}
    return SceneRequest(model=model(provider, family), **{**wanted, **facts})


def character(provider: str = "kie", **facts: Any) -> CharacterRequest:
    return CharacterRequest(model=model(provider, "sora-2"), name="Mara", **facts)


def refused(body: dict[str, Any], request: SceneRequest | CharacterRequest) -> str:
    with pytest.raises(InvalidRequest) as error:
        with_fields(body, request)
    assert (error.value.sent, error.value.charged) == (False, False)
    assert "nothing was sent" in str(error.value)
    assert "Nothing was sent" in error.value.remedy
    return str(error.value)


def test_a_field_stands_in_the_body_beside_what_the_arguments_say() -> None:
    fields = {"detect_and_block_ip": True, "model": "sora-2-2025-12-08"}
    assert with_fields({"prompt": "Mara waves."}, scene(fields=fields)) == {"prompt": "Mara waves.", **fields}


def test_a_field_that_nobody_knows_goes_along_as_it_is() -> None:
    fields: dict[str, Any] = {"brand.new": {"a": [1, None]}}
    assert with_fields({}, scene(fields=fields)) == fields


def test_a_preset_gives_way_to_the_user() -> None:
    assert with_fields({"delete_video": True}, scene(fields={"delete_video": False})) == {"delete_video": False}


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        (scene(remixable=True), True),
        (scene(remixable=False), False),
        (scene(remixable=False, fields={"delete_video": False}), True),
        (scene(remixable=True, fields={"delete_video": True}), False),
        (scene(family="seedance-2", remixable=False), True),
        (scene("wavespeed", remixable=False), True),
    ],
)
def test_a_video_is_kept_for_a_remix_unless_the_gateway_is_asked_to_delete_it(
    request_: SceneRequest, *, kept: bool
) -> None:
    assert keeps_video(request_) == kept


def test_a_field_that_an_argument_says_is_refused_though_the_body_has_none() -> None:
    said = refused({}, scene(fields={"image_url": "https://example.com/a.png"}))
    assert "fields.image_url is not an input of sora-2 at fal for the operation text: leave it out" in said
    assert "fields.duration is set by the argument seconds: leave it out" in refused(
        {"duration": 4}, scene(fields={"duration": 8})
    )


def test_a_field_that_the_request_holds_already_is_refused() -> None:
    sent = {"client_business_id": "ab12"}
    said = refused(sent, scene("toapis", fields={"client_business_id": "mine"}))
    assert "fields.client_business_id is in the request already" in said


def test_a_field_of_another_model_or_operation_is_refused() -> None:
    said = refused({}, scene("fal", "sora-2-pro", fields={"model": "sora-2"}))
    assert said.startswith("fields.model is not an input of sora-2-pro at fal for the operation text")
    said = refused({"input": {}}, character(clip_url="https://e.com/a.mp4", fields={"character_user_name": "mara"}))
    assert "for the operation character:" in said
    assert "for the operation remix:" in refused({}, scene(remix_of="v", fields={"detect_and_block_ip": True}))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"model": "sora-3"}, "fields.model is not one of sora-2, sora-2-2025-12-08, sora-2-2025-10-06: choose one"),
        ({"delete_video": "no"}, "fields.delete_video is not of the type boolean: change it"),
        ({"delete_video": None}, "fields.delete_video is not of the type boolean: change it"),
        ({"detect_and_block_ip": 1}, "fields.detect_and_block_ip is not of the type boolean"),
    ],
)
def test_a_wrong_value_of_a_known_field_is_refused(fields: dict[str, Any], why: str) -> None:
    assert why in refused({}, scene(fields=fields))


def test_a_text_that_is_too_long_is_refused() -> None:
    fits = character(clip_url="https://e.com/a.mp4", fields={"safety_instruction": "a" * 5000})
    assert with_fields({"input": {}}, fits)["input"] == fits.fields
    long = fits.model_copy(update={"fields": {"safety_instruction": "a" * 5001}})
    assert "has 5,001 characters, and may have 5,000 at most: shorten it" in refused({"input": {}}, long)


def test_an_argument_that_is_too_long_for_the_gateway_is_refused_by_its_own_name() -> None:
    request = character("fal", clip_url="https://e.com/a.mp4")
    assert refused({"name": "M" * 81}, request).startswith("name has 81 characters, and may have 80 at most")
    assert "name has 0 characters, and needs 1 at least" in refused({"name": ""}, request)


def test_kies_fields_stand_in_its_input_and_its_callback_beside_it() -> None:
    fields = {"callBackUrl": "https://example.com/hook", "remove_watermark": False, "new": 1}
    body = {"model": "sora-2-text-to-video", "input": {"prompt": "p", "remove_watermark": True}}
    assert with_fields(body, scene("kie", fields=fields)) == {
        "model": "sora-2-text-to-video",
        "callBackUrl": "https://example.com/hook",
        "input": {"prompt": "p", "remove_watermark": False, "new": 1},
    }
    assert body["input"] == {"prompt": "p", "remove_watermark": True}
    assert "fields.callBackUrl is not a URL" in refused(body, scene("kie", fields={"callBackUrl": "example.com"}))


def test_a_description_may_be_given_as_kies_prompt_of_a_character_where_there_is_none() -> None:
    fields = {"character_prompt": "A lighthouse keeper"}
    bare = character(clip_url="https://e.com/a.mp4", fields=fields)
    assert with_fields({"input": {}}, bare)["input"] == fields
    described = bare.model_copy(update={"description": "A keeper"})
    assert "is set by the argument description" in refused({"input": {"character_prompt": "A keeper"}}, described)


def test_a_part_of_an_object_is_added_to_the_others() -> None:
    fields = {"metadata": {"private": True, "new": 1}}
    request = scene("toapis", "sora-2-pro", fields=fields)
    assert with_fields({"metadata": {"hd": True}}, request) == {"metadata": {"hd": True, "private": True, "new": 1}}
    said = refused({}, request.model_copy(update={"fields": {"metadata": {"hd": True}}}))
    assert "fields.metadata.hd is set by the argument resolution" in said
    assert "fields.metadata.style is not one of" in refused({}, scene("toapis", fields={"metadata": {"style": "x"}}))


def test_a_wavespeed_submit_never_waits_for_its_result() -> None:
    said = refused({}, scene("wavespeed", fields={"enable_sync_mode": True}))
    assert "fields.enable_sync_mode is not one of false" in said


def test_the_fields_of_a_gateway_that_the_table_does_not_know_go_along() -> None:
    foreign = model("fal", "sora-2").model_copy(update={"provider": "elsewhere"})
    request = SceneRequest(model=foreign, prompt="p", seconds=4, aspect="16:9", resolution="720p", fields={"a": 1})
    assert with_fields({"b": 2}, request) == {"b": 2, "a": 1}


OWN = [served.model("http://h/v1", {name: served.ServedModel(dialect=name)}, name) for name in get_args(served.Dialect)]


@pytest.mark.parametrize("provider", models())
def test_every_input_of_the_table_belongs_to_a_model_that_is_sold(provider: str) -> None:
    sold = [*models()[provider].values(), *(OWN if provider == "openai" else ())]
    for each in inputs(provider):
        takers = [m for m in sold if each.codec in {"*", m.codec} and (not each.models or m.name in each.models)]
        assert takers, each
        assert set(each.models) <= {m.name for m in takers}, each
        operations = {operation for m in takers for operation in m.endpoints}
        operations |= {operation for m in takers for operation in m.casts if "references" in m.endpoints}
        assert set(each.of) <= operations, each
