"""A drawing is checked against its model before money is spent, and its key holds what the user decided."""

from typing import Any

import pytest

from prefect_storyboard.providers.images import image_model, image_models, sent_prompt
from prefect_storyboard.storyboards import Drawing, StillReference

from .drawings import MARA, PLACE, drawn, still

DRAWING_KEY = "607b2db8fe0dcf62655dabb5828c295055aa979e4ec84ad8abbd36962fbfe661"


def key(**facts: Any) -> str:
    return drawn(**facts).key("default")


def test_the_key_of_a_drawing_does_not_move() -> None:
    assert key(references=[MARA, PLACE], seed=None) == DRAWING_KEY


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Mara shuts the door."},
        {"aspect": "9:16"},
        {"resolution": "2K"},
        {"output_format": "jpeg"},
        {"take": 2},
        {"copy": 1},
        {"reroll": "darker"},
        {"reroll": "darker", "note": "at night"},
        {"references": [PLACE, MARA]},
        {"references": [MARA.model_copy(update={"role": ""}), PLACE]},
        {"references": [MARA.model_copy(update={"fingerprint": "f" * 64}), PLACE]},
        {"provider": "wavespeed"},
        {"model": "seedream-5-pro"},
    ],
)
def test_what_the_user_decides_is_in_the_key(change: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"references": [MARA, PLACE]}
    assert key(**(whole | change)) != key(**whole)


def test_neither_links_nor_jobs_of_references_are_in_the_key() -> None:
    elsewhere = MARA.model_copy(update={"job_key": "1" * 64, "media": (still().media,), "pictures": 2})
    assert key(references=[elsewhere, PLACE]) == key(references=[MARA, PLACE])


def test_a_default_that_is_written_out_is_the_same_picture() -> None:
    assert key(resolution="1k", output_format="png", aspect="16:9") == key()


def test_two_accounts_and_two_takes_are_two_jobs_of_one_identity() -> None:
    one, two = drawn(), drawn(take=2)
    assert one.key("default") != one.key("other")
    assert one.identity("default") == two.identity("default") == drawn(reroll="x", note="y").identity("default")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"aspect": "7:5"}, r"^aspect: nano-banana-2.1 at kie does not make 7:5; choose one of 1:1, 16:9"),
        ({"resolution": "8K"}, r"^resolution: .* choose one of 1K, 2K, 4K"),
        ({"quality": "high"}, r"^quality: .*; leave it out"),
        ({"output_format": "gif"}, r"^output_format: .* choose one of png, jpeg"),
        ({"seed": 7}, r"^seed: nano-banana-2.1 at kie takes none"),
        ({"references": [MARA] * 11}, r"^references: .* takes 10 pictures, and these are 11"),
        ({"fields": {"image_urls": ["https://example.com/a.png"]}}, r"^fields: image_urls is not known .* dropped and"),
        ({"model": "qwen-edit", "aspect": "auto"}, r"^references: .* draws only from references"),
        ({"model": "qwen-edit", "references": [MARA]}, r"^aspect: .* does not make 16:9; choose one of auto"),
        ({"model": "kling-image-o3"}, r"^model: kling-image-o3 at kie is not sold: Kie does not list it"),
        ({"prompt": "  "}, r"^prompt: is empty"),
    ],
)
def test_what_the_model_does_not_take_is_refused_by_argument(facts: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        drawn(**facts)


@pytest.mark.parametrize(
    ("provider", "model", "facts", "usd"),
    [
        ("kie", "nano-banana-2.1", {"resolution": "2K"}, 0.03),
        ("kie", "seedream-5-pro", {"references": [MARA, PLACE]}, 0.0375),
        ("kie", "qwen-edit", {"references": [MARA, PLACE], "aspect": "auto"}, 0.029),
        ("fal", "nano-banana-2.1", {}, 0.08),
        ("fal", "seedream-5-pro", {"resolution": "2K", "references": [MARA] * 3}, 0.144),
        ("fal", "gpt-image-2.5", {}, None),
        ("toapis", "gpt-image-2.5", {"references": [MARA], "resolution": "4K"}, 0.025),
        ("wavespeed", "nano-banana-2.1", {}, None),
    ],
)
def test_a_picture_costs_its_tier_and_its_references(
    provider: str, model: str, facts: dict[str, Any], usd: float | None
) -> None:
    assert drawn(provider=provider, model=model, **facts).usd == usd


def sent(provider: str, model: str, *references: StillReference, **facts: Any) -> str:
    return sent_prompt(drawn(provider=provider, model=model, references=references, **facts))


def test_the_prompt_says_which_picture_is_whom_and_what_for() -> None:
    assert sent("kie", "seedream-5-pro", MARA, PLACE) == (
        "Image 1 is Mara: keep her face and coat.\nImage 2 is the lighthouse.\nMara opens the gallery door."
    )


def test_several_pictures_of_one_reference_share_a_sentence() -> None:
    both = MARA.model_copy(update={"pictures": 2, "role": ""})
    assert sent("kie", "flux-2-pro", both, PLACE).splitlines()[:2] == [
        "image 1 and image 2 are Mara.",
        "image 3 is the lighthouse.",
    ]


def test_a_model_that_parses_citations_has_them_in_the_place_of_names() -> None:
    assert sent("fal", "kling-image-o3", MARA, PLACE) == (
        "@Image1: keep her face and coat.\n@Image2 is the lighthouse.\n@Image1 opens the gallery door."
    )


def test_a_prompt_that_cites_its_pictures_itself_is_sent_as_it_stands() -> None:
    nameless = StillReference(fingerprint="a" * 64)
    assert sent("kie", "nano-banana-2.1", nameless) == "Mara opens the gallery door."
    with_role = nameless.model_copy(update={"role": "the light"})
    assert sent("kie", "nano-banana-2.1", with_role).startswith("image 1: the light.\n")


def test_a_note_is_part_of_the_prompt() -> None:
    assert sent("kie", "nano-banana-2.1", reroll="x", note="At night.").endswith("door.\nAt night.")


@pytest.mark.parametrize("provider", ["fal", "kie", "wavespeed", "toapis"])
def test_every_gateway_sells_or_explains_the_six_models(provider: str) -> None:
    six = {"nano-banana-2.1", "seedream-5-pro", "gpt-image-2.5", "flux-2-pro", "kling-image-o3", "qwen-edit"}
    assert six <= set(image_models(provider))
    for model in image_models(provider).values():
        assert bool(model.refused) != bool(model.endpoints), model.name


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"did you mean nano-banana-2\.1"):
        image_model("fal", "nano-banana-2")
    with pytest.raises(KeyError, match=r"has no image models here; choose an account at fal\.ai"):
        image_model("openai", "gpt-image-2.5")


@pytest.mark.parametrize("provider", ["fal", "kie", "wavespeed", "toapis"])
def test_sizes_in_pixels_are_told_for_every_aspect_and_tier(provider: str) -> None:
    for model in image_models(provider).values():
        for tier, sizes in model.pixels.items():
            assert set(sizes) == set(model.aspects), (model.name, tier)
            for aspect, (width, height) in sizes.items():
                across, down = map(int, aspect.split(":"))
                assert abs(width / height / (across / down) - 1) < 0.01, (model.name, tier, aspect)
        assert not model.pixels or set(model.pixels) == set(model.resolutions)


def test_the_content_of_a_drawing_is_what_its_key_hashes() -> None:
    one: Drawing = drawn(references=[MARA])
    assert one.basis("default")["references"] == [
        {"fingerprint": "a" * 64, "name": "Mara", "role": "keep her face and coat"}
    ]
