"""A model of which the table is not sure is ordered only if the gateway's own catalogue agrees."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.agreement import check_agreed, disagreement, input_schema
from prefect_storyboard.providers.dialects import MODES
from prefect_storyboard.providers.errors import Busy, InvalidRequest
from prefect_storyboard.providers.fal.adapter import Fal
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.providers.toapis.adapter import ToApis
from prefect_storyboard.providers.wavespeed.adapter import WaveSpeed

KLING = model("fal", "kling-4")
ENDPOINT = "kling/v4/reference-to-video"
FIELDS = {
    "prompt": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "duration": {"type": "string", "enum": ["3", "8"]},
    "resolution": {"enum": ["720p", "1080p"]},
    "aspect_ratio": {"type": "string"},
    "elements": {"type": "array", "items": {}},
}
MARA = Reference(character="Mara", image_urls=("https://example.com/1.png", "https://example.com/2.png"))
WANTED = SceneRequest(
    model=KLING, prompt="Mara waves.", seconds=8, aspect="16:9", resolution="720p", references=(MARA,)
)


def listed(fields: dict[str, Any] | None, status: str = "active", **schema: Any) -> dict[str, Any]:
    document = {"components": {"schemas": {"Out": {}, "KlingV4Input": {"properties": fields, **schema}}}}
    entry = {"endpoint_id": ENDPOINT, "metadata": {"status": status}}
    return {"models": [{**entry, "openapi": document} if fields is not None else entry]}


async def checked(reply: httpx.Response) -> list[httpx.Request]:
    """The requests of the check, by fal's adapter."""
    seen: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return reply

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as http:
        fal = Fal(http, api_key="k:k", queue_url="https://q", rest_url="https://r", platform_url="https://p/v1")
        await check_agreed(fal, fal.scene_order(WANTED), KLING, WANTED.mode)
    return seen


async def test_it_is_ordered_where_the_live_schema_has_every_field_and_value_of_ours():
    (asked,) = await checked(httpx.Response(200, json=listed(FIELDS, required=["prompt"])))
    assert asked.url == f"https://p/v1/models?endpoint_id={ENDPOINT.replace('/', '%2F')}&expand=openapi-3.0"
    assert asked.method == "GET"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({name: kind for name, kind in FIELDS.items() if name != "elements"}, "its schema has no field elements"),
        ({**FIELDS, "duration": {"type": "integer"}}, "its schema does not allow our value of duration"),
        ({**FIELDS, "resolution": {"enum": ["1080p"]}}, "its schema does not allow our value of resolution"),
        ({**FIELDS, "elements": {"type": "string"}}, "its schema does not allow our value of elements"),
        (None, f"does not show the fields of {ENDPOINT}"),
    ],
)
async def test_it_is_refused_with_the_reason_where_the_live_schema_disagrees(reply, why):
    with pytest.raises(InvalidRequest, match=why) as refused:
        await checked(httpx.Response(200, json=listed(reply)))
    assert "kling-4 at fal was not submitted: fal's pages on Kling 4.0 announced" in str(refused.value)
    assert (refused.value.sent, refused.value.charged, refused.value.field) == (False, False, "model")
    assert "Nothing was bought" in refused.value.remedy


async def test_it_is_refused_where_the_list_wants_a_field_that_we_do_not_send():
    with pytest.raises(InvalidRequest, match="its schema requires mode"):
        await checked(httpx.Response(200, json=listed(FIELDS, required=["prompt", "mode"])))


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, json=listed(FIELDS, status="deprecated")),
        httpx.Response(200, json={"models": []}),
        httpx.Response(404, json={"error": {"type": "not_found"}}),
    ],
)
async def test_it_is_refused_where_the_list_does_not_have_it(reply):
    with pytest.raises(InvalidRequest, match=f"fal's list of models has no {ENDPOINT}"):
        await checked(reply)


async def test_a_list_that_cannot_be_read_now_says_so_and_refuses_nothing_for_good():
    with pytest.raises(Busy):
        await checked(httpx.Response(503, json={}))


async def test_a_model_of_which_the_table_is_sure_asks_nobody():
    def gateway(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as http:
        fal = Fal(http, api_key="k:k", queue_url="https://q", rest_url="https://r", platform_url="https://p/v1")
        sure = WANTED.model_copy(update={"model": model("fal", "kling-o3")})
        await check_agreed(fal, fal.scene_order(sure), sure.model, sure.mode)


@pytest.mark.parametrize(
    ("place", "unsure"),
    [
        (("wavespeed", "seedance-2"), {"image", "frames"}),
        (("fal", "veo-3.1-fast"), {"references"}),
        (("fal", "veo-3.1"), set()),
        (("fal", "wan-3-prime"), {"text", "image", "frames", "references"}),
    ],
)
def test_the_table_may_be_unsure_of_single_modes(place, unsure):
    assert {mode for mode in MODES if model(*place).doubt(mode)} == unsure


@pytest.mark.parametrize(("image", "asked"), [(None, 0), ("https://example.com/1.png", 1)])
async def test_the_catalogue_is_asked_for_a_mode_of_which_the_table_is_unsure(image, asked):
    seen: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        fields = {name: {} for name in ("prompt", "duration", "resolution", "image")}
        schema = {"api_schemas": [{"request_schema": {"properties": fields}}]}
        entry = {"model_id": "bytedance/seedance-2.0/image-to-video", "api_schema": schema}
        return httpx.Response(200, json={"code": 200, "data": [entry]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as http:
        adapter, sold = WaveSpeed(http, api_key="k", api_url="https://a"), model("wavespeed", "seedance-2")
        request = SceneRequest(model=sold, prompt="p", seconds=5, aspect="16:9", resolution="720p", image_url=image)
        await check_agreed(adapter, adapter.scene_order(request), sold, request.mode)
    assert len(seen) == asked


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"prompt": {}, "duration": {"type": "integer"}, "resolution": {}, "image": {}}, None),
        ({"prompt": {}, "duration": {"type": "string"}, "resolution": {}, "image": {}}, "our value of duration"),
        ({"prompt": {}, "duration": {}, "resolution": {}, "start_image": {}}, "has no field image"),
        ({}, "does not show the fields of bytedance/seedance-2.0/image-to-video"),
    ],
)
async def test_wavespeeds_list_has_to_agree_with_the_fields_and_not_only_with_the_path(fields, why):
    def gateway(request: httpx.Request) -> httpx.Response:
        schema = {"api_schemas": [{"request_schema": {"properties": fields}}]} if fields else {}
        entry = {"model_id": "bytedance/seedance-2.0/image-to-video", "api_schema": schema}
        return httpx.Response(200, json={"code": 200, "data": [entry]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as http:
        adapter, sold = WaveSpeed(http, api_key="k", api_url="https://a"), model("wavespeed", "seedance-2")
        frame = "https://example.com/1.png"
        request = SceneRequest(model=sold, prompt="p", seconds=5, aspect="16:9", resolution="720p", image_url=frame)
        found = await adapter.objection(adapter.scene_order(request))
    assert (found is None) == (why is None)
    assert why is None or why in str(found)


@pytest.mark.parametrize(
    ("provider", "family", "answers"),
    [
        (lambda http: ToApis(http, api_key="k", api_url="https://a"), ("toapis", "gemini-omni-flash"), {"data": []}),
        (
            lambda http: WaveSpeed(http, api_key="k", api_url="https://a"),
            ("wavespeed", "kling-4"),
            {"code": 200, "data": []},
        ),
        (
            lambda http: Kie(http, api_key="k", api_url="https://a", upload_url="https://u"),
            ("kie", "wan-3"),
            None,
        ),
    ],
)
async def test_a_gateway_whose_list_has_it_not_or_that_has_no_list_refuses_it(provider, family, answers):
    def gateway(request: httpx.Request) -> httpx.Response:
        assert answers is not None, request
        return httpx.Response(200, json=answers)

    unsure = model(*family).model_copy(update={"unsure": "nobody knows"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as http:
        adapter = provider(http)
        request = SceneRequest(model=unsure, prompt="p", seconds=unsure.seconds[0], aspect="16:9", resolution="720p")
        with pytest.raises(InvalidRequest, match=f"{unsure.name} at {unsure.provider} was not submitted: nobody knows"):
            await check_agreed(adapter, adapter.scene_order(request), unsure, request.mode)


def test_a_boolean_is_no_number_and_a_number_no_boolean():
    assert disagreement({"properties": {"seed": {"type": "integer"}}}, {"seed": True}) is not None
    assert disagreement({"properties": {"audio": {"enum": [1, 0], "type": "integer"}}}, {"audio": True}) is not None
    assert disagreement({"properties": {"audio": {"type": "boolean"}}}, {"audio": True}) is None
    assert disagreement({"properties": {"cfg": {"$ref": "#/x"}}}, {"cfg": 0.5}) is None


@pytest.mark.parametrize("document", [None, [], {}, {"components": []}, {"components": {"schemas": {"Output": {}}}}])
def test_a_document_without_an_input_has_no_schema(document):
    assert input_schema(document) is None
