"""The data form of the sandbox's models: a model is a table, and each of its rules does what it says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prefect_storyboard.sandbox.catalogue import Broken, House, Model, draft, form, frame, order, read
from prefect_storyboard.sandbox.catalogue.cites import citations
from prefect_storyboard.sandbox.catalogue.prices import cost
from prefect_storyboard.sandbox.catalogue.rows import Field

URL, MP4 = "https://example.com/mara.png", "https://example.com/walk.mp4"
TABLE = """
[vendor]
pattern = true
label = "vendor"
files.image = { kind = "image", megabytes = 30 }
files.video = { kind = "video" }
[vendor.fields]
prompt = { text = [1, 20], required = true }
duration = { choice = ["auto", "4..6"], default = "auto" }
resolution = { choice = ["720p", "4K"], default = "720p" }
generate_audio = { flag = true, default = true }

["vendor/text-to-video"]
like = "vendor"
price = { rates = { "720p silent" = 0.1, "720p sound" = 0.2 } }

["vendor/reference-to-video"]
like = "vendor"
label = "vendor with references"
cites = ["@Image1"]
without = ["generate_audio"]
sound = false
rules = [{ counts = ["image_urls", "video_urls"], most = 3, says = "At most 3." }]
fields.image_urls = { urls = "image", most = 3, default = [] }
fields.video_urls = { urls = "video", default = [] }
price = { rates = { any = 0.1 }, videos = 0.5, counts_videos = true, extra = { beyond = 1, each = 1 } }
"""


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Model]:
    (tmp_path / "vendor.toml").write_text(TABLE)
    return read(tmp_path)


def model(**parts: Any) -> Model:
    """A model of two texts and a list, with the rules of a test."""
    fields: dict[str, Any] = {
        "prompt": {"text": (1, 0)},
        "first": {"text": (0, 0)},
        "second": {"text": (0, 0)},
        "files": {"texts": True, "default": []},
        "seconds": {"whole": (1, 30), "default": 5},
        "shots": {"many": True, "default": [], "fields": {"clip": {"text": (0, 0)}}},
    }
    return Model.model_validate({"label": "m", "fields": fields, "seconds": "seconds", **parts})


def test_a_pattern_is_no_model_and_gives_all_that_is_not_said_again(models: dict[str, Model]) -> None:
    assert list(models) == ["vendor/text-to-video", "vendor/reference-to-video"]
    reference = models["vendor/reference-to-video"]
    assert reference.label == "vendor with references"
    assert list(reference.fields) == ["prompt", "duration", "resolution", "image_urls", "video_urls"]


def test_a_model_is_a_table_and_no_code(models: dict[str, Model]) -> None:
    given = order(models["vendor/text-to-video"], {"prompt": "a", "duration": "6", "generate_audio": False})
    assert (given.seconds, given.resolution, given.short_side, given.sound) == (6, "720p", 720, False)
    assert cost(given, 6) == pytest.approx(0.6)


def test_a_price_that_is_not_in_the_table_is_not_known(models: dict[str, Model]) -> None:
    given = order(models["vendor/text-to-video"], {"prompt": "a", "resolution": "4K"})
    assert (given.short_side, cost(given, 6)) == (2160, None)


def test_videos_change_the_price_and_pictures_beyond_the_free_ones_cost(models: dict[str, Model]) -> None:
    body = {"prompt": "a", "image_urls": [URL, URL], "video_urls": [MP4]}
    assert cost(order(models["vendor/reference-to-video"], body), 4, 6) == pytest.approx(0.05 * (4 + 6) + 1)


def test_a_draft_may_lack_what_an_order_needs(models: dict[str, Model]) -> None:
    assert cost(draft(models["vendor/text-to-video"], {"duration": "4"}), 4) == pytest.approx(0.8)


@pytest.mark.parametrize(
    "wrong",
    [
        "fields.prompt = { text = [1, 2], requird = true }",
        "fields.prompt = { text = [1, 2], flag = true }",
        "fields.prompt = { required = true }",
        'rules = [{ needs = ["prompt"] }]',
        "prices = { any = 1 }",
    ],
)  # fmt: skip
def test_a_table_with_a_mistake_is_not_read(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "vendor.toml").write_text(f'["vendor/x"]\nlabel = "x"\nfields.a = {{ flag = true }}\n{wrong}\n')
    with pytest.raises(ValidationError):
        read(tmp_path)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, "missing"),
        ({"prompt": "a" * 21}, "string_too_long"),
        ({"prompt": "a", "duration": 5}, "literal_error"),
        ({"prompt": "a", "generate_audio": "true"}, "bool_type"),
        ({"prompt": "a", "colour": "red"}, "extra_forbidden"),
    ],
)
def test_a_field_is_refused_in_pydantics_words(models: dict[str, Model], body: dict[str, Any], kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        order(models["vendor/text-to-video"], body)
    assert refused.value.errors()[0]["type"] == kind


ONE, BOTH = {"prompt": "p", "first": "a"}, {"prompt": "p", "first": "a", "second": "b"}


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        ({"given": ["first"], "forbids": ["second"]}, ONE, BOTH),
        ({"given": ["second"], "needs": ["first"]}, BOTH, {"prompt": "p", "second": "b"}),
        ({"needs": ["first", "second"]}, ONE, {"prompt": "p"}),
        ({"one_of": ["first", "second"]}, ONE, BOTH),
        ({"when": {"first": "a"}, "needs": ["second"]}, {"prompt": "p", "first": "c"}, ONE),
        ({"when": {"first": ["a", "b"]}, "only": {"seconds": [8]}}, {**ONE, "seconds": 8}, ONE),
        ({"counts": ["files", "first"], "most": 2}, {**ONE, "files": ["x"]}, {**ONE, "files": ["x", "y"]}),
        ({"counts": ["files"], "least": 1}, {"prompt": "p", "files": ["x"]}, {"prompt": "p"}),
        ({"counts": ["files"], "least": 2, "or_one": [".mp4"]}, {"prompt": "p", "files": [MP4]}, {"prompt": "p", "files": [URL]}),
        ({"counts": ["shots.clip"], "most": 1}, {"prompt": "p", "shots": [{"clip": "x"}, {}]}, {"prompt": "p", "shots": [{"clip": "x"}] * 2}),
        ({"seconds": [4, 8]}, {"prompt": "p", "seconds": 8}, {"prompt": "p", "seconds": 9}),
    ],
)  # fmt: skip
def test_what_a_rule_says(rule: dict[str, Any], kept: dict[str, Any], broken: dict[str, Any]) -> None:
    made = model(rules=[{**rule, "says": "No.", "at": "first"}])
    assert order(made, kept)
    with pytest.raises(Broken, match=r"No\.") as refused:
        order(made, broken)
    assert refused.value.where == ("first",)


def test_one_too_many_is_blamed_where_it_is() -> None:
    made = model(rules=[{"counts": ["shots.clip"], "most": 1, "says": "No."}])
    with pytest.raises(Broken) as refused:
        order(made, {"prompt": "p", "shots": [{"clip": "x"}, {}, {"clip": "y"}]})
    assert refused.value.where == ("shots", 2, "clip")


@pytest.mark.parametrize(
    ("style", "prompt", "names"),
    [
        ("@Image1", "@Image2 as in @Video1, not Image 3", ["Image 2", "Video 1"]),
        ("@image1", "@image2 and @Image1", ["Image 2"]),
        ("Image 1", "Image 2 and image 1", ["Image 2"]),
        ("Image1", "Image2 speaks as Audio1", ["Image 2", "Audio 1"]),
        ("<<<image_1>>>", "<<<image_2>>> <<<element_1>>>", ["Image 2", "Element 1"]),
        ("<Picture 1>", "<Picture 2>, <Video 1>, Picture 3", ["Image 2", "Video 1"]),
        ("<IMAGE_REF_0>", "<IMAGE_REF_0> and <IMAGE_REF_1>", ["Image 1", "Image 2"]),
        ("<IMAGE_0>", "<IMAGE_2>", ["Image 3"]),
        ("[Image 1]", "[Image 2] Image 1", ["Image 2"]),
        ("character1", "character12 and characters", ["Image 12"]),
        ("@name", "@mara meets @otto.", ["Element 1"]),
    ],
)
def test_how_a_prompt_names_a_reference(style: str, prompt: str, names: list[str]) -> None:
    assert [each.name for each in citations([style], prompt, {"mara": "Element 1"})] == names


def test_a_name_that_can_be_nothing_else_needs_its_file(models: dict[str, Model]) -> None:
    made, body = models["vendor/reference-to-video"], {"prompt": "@Image2 waves", "image_urls": [URL]}
    assert order(made, body)
    with pytest.raises(Broken, match="@Image2 is missing"):
        order(made, body, unknown="{name} is missing")


# --- every table that there is

ROOT = Path(__file__).parents[2] / "sandbox"
SOLD = [
    (gateway, row)
    for gateway in ("fal", "kie", "toapis", "wavespeed")
    for row in read(ROOT / gateway / "rows").values()
]


def value(field: Field) -> Any:
    """Something that the field takes."""
    if field.many:
        return [inner(field.fields)] * max(field.least, 1)
    if field.fields:
        return inner(field.fields)
    if field.urls or field.texts:
        return [URL] * max(field.least, 1)
    if field.choice:
        first = str(field.choice[0])
        return int(first[1:].split("..", maxsplit=1)[0]) if first.startswith("#") else first.split("..", maxsplit=1)[0]
    if field.whole or field.number:
        return (field.whole or field.number or (0, 0))[0]
    return URL if field.url else True if field.flag else "A fox at dusk."


def inner(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: value(field) for name, field in fields.items()}


@pytest.mark.parametrize(("gateway", "row"), SOLD, ids=[f"{gateway} {row.name}" for gateway, row in SOLD])
def test_a_table_fits_together(gateway: str, row: Model) -> None:
    """Its files are known, its sizes are sizes, and what its price speaks of is on offer."""
    every = draft(row, inner(row.fields))
    assert all(file.rules in row.files.values() for file in every.files)
    assert len(citations(row.cites, "", {})) == 0
    sizes = {draft(row, {row.resolution: each}).resolution for each in resolutions(row)}
    if row.makes == "picture":
        assert {word for key in row.price.rates for word in key.split()} <= {*sizes, *row.tiers, *qualities(row), "any"}
        return
    for size in sizes:
        wide, high = frame(draft(row, {row.resolution: size}), (), House(), 1.0)
        assert min(wide, high) >= 360
    words = {word for key in row.price.rates for word in key.split()}
    seconds = {word for word in words if word.endswith("s") and word[:-1].isdigit()}
    assert words - seconds <= sizes | {"sound", "silent", "videos", "any"}, gateway


def qualities(row: Model) -> set[str]:
    return {str(each) for each in row.fields[row.quality].choice} if row.quality else set()


def resolutions(row: Model) -> list[str]:
    field = row.fields.get(row.resolution)
    return [str(each) for each in field.choice] if field else [row.resolution]


@pytest.mark.parametrize(("gateway", "row"), SOLD, ids=[f"{gateway} {row.name}" for gateway, row in SOLD])
def test_what_a_table_insists_on_is_enough_for_its_form(gateway: str, row: Model) -> None:
    """A rule may want more than the required fields, the form does not."""
    body = {name: value(field) for name, field in row.fields.items() if field.required}
    assert form(row).model_validate(body), gateway
    assert form(row).model_json_schema()["additionalProperties"] is False
