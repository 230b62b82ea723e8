"""The key that a task computes is the one that a storyboard's plan has for the same scene: a clip is bought once."""

import hashlib
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from prefect_storyboard.providers.table import model, models
from prefect_storyboard.storyboards import Asked, Casting, Character, Clip, Media, Plan, Source, plan, shots, validate
from prefect_storyboard.storyboards.keys import fingerprint
from prefect_storyboard.storyboards.single import SingleScene, single_scene, single_shot

FAMILIES = [(provider, name) for provider, families in models().items() for name in families]
CAST: list[dict[str, Any]] = [
    {"name": "Mara", "aliases": ["Mare"], "clip": "mara.mp4", "images": ["a.png", "b.png"], "description": "a keeper"},
    {"name": "Otto", "clip": "otto.mp4", "start": 0.5, "end": 2.5, "reference": "clip"},
]
NAMED = ("mara.mp4", "otto.mp4", "a.png", "b.png", "dawn.png")
CONTENT = {name: hashlib.sha256(name.encode()).hexdigest() for name in NAMED}
STYLE = "ink, warm light"
SCENES: dict[str, dict[str, Any]] = {
    "text": {"prompt": "Mara climbs.", "characters": ["Mara"]},
    "nobody": {"prompt": "Rain.", "characters": []},
    "an alias": {"prompt": "Mare climbs.", "characters": ["Mara"]},
    "two": {"prompt": "Otto and Mara meet.", "characters": ["Otto", "Mara"]},
    "clip": {"prompt": "Otto sleeps.", "characters": ["Otto"]},
    "a picture": {"prompt": "Mara waves.", "characters": ["Mara"], "image": "dawn.png"},
    "take": {"prompt": "Mara climbs.", "characters": ["Mara"], "take": 3},
    "fields": {"prompt": "Mara climbs.", "characters": ["Mara"], "fields": {"seed": 7}},
    "continues": {"prompt": "She goes on.", "characters": ["Mara"], "continues": "s00"},
    "continues a continued one": {"prompt": "And on.", "characters": [], "continues": "s01"},
    "remixes": {"prompt": "By night.", "remixes": "s00"},
}


def planned(provider: str, family: str, scene: dict[str, Any], style: str) -> Plan:
    """A board with the scene as its last, and its parents before it."""
    before = [{"id": "s00", "prompt": "Mara wakes.", "characters": ["Mara"]}]
    before += [{"id": "s01", "prompt": "She waits.", "characters": [], "continues": "s00"}]
    parents = before if scene.get("continues") == "s01" else before[:1]
    board = {"title": "T", "model": family, "fit": "nearest", "style": style, "cast": CAST}
    made = validate({**board, "seconds": 8, "scenes": [*parents, {"id": "it", **scene}]})
    resolved = shots(made, partial(model, provider), Source())
    lengths = {(s.model.name, sending.character): 2.0 for s in resolved for sending in s.sends if sending.clip}
    return plan(made, resolved, provider=provider, account="mine", content=CONTENT, clip_seconds=lengths)


def casting(facts: dict[str, Any], provider: str, family: str) -> Casting:
    """What create_character returns for a cast member."""
    who, sold = Character.model_validate(facts), model(provider, family)
    made_at = {"provider": provider, "account": "mine", "family": sold.casting, "id": "char_1"} if sold.casting else {}
    return Casting(
        character=who.name,
        fingerprint=fingerprint(who, CONTENT),
        clip=Media(url=f"characters/x/y/{who.clip}", sha256=CONTENT[who.clip or ""]),
        images=tuple(Media(url=f"characters/x/y/{image}", sha256=CONTENT[image]) for image in who.images),
        **who.model_dump(include={"start", "end", "reference", "description", "aliases"}),
        **made_at,
    )


def stored(plan: Plan, scene_id: str) -> Clip:
    """The clip of a scene of the plan, as store returns it."""
    scene = next(each for each in plan.scenes if each.scene.id == scene_id)
    size: dict[str, Any] = {"width": 1, "height": 1, "bytes": 1, "seconds": scene.seconds, "sha256": "0" * 64}
    return Clip(
        **size, scene=scene_id, take=1, url="u", job_key=scene.key, cost_usd=None, provider=plan.provider,
        model=scene.model.name, request_id="r", prompt=scene.prompt, handle="v", identity=scene.identity,
        asked=Asked(seconds=scene.seconds, aspect=scene.aspect, resolution=scene.resolution),
        stored_at=datetime.now(UTC),
    )  # fmt: skip


def computed(provider: str, family: str, scene: dict[str, Any], board: Plan, words: str) -> SingleScene:
    """What generate computes, from what a caller has at hand."""
    of = {facts["name"]: casting(facts, provider, family) for facts in CAST}
    parent = stored(board, scene["continues"]) if "continues" in scene else None
    remixed = stored(board, scene["remixes"]) if "remixes" in scene else None
    shot = single_shot(
        words,
        model(provider, family),
        partial(model, provider),
        characters=[of[name] for name in scene.get("characters", ())],
        seconds=8,
        starts_from_picture=bool(parent or scene.get("image")),
        remixes=remixed,
        fit="nearest",
        take=scene.get("take", 1),
        fields=scene.get("fields"),
    )
    cast = [of[name] for name in scene.get("characters", ())]
    image = CONTENT[scene["image"]] if "image" in scene else None
    return single_scene(shot, account="mine", characters=cast, image=image, parent=parent or remixed, copy=0)


@pytest.mark.parametrize("style", ["", STYLE], ids=["plain", "styled"])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
@pytest.mark.parametrize(("provider", "family"), FAMILIES, ids=lambda name: name)
def test_a_task_and_a_storyboard_share_the_job(provider: str, family: str, scene: dict[str, Any], style: str) -> None:
    try:
        board = planned(provider, family, scene, style)
    except ValueError:
        pytest.skip("the model renders no such scene")
    wanted = board.scenes[-1]
    found = computed(provider, family, scene, board, wanted.words)
    assert (found.content, found.key) == (wanted.content, wanted.key)
    assert (found.identity, found.own_identity) == (wanted.identity, wanted.own_identity)
    assert found.shot.prompt == wanted.prompt
    assert found.shot.sends == wanted.sends
