"""Living models: where a scene is ordered, what wins, what it costs, and what cannot be said."""

from typing import Any

import httpx
import pytest

from prefect_storyboard.providers.dialects import dialects
from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.kie.adapter import Kie
from prefect_storyboard.providers.protocol import Reference, SceneRequest
from prefect_storyboard.providers.table import model, models
from prefect_storyboard.storyboards import Casting, Media, Shot, Source, StoryboardError, plan, shots, validate
from prefect_storyboard.storyboards.single import single_scene, single_shot

MARA = {"name": "Mara", "images": ["a.png", "b.png"], "description": "a keeper in a yellow coat"}
DAWN = {"image": "dawn.png"}
LIVING = [entry for families in models().values() for entry in families.values() if not entry.retires_on]
FILE = {name: name for name in ("a.png", "b.png", "dawn.png")}


def shot(place: tuple[str, str], scene: dict[str, Any], **facts: Any) -> Shot:
    board = validate(
        {"title": "T", "model": place[1], "cast": [MARA], "scenes": [{"id": "s01", **scene}], "seconds": 8, **facts}
    )
    return shots(board, lambda name: model(place[0], name), Source("t"))[0]


def told(place: tuple[str, str], scene: dict[str, Any], **facts: Any) -> tuple[str, ...]:
    """What the plan warns of."""
    made = shot(place, scene, **facts)
    board = validate({"title": "T", "model": place[1], "cast": [MARA], "scenes": [{"id": "s01", **scene}], **facts})
    return plan(board, (made,), provider=place[0], account="default", content=FILE).warnings


# --- where a scene is ordered


@pytest.mark.parametrize(
    ("place", "scene", "endpoint", "cast"),
    [
        (("fal", "seedance-2.5"), {"prompt": "A boat."}, "bytedance/seedance-2.5/text-to-video", ()),
        (("fal", "seedance-2.5"), {"prompt": "A boat.", **DAWN}, "bytedance/seedance-2.5/image-to-video", ()),
        (("fal", "seedance-2.5"), {"prompt": "Mara."}, "bytedance/seedance-2.5/reference-to-video", ("Mara",)),
        (("fal", "seedance-2.5"), {"prompt": "Mara.", **DAWN}, "bytedance/seedance-2.5/reference-to-video", ("Mara",)),
        (
            ("fal", "seedance-2.5"),
            {"prompt": "Mara.", **DAWN, "prefer": "frame"},
            "bytedance/seedance-2.5/image-to-video",
            (),
        ),
        (("fal", "veo-3.1"), {"prompt": "A boat."}, "fal-ai/veo3.1", ()),
        (("fal", "veo-3.1-fast"), {"prompt": "Mara."}, "fal-ai/veo3.1/fast/reference-to-video", ("Mara",)),
        (("fal", "kling-o3"), {"prompt": "Mara.", **DAWN}, "fal-ai/kling-video/o3/pro/reference-to-video", ("Mara",)),
        (
            ("fal", "kling-o3"),
            {"prompt": "Mara.", **DAWN, "prefer": "frame"},
            "fal-ai/kling-video/o3/pro/reference-to-video",
            ("Mara",),
        ),
        (
            ("fal", "kling-v3-standard"),
            {"prompt": "Mara.", **DAWN},
            "fal-ai/kling-video/v3/standard/image-to-video",
            ("Mara",),
        ),
        (("kie", "minimax-h3"), {"prompt": "Mara."}, "minimax-h3/reference-to-video", ("Mara",)),
        (("kie", "kling-v3"), {"prompt": "Mara.", **DAWN}, "kling-3.0/video", ("Mara",)),
        (("toapis", "kling-o3"), {"prompt": "A boat.", **DAWN}, "kling-v3-omni", ()),
        (("wavespeed", "seedance-2.5"), {"prompt": "Mara."}, "bytedance/seedance-2.5/text-to-video", ("Mara",)),
        (("wavespeed", "kling-4"), {"prompt": "A boat.", **DAWN}, "kwaivgi/kling-v4.0/image-to-video", ()),
    ],
)
def test_a_scene_goes_to_the_endpoint_of_what_it_is_made_from(place, scene, endpoint, cast):
    made = shot(place, scene)
    assert (made.endpoint, made.cast) == (endpoint, cast)


def test_there_are_at_least_twenty_living_entries_and_every_mode_of_each_has_an_endpoint_of_its_own_table():
    assert len(LIVING) >= 20
    for entry in LIVING:
        assert {entry.endpoint(mode) for mode in ("text", "image", "references")} - {None} <= {
            *entry.endpoints.values()
        }
        assert entry.codec in dialects(entry.provider)


# --- what wins


def test_the_plan_says_that_the_characters_win_and_how_the_frame_would():
    (said,) = told(("fal", "seedance-2"), {"prompt": "Mara.", **DAWN})
    assert said.startswith("s01: seedance-2 at fal takes the first frame as a reference; the scene begins much like it")
    assert said.endswith("; prefer: frame begins exactly there")


def test_the_plan_says_that_the_frame_wins_and_whom_it_has_to_show():
    assert told(("fal", "veo-3.1"), {"prompt": "Mara.", **DAWN}, prefer="frame") == (
        "s01: by prefer: frame, veo-3.1 at fal takes no characters beside a first frame; the frame must show Mara",
    )


def test_a_scene_has_its_own_word_on_what_wins():
    scene = {"prompt": "Mara.", **DAWN, "prefer": "cast"}
    assert shot(("fal", "seedance-2"), scene, prefer="frame").cast == ("Mara",)


def test_a_model_that_takes_both_leaves_nobody_out():
    assert told(("fal", "kling-o3"), {"prompt": "Mara.", **DAWN}, prefer="frame") == ()


def test_what_wins_is_not_in_the_key_of_a_scene_where_nothing_has_to_win():
    def key(**facts: Any) -> str:
        board = validate({"title": "T", "model": "seedance-2", "cast": [MARA], "seconds": 8, **facts})
        made = shots(board, lambda name: model("fal", name), Source("t"))
        return plan(board, made, provider="fal", account="default", content=FILE).scenes[0].key

    scene = {"id": "s01", "prompt": "Mara."}
    assert key(scenes=[scene]) == key(scenes=[scene], prefer="frame") == key(scenes=[{**scene, "prefer": "frame"}])
    framed = {**scene, **DAWN}
    assert key(scenes=[framed]) == key(scenes=[{**framed, "prefer": "cast"}])
    assert key(scenes=[framed]) != key(scenes=[framed], prefer="frame")


@pytest.mark.parametrize(("prefer", "cast", "endpoint"), [("cast", ("Mara",), "reference"), ("frame", (), "image")])
def test_a_single_scene_has_the_same_word_on_what_wins(prefer, cast, endpoint):
    media = Media(url="a.png", sha256="a" * 64, bytes=9)
    mara = Casting(character="Mara", images=(media, media), fingerprint="f" * 64)
    sold = model("fal", "seedance-2")
    made = single_shot(
        "Mara.", sold, lambda _: sold, characters=[mara], starts_from_picture=True, seconds=8, prefer=prefer
    )
    single = single_scene(made, account="default", characters=[mara], image="i" * 64, parent=None, copy=0)
    assert (made.cast, made.endpoint) == (cast, f"bytedance/seedance-2.0/{endpoint}-to-video")
    assert single.content["characters"] == ["f" * 64] * len(cast)


@pytest.mark.parametrize(("cast", "seconds"), [(True, 8), (False, 4)])
def test_a_single_scene_without_a_length_is_the_shortest_that_its_mode_sells(cast, seconds):
    media = Media(url="a.png", sha256="a" * 64, bytes=9)
    mara, sold = Casting(character="Mara", images=(media,), fingerprint="f" * 64), model("fal", "veo-3.1")
    assert single_shot("Mara.", sold, lambda _: sold, characters=[mara] * cast).seconds == seconds


def test_the_shape_of_the_frame_is_the_shape_of_the_clip_where_there_is_no_field_for_it():
    assert told(("kie", "seedance-2.5"), {"prompt": "A boat.", "characters": [], **DAWN})[:1] == (
        "s01: seedance-2.5 at kie takes no aspect beside a first frame; the clip has the aspect of the frame",
    )


def test_a_length_that_the_model_chooses_itself_is_told_and_has_no_price():
    board = {"prompt": "A boat.", "characters": [], **DAWN}
    fact = "takes no length beside a first frame; it chooses one itself, and its price is not known before"
    assert told(("toapis", "seedance-2.5"), board)[0] == f"s01: seedance-2.5 at toapis {fact}"
    assert not any("no length" in line for line in told(("toapis", "seedance-2.5"), {"prompt": "A boat."}))
    priced = model("fal", "seedance-2").model_copy(update={"chooses": {"image": ("seconds",)}})
    assert priced.price("image", 4, "720p", mode="image") is None
    assert priced.price("text", 4, "720p", mode="text") is not None


@pytest.mark.parametrize("entry", LIVING, ids=lambda entry: f"{entry.provider}-{entry.name}")
def test_what_a_model_chooses_itself_is_what_its_request_has_no_field_for(entry):
    dialect = dialects(entry.provider)[entry.codec]
    for mode in ("text", "image", "frames", "references"):
        said = {"seconds": ("seconds", "seconds as text", "seconds as 8s"), "aspect": ("aspect",)}
        for choice, names in said.items():
            asked = any(name in dialect.holds(mode) for name in names)
            ever = any(name in dialect.holds(other) for name in names for other in ("text", "image", "references"))
            assert entry.chooses_itself(choice, mode) == (ever and not asked), (mode, choice)


# --- what a mode takes


@pytest.mark.parametrize(
    ("place", "scene", "said"),
    [
        (("fal", "veo-3.1"), {"prompt": "Mara.", "seconds": 4}, "veo-3.1 at fal sells 8 seconds, not 4"),
        (("fal", "veo-3.1"), {"prompt": "A boat.", "seconds": 5}, "veo-3.1 at fal sells 4, 6, 8 seconds, not 5"),
        (("fal", "grok-imagine"), {"prompt": "Mara.", "resolution": "1080p"}, "offers 720p, 480p, not 1080p"),
        (("fal", "kling-v3"), {"prompt": "Mara."}, "kling-v3 at fal shows characters only beside a first frame"),
        (("kie", "kling-v3"), {"prompt": "Mara."}, "kling-v3 at kie shows characters only beside a first frame"),
        (("wavespeed", "vidu-q3"), {"prompt": "A boat."}, "vidu-q3 at wavespeed needs a picture to start from"),
    ],
)
def test_what_a_mode_does_not_take_is_refused_with_the_remedy(place, scene, said):
    with pytest.raises(StoryboardError, match=said):
        shot(place, scene)


def test_the_nearest_is_that_of_the_mode():
    assert shot(("fal", "veo-3.1"), {"prompt": "Mara."}, seconds=5, fit="nearest").seconds == 8
    assert shot(("fal", "veo-3.1"), {"prompt": "A boat."}, seconds=5, fit="nearest").seconds == 4


# --- what it costs


@pytest.mark.parametrize(
    ("place", "seconds", "resolution", "facts", "usd"),
    [
        (("fal", "seedance-2"), 5, "480p", {}, 0.67),
        (("fal", "seedance-2"), 5, "4k", {}, 13.608),
        (("fal", "seedance-2-fast"), 5, "720p", {"clip_seconds": 3}, 1.16112),
        (("fal", "minimax-h3"), 6, "768p", {"clip_seconds": 3}, 0.36),
        (("kie", "wan-3"), 10, "720p", {"clip_seconds": 3}, 1.04),
        (("fal", "seedance-2-fast"), 5, "480p", {}, 0.538),
        (("fal", "seedance-2-mini"), 5, "480p", {}, None),
        (("fal", "seedance-2.5"), 10, "720p", {}, 4.73),
        (("fal", "seedance-2.5"), 10, "1080p", {}, 11.64),
        (("fal", "seedance-2.5"), 10, "720p", {"clip_seconds": 3}, 3.6894),
        (("fal", "seedance-2.5"), 10, "720p", {"audio": False}, 4.73),
        (("fal", "kling-o3"), 5, "1080p", {"audio": False}, 0.56),
        (("fal", "kling-o3-standard"), 5, "720p", {}, 0.56),
        (("fal", "kling-o3-standard"), 5, "720p", {"audio": False}, 0.42),
        (("fal", "kling-o3-4k"), 5, "4k", {"audio": False}, 2.1),
        (("fal", "kling-v3"), 5, "1080p", {}, 0.84),
        (("fal", "kling-v3-standard"), 5, "720p", {"audio": False}, 0.42),
        (("fal", "kling-4"), 10, "1080p", {}, 2.35),
        (("fal", "veo-3.1"), 8, "4k", {}, 4.8),
        (("fal", "veo-3.1"), 8, "720p", {"audio": False}, 1.6),
        (("fal", "veo-3.1-fast"), 6, "720p", {}, 0.9),
        (("fal", "veo-3.1-fast"), 6, "720p", {"audio": False}, 0.6),
        (("fal", "minimax-h3"), 6, "2k", {}, 0.78),
        (("fal", "minimax-h3"), 6, "2k", {"pictures": 7}, 0.94),
        (("fal", "minimax-h3-max"), 6, "480p", {}, 0.3),
        (("fal", "minimax-h3-max"), 6, "480p", {"mode": "references"}, 0.48),
        (("fal", "gemini-omni-flash"), 8, "4k", {}, 2.4),
        (("fal", "gemini-omni-flash"), 8, "360p", {}, None),
        (("fal", "grok-imagine"), 8, "1080p", {}, 2.0),
        (("fal", "vidu-q3"), 5, "1080p", {}, 0.77),
        (("kie", "seedance-2"), 5, "4k", {}, 5.2),
        (("kie", "seedance-2"), 5, "480p", {"clip_seconds": 3}, 0.46),
        (("kie", "seedance-2-fast"), 5, "720p", {}, 0.62),
        (("kie", "seedance-2-mini"), 5, "720p", {"clip_seconds": 5}, 0.25),
        (("kie", "seedance-2.5"), 9, "720p", {}, 2.835),
        (("kie", "seedance-2.5"), 5, "720p", {"pictures": 1}, 1.575),
        (("kie", "kling-v3"), 5, "1080p", {}, 0.675),
        (("kie", "kling-v3"), 5, "4k", {"audio": False}, 1.675),
        (("kie", "kling-o3"), 5, "720p", {}, None),
        (("kie", "veo-3.1"), 8, "720p", {}, None),
        (("kie", "minimax-h3"), 6, "2k", {"pictures": 6}, 0.41),
        (("kie", "minimax-h3"), 6, "768p", {"clip_seconds": 4}, 0.4),
        (("kie", "wan-3"), 10, "1080p", {}, 1.6),
        (("kie", "gemini-omni-flash"), 6, "720p", {}, 0.42),
        (("kie", "gemini-omni-flash"), 6, "4k", {}, 0.84),
        (("toapis", "seedance-2.5"), 5, "720p", {}, None),
        (("wavespeed", "seedance-2.5"), 5, "720p", {}, None),
        (("wavespeed", "seedance-2.5"), 5, "720p", {"mode": "image"}, 1.8),
        (("wavespeed", "kling-4"), 5, "720p", {}, 0.785),
        (("wavespeed", "kling-4"), 5, "4k", {}, None),
        (("wavespeed", "kling-o3-standard"), 5, "720p", {"audio": False}, 0.42),
        (("wavespeed", "wan-3"), 10, "480p", {}, 0.5),
    ],
)
def test_a_scene_costs_what_the_contract_says(place, seconds, resolution, facts, usd):
    assert model(*place).price("text", seconds, resolution, **facts) == usd


def test_a_shot_is_priced_with_its_mode_and_its_pictures():
    made = shot(("kie", "minimax-h3"), {"prompt": "Mara."})
    assert (made.usd, made.price()) == (0.32, 0.32)
    crowd = made.model_copy(update={"sends": tuple(made.sends[0].model_copy(update={"pictures": 7}) for _ in "1")})
    assert crowd.price() == 0.36


# --- what cannot be said


@pytest.mark.parametrize(
    ("place", "facts", "why"),
    [
        (("kie", "minimax-h3"), {"audio": False}, "minimax-h3 at kie cannot be silenced: leave audio out"),
        (("kie", "seedance-2"), {"seed": 7}, "seedance-2 at kie takes no seed"),
        (("kie", "wan-3"), {"negative": "text"}, "wan-3 at kie takes no negative prompt"),
        (("kie", "seedance-2"), {"last_frame_url": "https://e.com/l.png"}, "takes a last frame only with a first one"),
        (("kie", "sora-2"), {"audio": False}, "sora-2 at kie cannot be silenced"),
        (("kie", "sora-2"), {"last_frame_url": "https://e.com/l.png"}, "sora-2 at kie takes no last frame"),
        (
            ("kie", "seedance-2"),
            {
                "last_frame_url": "https://e.com/l.png",
                "references": (Reference(character="M", image_urls=("https://e.com/a.png",)),),
            },
            "seedance-2 at kie takes no last frame beside its characters",
        ),
    ],
)
def test_what_a_model_cannot_be_told_is_refused_before_anything_is_sent(place, facts, why):
    kie = Kie(httpx.AsyncClient(), api_key="k", api_url="https://a", upload_url="https://u")
    sold = model(*place)
    request = SceneRequest(
        model=sold, prompt="p", seconds=sold.seconds[-1], aspect="16:9", resolution=sold.resolutions[0], **facts
    )
    with pytest.raises(InvalidRequest, match=why) as refused:
        kie.scene_order(request)
    assert (refused.value.sent, refused.value.charged) == (False, False)


def test_a_last_frame_alone_is_taken_where_the_page_says_so():
    kie = Kie(httpx.AsyncClient(), api_key="k", api_url="https://a", upload_url="https://u")
    wanted = {"prompt": "p", "seconds": 6, "aspect": "16:9", "resolution": "768p"}
    order = kie.scene_order(
        SceneRequest(model=model("kie", "minimax-h3"), last_frame_url="https://e.com/l.png", **wanted)
    )
    assert (order.endpoint, order.body["input"]["last_frame_url"]) == (
        "minimax-h3/image-to-video",
        "https://e.com/l.png",
    )


def test_elements_are_named_by_words_that_a_prompt_can_cite():
    kie = Kie(httpx.AsyncClient(), api_key="k", api_url="https://a", upload_url="https://u")
    cast = tuple(
        Reference(character=name, image_urls=("https://e.com/a.png", "https://e.com/b.png"))
        for name in ("Mara Vance", "はな", "mara vance!")
    )
    wanted = {"prompt": "Mara Vance meets はな.", "seconds": 5, "aspect": "16:9", "resolution": "720p"}
    request = SceneRequest(model=model("kie", "kling-v3"), references=cast, image_url="https://e.com/f.png", **wanted)
    body = kie.scene_order(request).body["input"]
    assert [each["name"] for each in body["kling_elements"]] == ["mara_vance", "character_2", "mara_vance_3"]
    assert body["prompt"] == "@mara_vance meets @character_2."
