"""The plan shows what is sent: the prompt word for word, the references in their order and size, the sound."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from cases import every_case
from fakes import ledger_in
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_media_kit import clip

from prefect_storyboard.media.sources import local_file
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.protocol import Provider, Reference, SceneRequest
from prefect_storyboard.providers.table import models
from prefect_storyboard.series.prepare import Prepared
from prefect_storyboard.series.price import log_warnings
from prefect_storyboard.series.sent import (
    castings_of,
    check_prompts,
    known_castings,
    sent_prompt,
    too_long,
    with_sends,
    wording,
)
from prefect_storyboard.storyboards import Casting, Model, Plan, PlannedScene, Source, plan, shots, validate
from prefect_storyboard.tasks._references import CastMember

PROVIDERS: dict[str, Provider] = {case.name: case.connect(httpx.AsyncClient()) for case in every_case()}
MODELS = [model for family in models().values() for model in family.values()]
CAST = [
    {"name": "Mara", "clip": "mara.mp4", "aliases": ["the keeper"], "reference": "clip"},
    {"name": "Will", "clip": "will.mp4", "images": ["will.png"]},
]
BEGINNINGS: dict[str, dict[str, Any]] = {"text": {}, "image": {"image": "dawn.png"}, "remix": {"remixes": "s00"}}
WORDS = ["Mara", "MARA", "the keeper's", "@mara", "Will", "@Will", "will", "@x.ab", "lamp", "-", "は", ".", "\n", ","]
REAL = {
    "kie": {"Mara": "@mzsdaag.ab", "Will": "@wqxz.cd"},
    "toapis": {"Mara": "@mzsdaag.ab", "Will": "@wqxz.cd"},
}


def planned(model: Model, scene: dict[str, Any], cast: Any = CAST) -> Plan:
    first = [{"id": "s00", "prompt": "The sea.", "characters": []}] if {"remixes", "continues"} & {*scene} else []
    facts = {"seconds": model.seconds[0], "aspect": model.aspects[0], "fit": "nearest"}
    board = validate(
        {"title": "T", "model": "sora-2", "cast": cast, "scenes": [*first, {"id": "s01", **scene}], **facts}
    )
    content = {name: name for name in ("mara.mp4", "will.mp4", "will.png", "dawn.png")}
    lengths = {(model.name, "Mara"): 3.0, (model.name, "Will"): 3.0}
    made = shots(board, lambda _: model, Source())
    return plan(board, made, provider=model.provider, account="default", content=content, clip_seconds=lengths)


def sent_by_a_run(provider: Provider, scene: PlannedScene, castings: tuple[Casting, ...]) -> str:
    """The prompt of the body that the adapter builds of real castings, uploads and videos."""
    references = tuple(
        Reference(character=sending.character, clip_url=f"https://cdn.example/{sending.character}.mp4")
        if sending.clip
        else Reference(
            character=sending.character,
            image_urls=tuple(f"https://cdn.example/{n}.jpg" for n in range(max(sending.pictures, 1))),
        )
        for sending in scene.sends
    )
    request = SceneRequest(
        model=scene.model,
        prompt=scene.prompt,
        seconds=scene.seconds,
        aspect=scene.aspect,
        resolution=scene.resolution,
        job_key=scene.key,
        castings=castings,
        references=references,
        image_url="https://cdn.example/frame.png" if scene.operation == "image" else None,
        remix_of="video_1" if scene.operation == "remix" else None,
    )
    return sent_prompt(provider.scene_order(request).body)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.provider} {model.name}")
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), data=st.data())
def test_the_plans_prompt_is_the_prompt_of_the_body(model: Model, words: list[str], data: st.DataObject) -> None:
    modes = model.endpoints.keys() | ({"text"} if "references" in model.endpoints else set())  # of words, with a cast
    operation = data.draw(st.sampled_from(sorted(BEGINNINGS.keys() & modes)))
    beginning = BEGINNINGS[operation]
    people = {"characters": ["Mara", "Will"] if model.max_characters and operation in model.casts else []}
    made = planned(model, {"prompt": f"Lamp {' '.join(words)}", **beginning, **people})
    scene, provider = made.scenes[-1], PROVIDERS[model.provider]
    real = {
        each.key: Casting(
            character=each.character.name,
            id=f"char_{each.character.name}",
            mention=REAL.get(model.provider, {}).get(each.character.name),
        )
        for each in made.characters
    }
    body = sent_by_a_run(provider, scene, castings_of(made, scene, real))
    assert wording(provider, scene, castings_of(made, scene, real))[0] == body
    unknown = wording(provider, scene, castings_of(made, scene, {}))[0]
    for name, mention in REAL.get(model.provider, {}).items():
        unknown = unknown.replace(f"@{name}", mention) if real else unknown
    assert unknown == body


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    for name in ("mara", "will"):
        clip(folder / f"{name}.mp4", size=(1280, 720), seconds=3)
    Image.new("RGB", (1000, 300)).save(folder / "will.png")
    Image.new("RGB", (1600, 900)).save(folder / "dawn.png")
    return folder


def shown(files: Path, provider: str, family: str, scene: dict[str, Any], cast: Any = CAST) -> PlannedScene:
    made = planned(models()[provider][family], scene, cast)
    local = {path.name: local_file(path) for path in files.iterdir()}
    members = {
        who.name: CastMember(
            character=who,
            folder=files,
            clip=local.get(who.clip or ""),
            images=tuple(local[image] for image in who.images),
        )
        for who in made.storyboard.cast
    }
    prepared = Prepared(plan=made, files=local, cast=members)
    return with_sends(prepared, PROVIDERS[provider], {}).scenes[-1]


def test_references_are_described_in_their_order_with_their_sizes(files: Path) -> None:
    scene = shown(files, "fal", "seedance-2", {"prompt": "Mara and Will climb.", "image": "dawn.png"})
    assert scene.sent == ("@Video1 and @Image1 climb.\nThe video begins with @Image2 as its first frame.")
    assert scene.references == (
        "Mara: clip of 3 s, 1280x720",
        "Will: 1 picture, 1000x400",
        "first frame: 1600x900",
    )
    assert scene.audio is True


def test_the_sound_is_what_the_body_says_with_the_scenes_own_fields(files: Path) -> None:
    silent = {"prompt": "The sea.", "characters": [], "fields": {"generate_audio": False}}
    assert shown(files, "fal", "seedance-2", silent).audio is False


def test_pictures_from_a_clip_and_padded_ones_have_the_size_in_which_they_are_sent(files: Path) -> None:
    scene = shown(files, "fal", "kling-o3", {"prompt": "Mara and Will climb."})
    assert scene.references == ("Mara: 4 pictures, 1280x720", "Will: 2 pictures, 1000x400 and 1280x720")


def test_a_created_character_and_other_beginnings_are_described(files: Path) -> None:
    cast = [{"name": "Mara", "clip": "mara.mp4"}]
    facts = {"prompt": "The keeper climbs.", "characters": ["Mara"]}
    scene = shown(files, "kie", "sora-2", {**facts, "continues": "s00"}, cast)
    assert scene.references == ("Mara: the character created at kie", "first frame: the last frame of s00")
    assert (scene.sent, scene.audio) == ("With @Mara. The keeper climbs.", None)
    assert shown(files, "fal", "sora-2", {"prompt": "Rain.", "remixes": "s00"}).references == ("the video of s00",)


def test_a_character_that_exists_is_mentioned_as_the_provider_calls_it(tmp_path: Path) -> None:
    made = planned(models()["kie"]["sora-2"], {"prompt": "Mara climbs."})
    (mara,) = made.characters
    assert known_castings(made, ledger_in(tmp_path)) == {}
    casting = Casting(character="Mara", id="c1", mention="@mzsdaag.ab")
    (scene,) = made.scenes
    assert wording(PROVIDERS["kie"], scene, castings_of(made, scene, {mara.key: casting}))[0] == "@mzsdaag.ab climbs."


def test_the_length_of_a_prompt_is_counted_as_it_is_sent(files: Path) -> None:
    model = models()["fal"]["kling-o3"]
    most = (model.max_prompt or 0) - len("@Element1")
    fitting = shown(files, "fal", "kling-o3", {"prompt": f"Mara{'.' * most}"}, CAST[:1])
    assert (len(fitting.sent), too_long(fitting)) == (model.max_prompt, None)
    check_prompts([fitting])
    longer = shown(files, "fal", "kling-o3", {"prompt": f"Mara{'.' * (most + 1)}"}, CAST[:1])
    why = "s01: the prompt has 2501 characters as it is sent, and kling-o3 at fal takes 2500; shorten it"
    assert too_long(longer) == why
    with pytest.raises(InvalidRequest, match=why) as refused:
        check_prompts([fitting, longer])
    assert (refused.value.sent, refused.value.field) == (False, "prompt")


def test_a_model_without_a_published_limit_has_none(files: Path) -> None:
    assert too_long(shown(files, "fal", "seedance-2", {"prompt": "." * 9000, "characters": []})) is None


def test_the_warnings_of_a_plan_are_logged_before_anything_is_bought(caplog: pytest.LogCaptureFixture) -> None:
    log_warnings(planned(models()["fal"]["seedance-2"], {"prompt": "The sea."}).warnings)
    assert "s01: no cast member is in this scene; name one in the prompt, or write characters: []" in caplog.messages
