"""Every input that the gateways' pages name arrives on the wire, in its place, and nothing else does."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest
from cases import Case, canonical, every_case

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.fields import Input, inputs
from prefect_storyboard.providers.protocol import CharacterRequest, Reference, SceneRequest
from prefect_storyboard.providers.table import model, models
from prefect_storyboard.storyboards import Casting, Model, Operation

CASES = {case.name: case for case in every_case()}
CLIP, PICTURE = "https://example.com/mara.mp4", "https://example.com/dawn.png"
MARA = Casting(character="Mara", id="char_1", mention="@mara.ab")
SAMPLES = {
    "string": "text",
    "link": "https://example.com/x",
    "boolean": True,
    "integer": 1,
    "number": 1.5,
    "array": [CLIP],
}
# What the pages that this project began with name; here by hand, so that a row that is lost from the table is noticed.
NAMED_INPUTS = {
    "fal": "video_url name prompt image_url resolution aspect_ratio duration delete_video model detect_and_block_ip "
    "character_ids",
    "kie": "model callBackUrl character_file_url character_prompt safety_instruction",
    "openai": "model prompt seconds size input_reference name",
    "toapis": "model timestamps url from_task",
    "wavespeed": "video name",
}


def requests(sold: Model, operation: Operation, fields: dict[str, Any], *, bare: bool = False, **facts: Any) -> Any:
    """Requests of that operation, in every mode that the model has, in which every argument says something.

    `bare` are those that say only what a request has to.
    """
    if operation in {"character", "character_from_video"}:
        source = {"clip_url": CLIP} if operation == "character" else {"video_id": "task_1"}
        words = "" if bare else "A lighthouse keeper"
        described = {"description": words, "start": 1.0, "end": 3.0, **source, **facts}
        maker = operation in sold.endpoints
        return [CharacterRequest(model=sold, name="Mara", fields=fields, **described)] if maker else []
    wanted: dict[str, Any] = {"prompt": "Mara waves.", "seconds": sold.seconds[0], "aspect": "16:9"}
    wanted |= {"resolution": sold.resolutions[-1], "image_url": PICTURE if operation == "image" else None}
    wanted |= {"remix_of": "video_1" if operation == "remix" else None, "fields": fields, "job_key": "", **facts}
    made = [SceneRequest(model=sold, **wanted, **cast, **last) for cast in casts(sold) for last in ({}, LAST)]
    if operation == "remix":
        return [request for request in made[:1] if "remix" in sold.endpoints]
    sound = [request for request in made if is_sold(sold, request)]
    return [request for request in sound if not request.last_frame_url] if bare else [said(each) for each in sound]


LAST = {"last_frame_url": PICTURE}


def casts(sold: Model) -> list[dict[str, Any]]:
    """Nobody; and everybody whom a model may be shown or told of."""
    if sold.casting:
        return [{"castings": (MARA,)}, {}]
    if not sold.references:
        return [{}]
    shown = Reference(character="Mara", image_urls=(PICTURE,) * sold.references.each[0])
    moving = (Reference(character="Otto", clip_url=CLIP),) if sold.references.clips else ()
    return [{}, {"references": (shown, *moving)}]


def is_sold(sold: Model, request: SceneRequest) -> bool:
    """Whether a plan would ask the model for such a scene."""
    if sold.endpoint(request.mode) is None or (request.references and request.operation not in sold.casts):
        return False
    if request.references and request.image_url and sold.references and sold.references.images == 1:
        return False  # the frame wins
    if request.last_frame_url:
        return request.mode in sold.takes_last_frame and (bool(request.image_url) or sold.last_frame_alone)
    return True


def said(request: SceneRequest) -> SceneRequest:
    """The request with a seed and a negative prompt where the model takes them."""
    sold, update = request.model, dict[str, Any]()
    if request.mode in sold.takes_seed:
        update["seed"] = 7
    if request.mode in sold.takes_negative:
        update["negative"] = "text"
    return request.model_copy(update=update)


async def posted(case: Case, request: SceneRequest | CharacterRequest) -> dict[str, Any]:
    """The body as the gateway sees it, which refuses one with a null or with a field that its pages do not name."""
    seen: list[dict[str, Any]] = []

    def gateway(sent: httpx.Request) -> httpx.Response:
        is_form = sent.headers["content-type"].startswith("multipart/")
        seen.append(order.body if is_form else json.loads(sent.content))
        return httpx.Response(200, json=canonical(case.name, str(case.accepted.body)))

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as http:
        adapter = case.connect(http)
        ask = adapter.character_order if isinstance(request, CharacterRequest) else adapter.scene_order
        order = ask(request)
        await adapter.submit(order)
    (body,) = seen
    taken = {each.name for each in inputs(case.name) if each.takes(request)}
    assert {name for name, _ in leaves(body)} <= taken
    assert None not in dict(leaves(body)).values()
    return body


def leaves(body: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in body.items():
        if isinstance(value, dict) and key in {"input", "metadata"}:
            yield from leaves(value, "" if key == "input" else f"{key}.")
        else:
            yield prefix + key, value


def every_input() -> Iterator[Any]:
    for name in CASES:
        for each in inputs(name):
            yield pytest.param(name, each, id=f"{name}-{each.codec}-{each.name}")


def sold_at(provider: str) -> list[Model]:
    """The models of the table, and those that an account may sell besides."""
    return [*models()[provider].values(), *CASES[provider].served.values()]


def takers(provider: str, each: Input, fields: dict[str, Any], *, bare: bool) -> list[Any]:
    """All requests that have the input."""
    return [
        request
        for sold in sold_at(provider)
        if each.codec in {"*", sold.codec} and (not each.models or sold.name in each.models)
        for operation in each.of
        for request in requests(sold, operation, fields, bare=bare)
        if each.takes(request)
    ]


def sample(each: Input) -> Any:
    """A value that the input takes, and that is not what is sent without it."""
    if each.choices:
        return next((choice for choice in reversed(each.choices) if choice != each.preset), each.choices[0])
    if each.preset is not None and each.type in SWITCHES:
        return SWITCHES[each.type](each.preset)
    return SAMPLES[each.type]


SWITCHES: dict[str, Any] = {"boolean": lambda preset: not preset}


@pytest.mark.parametrize(("provider", "each"), list(every_input()))
async def test_every_input_of_the_table_arrives(provider: str, each: Input) -> None:
    said_by_argument = takers(provider, each, {}, bare=False)
    assert said_by_argument, "a row that no model takes"
    assert each.modes or {request.operation for request in said_by_argument} == {*each.of}
    if each.argument:
        bodies = [dict(leaves(await posted(CASES[provider], one))) for one in said_by_argument]
        assert any(each.name in body for body in bodies) or each.instead
    if each.argument and not each.instead and each.preset is None:
        return
    value = sample(each)
    first, _, rest = each.name.partition(".")
    fields = {first: {rest: value}} if rest else {first: value}
    for request in takers(provider, each, fields, bare=True):
        body = await posted(CASES[provider], request)
        assert dict(leaves(body))[each.name] == value
        assert first in (body if each.top or provider != "kie" else body["input"])


@pytest.mark.parametrize("provider", CASES)
def test_the_table_has_every_input_that_the_pages_name(provider: str) -> None:
    assert set(NAMED_INPUTS[provider].split()) <= {each.name for each in inputs(provider)}


@pytest.mark.parametrize("provider", CASES)
def test_no_body_holds_a_null_or_an_input_that_the_table_does_not_know(provider: str) -> None:
    adapter = CASES[provider].connect(httpx.AsyncClient())
    for sold in sold_at(provider):
        for operation in get_args(Operation):
            for request in requests(sold, operation, {}):
                ask = adapter.character_order if isinstance(request, CharacterRequest) else adapter.scene_order
                body = dict(leaves(ask(request).body))
                assert set(body) <= {each.name for each in inputs(provider) if each.takes(request)}
                assert None not in body.values()


# ------------------------------------------------------------------------------------------------- one by one, by hand


def scene(provider: str, family: str = "sora-2", **facts: Any) -> SceneRequest:
    sold = model(provider, family)
    wanted = {"prompt": "p", "seconds": sold.seconds[0], "aspect": "16:9", "resolution": sold.resolutions[0]}
    return SceneRequest(model=sold, **{**wanted, **facts})


def cast(provider: str, family: str = "sora-2", **facts: Any) -> CharacterRequest:
    wanted = facts if "video_id" in facts else {"clip_url": CLIP, **facts}
    return CharacterRequest(model=model(provider, family), **{"name": "Mara", "start": 1.0, "end": 3.0, **wanted})


BY_HAND = [
    (scene("fal", remixable=False), {"delete_video": True}),
    (scene("fal", remixable=True), {"delete_video": False}),
    (scene("fal", remixable=False, fields={"delete_video": False}), {"delete_video": False}),
    (scene("fal", remixable=True, remix_of="v", fields={"delete_video": True}), {"delete_video": True}),
    (scene("fal", fields={"detect_and_block_ip": True}), {"detect_and_block_ip": True}),
    (scene("fal", fields={"model": "sora-2-2025-10-06"}), {"model": "sora-2-2025-10-06"}),
    (scene("fal", image_url=PICTURE, fields={"model": "sora-2-2025-12-08"}), {"model": "sora-2-2025-12-08"}),
    (
        scene("fal", image_url=PICTURE, aspect="auto", resolution="auto"),
        {"aspect_ratio": "auto", "resolution": "auto", "image_url": PICTURE},
    ),
    (cast("fal"), {"video_url": CLIP, "name": "Mara"}),
    (
        cast(
            "kie", fields={"safety_instruction": "For children.", "callBackUrl": CLIP, "character_prompt": "A keeper"}
        ),
        {
            "model": "sora-2-characters",
            "callBackUrl": CLIP,
            "input": {
                "character_file_url": [CLIP],
                "character_prompt": "A keeper",
                "safety_instruction": "For children.",
            },
        },
    ),
    (
        cast("kie", video_id="task_1", fields={"character_prompt": "A keeper", "character_user_name": "mara"}),
        {
            "model": "sora-2-characters-pro",
            "input": {
                "origin_task_id": "task_1",
                "timestamps": "1,3",
                "character_prompt": "A keeper",
                "character_user_name": "mara",
            },
        },
    ),
    (cast("toapis"), {"model": "sora-2", "timestamps": "1,3", "url": CLIP}),
    (cast("toapis", "sora-2-pro"), {"model": "sora-2-pro"}),
    (cast("toapis", "sora-2-vip"), {"model": "sora-2-vip"}),
    (
        cast("toapis", "sora-2-vip", video_id="t"),
        {"model": "sora-2-vip", "timestamps": "1,3", "from_task": "t"},
    ),
    (scene("toapis", fields={"character_url": "task_9", "thumbnail": True}), {"character_url": "task_9"}),
    (cast("wavespeed"), {"video": CLIP, "name": "Mara"}),
]


@pytest.mark.parametrize(("request_", "holds"), BY_HAND, ids=lambda value: None)
async def test_a_parameter_of_the_page_arrives_in_its_place(
    request_: SceneRequest | CharacterRequest, holds: dict[str, Any]
) -> None:
    body = await posted(CASES[request_.model.provider], request_)
    assert {name: body.get(name) for name in holds} == holds


@pytest.mark.parametrize("provider", models())
def test_a_finished_video_becomes_a_character_by_its_id_or_is_refused(provider: str) -> None:
    adapter = CASES[provider].connect(httpx.AsyncClient())
    request = cast(provider, video_id="task_1")
    if request.model.character_from_video:
        assert "task_1" in json.dumps(adapter.character_order(request).body)
        return
    with pytest.raises(InvalidRequest, match="give it the stored file; nothing was sent") as error:
        adapter.character_order(request)
    assert (error.value.field, error.value.sent) == ("clip", False)
