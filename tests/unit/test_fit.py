"""The nearest that a model sells, and pictures to start from in the form that each model takes."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.jpeg import write_jpeg
from prefect_storyboard.media.probe import probe_image
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.media.stills import fit_image
from prefect_storyboard.providers.table import model, models
from prefect_storyboard.storyboards import Model, PictureLimits, Shot, Source, StoryboardError, shots, validate
from prefect_storyboard.storyboards.fit import Size, differences, nearest, nearest_seconds

SOLD = Model(
    name="sold",
    provider="somewhere",
    endpoints={"text": "t", "image": "i"},
    seconds=(4, 8, 15),
    aspects=("16:9", "9:16", "1:1"),
    resolutions=("720p", "480p", "true_1080p"),
)
NARROW = SOLD.model_copy(update={"aspects": ("16:9", "9:16"), "resolutions": ("720p",)})


def size(seconds: int = 4, aspect: str = "16:9", resolution: str = "720p") -> Size:
    return Size(seconds, aspect, resolution)


# --- the nearest


@pytest.mark.parametrize(
    ("asked", "given"), [(1, 4), (4, 4), (5, 4), (6, 4), (7, 8), (11, 8), (12, 15), (15, 15), (3600, 15)]
)
def test_the_nearest_length_is_taken_and_the_shorter_of_two(asked: int, given: int) -> None:
    assert nearest_seconds(asked, SOLD.seconds) == nearest(size(asked), SOLD).seconds == given


@pytest.mark.parametrize(
    ("asked", "given"),
    [("16:9", "16:9"), ("21:9", "16:9"), ("4:3", "1:1"), ("3:4", "9:16"), ("1:1", "1:1"), ("9:16", "9:16")],
)
def test_the_nearest_shape_is_taken_and_upright_stays_upright(asked: str, given: str) -> None:
    assert nearest(size(aspect=asked), SOLD).aspect == given
    assert nearest(size(aspect="3:4"), NARROW).aspect == "9:16"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("720p", "720p"),
        ("480p", "480p"),
        ("true_1080p", "true_1080p"),
        ("1080p", "true_1080p"),
        ("2160p", "true_1080p"),
        ("500p", "480p"),
        ("360p", "480p"),
        ("4k", "720p"),
        ("best", "720p"),
        ("720", "720p"),
    ],
)
def test_the_nearest_number_of_lines_is_taken_and_the_default_where_there_is_none(asked: str, given: str) -> None:
    assert nearest(size(resolution=asked), SOLD).resolution == given


@pytest.mark.parametrize("place", [(provider, name) for provider, family in models().items() for name in family])
def test_what_is_sold_is_its_own_nearest_and_anything_comes_out_as_something_sold(place: tuple[str, str]) -> None:
    sold = model(*place)
    for seconds in sold.seconds:
        for aspect in sold.aspects:
            for resolution in sold.resolutions:
                asked = Size(seconds, aspect, resolution)
                assert nearest(asked, sold) == asked
    odd = nearest(Size(99, "21:9", "1440p"), sold)
    assert odd.seconds in sold.seconds
    assert odd.aspect in sold.aspects
    assert odd.resolution in sold.resolutions


def test_every_difference_is_said_and_nothing_else() -> None:
    assert differences(size(), size()) == ()
    assert differences(size(), size(8, "1:1", "480p")) == (
        "4 s was asked for, 8 s is rendered and billed",
        "16:9 was asked for, 1:1 is rendered and billed",
        "720p was asked for, 480p is rendered and billed",
    )
    assert differences(size(), size(resolution="480p")) == ("720p was asked for, 480p is rendered and billed",)


# --- shots


def taken(*scenes: dict[str, Any], provider: str = "fal", cast: Any = (), **facts: Any) -> tuple[Shot, ...]:
    written = [{"id": f"s{number:02d}", "prompt": "p", **scene} for number, scene in enumerate(scenes, 1)]
    board = validate({"title": "T", "model": "sora-2", "scenes": written, "cast": cast, **facts})
    return shots(board, lambda name: model(provider, name), Source())


def test_a_fitted_shot_is_priced_as_it_is_billed_and_says_so() -> None:
    (shot,) = taken({}, provider="kie", seconds=12, aspect="4:3", fit="nearest")
    assert (shot.seconds, shot.aspect, shot.resolution, shot.usd) == (10, "16:9", "720p", 0.15)
    assert shot.remarks == (
        "12 s was asked for, 10 s is rendered and billed",
        "4:3 was asked for, 16:9 is rendered and billed",
    )
    (exact,) = taken({}, provider="kie", seconds=10)
    assert exact.remarks == ()


@pytest.mark.parametrize(
    ("parent", "child", "says"),
    [
        (
            "seedance-2",
            "sora-2",
            "scenes[1].remixes: seedance-2 at fal, which renders s01, makes no videos that can be",
        ),
        ("sora-2", "seedance-2", "scenes[1].remixes: seedance-2 at fal cannot start a scene this way; leave remixes"),
        ("seedance-2", "seedance-2", "scenes[1].remixes: seedance-2 at fal cannot start a scene this way"),
    ],
)
def test_a_video_that_cannot_be_remixed_is_refused_before_anything_is_sent(parent: str, child: str, says: str) -> None:
    with pytest.raises(StoryboardError) as refused:
        taken({"model": parent}, {"model": child, "remixes": "s01"})
    assert str(refused.value).startswith(f"storyboard: {says}")
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("child", ["sora-2", "sora-2-pro"])
def test_a_video_of_another_model_that_can_be_remixed_is_taken(child: str) -> None:
    made = taken({"model": "sora-2"}, {"model": child, "remixes": "s01"}, {"model": child, "remixes": "s02"})
    assert [shot.operation for shot in made] == ["text", "remix", "remix"]


CLIP, BOTH = {"name": "Ann", "clip": "a.mp4"}, {"name": "Bob", "clip": "b.mp4", "images": ["b.png"]}
SHOWN = {"name": "Cy", "clip": "c.mp4", "reference": "clip"}


@pytest.mark.parametrize(
    ("family", "cast", "scene", "sends"),
    [
        ("sora-2", [CLIP], {}, []),
        ("seedance-2", [CLIP], {}, [("Ann", False, 3)]),
        ("seedance-2", [SHOWN], {}, [("Cy", True, 0)]),
        ("seedance-2", [CLIP, BOTH, SHOWN], {}, [("Ann", False, 3), ("Bob", False, 1), ("Cy", True, 0)]),
        ("seedance-2", [CLIP, BOTH], {"image": "f.png"}, [("Ann", False, 3), ("Bob", False, 1)]),
        ("veo-3.1", [CLIP, BOTH], {}, [("Ann", False, 1), ("Bob", False, 1)]),
        ("veo-3.1", [CLIP, BOTH], {"image": "f.png"}, [("Ann", False, 1), ("Bob", False, 1)]),
        ("veo-3.1", [SHOWN], {}, [("Cy", False, 1)]),
        ("kling-o3", [CLIP, BOTH], {}, [("Ann", False, 4), ("Bob", False, 2)]),
    ],
)
def test_each_character_is_shown_as_the_model_takes_it(family: str, cast: Any, scene: Any, sends: Any) -> None:
    names = " and ".join(who["name"] for who in cast)
    (shot,) = taken({"prompt": f"{names} wait.", **scene}, model=family, cast=cast, seconds=8)
    assert [(each.character, each.clip, each.pictures) for each in shot.sends] == sends


# --- the first frame


def frame(path: Path, limits: PictureLimits, folder: Path) -> Path:
    return fit_image(local_file(path), limits, "s01", folder=folder / "made").path


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG of noise with more than 10 MB."""
    path = tmp_path_factory.mktemp("heavy") / "noise.png"
    noise = Image.merge("RGB", [Image.effect_noise((2100, 1750), 90) for _ in range(3)])
    noise.save(path, compress_level=0)
    assert path.stat().st_size > 10_000_000
    return path


FRAMES = {
    f"{provider} {name}": family.frame
    for provider, table in models().items()
    for name, family in table.items()
    if "image" in family.endpoints
}


@pytest.mark.parametrize("place", FRAMES)
def test_a_bitmap_becomes_a_jpeg_for_every_model(place: str, tmp_path: Path) -> None:
    Image.new("RGB", (1280, 720), (30, 60, 120)).save(tmp_path / "dawn.bmp")
    assert probe_image(frame(tmp_path / "dawn.bmp", FRAMES[place], tmp_path)) == (1280, 720, "jpeg")


@pytest.mark.parametrize(
    ("provider", "family", "most"),
    [("kie", "sora-2", 10_000_000), ("fal", "veo-3.1", 8_000_000)],
)
def test_a_picture_that_is_too_heavy_is_made_as_light_as_the_model_takes_it(
    provider: str, family: str, most: int, heavy: Path, tmp_path: Path
) -> None:
    out = frame(heavy, model(provider, family).frame, tmp_path)
    assert most / 2 < out.stat().st_size <= most
    width, height, kind = probe_image(out)
    assert (width / height, kind) == (pytest.approx(1.2, abs=0.01), "jpeg")


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        ((1280, 720), (1280, 720)),
        ((720, 1280), (720, 1280)),
        ((1920, 1080), (1280, 720)),
        ((640, 480), (1280, 720)),
        ((480, 640), (720, 1280)),
        ((3000, 500), (1280, 720)),
    ],
)
def test_azures_sora_gets_exactly_the_sizes_that_it_takes(
    size: tuple[int, int], sent: tuple[int, int], tmp_path: Path
) -> None:
    Image.new("RGB", size, (240, 230, 210)).save(tmp_path / "dawn.png")
    out = frame(tmp_path / "dawn.png", model("toapis", "sora-2-official").frame, tmp_path)
    assert probe_image(out)[:2] == sent
    assert (out == tmp_path / "dawn.png") == (size == sent), "what fits is sent as it is"
    with Image.open(out) as shown:
        corner = shown.convert("RGB").getpixel((2, 2))
    assert corner == pytest.approx((240, 230, 210), abs=3), "bars are in the colour of the edges"


def test_a_picture_of_an_exact_size_is_made_coarser_and_never_smaller(tmp_path: Path) -> None:
    noise = Image.effect_noise((320, 180), 90).convert("RGB")
    best = BytesIO()
    noise.save(best, "JPEG", quality=95, subsampling=0)
    exact = PictureLimits(sizes=((320, 180),), max_bytes=best.tell() - 1)
    write_jpeg(noise, exact, tmp_path / "a.jpg", "a")
    assert probe_image(tmp_path / "a.jpg")[:2] == (320, 180)
    with pytest.raises(MediaError, match=r"a cannot be made as small as 1\.0 kB"):
        write_jpeg(noise, exact.model_copy(update={"max_bytes": 1000}), tmp_path / "b.jpg", "a")


def test_a_frame_too_small_is_refused_by_name(tmp_path: Path) -> None:
    Image.new("RGB", (640, 200)).save(tmp_path / "dawn.png")
    with pytest.raises(MediaError, match=r"^s01: dawn\.png is 640x200: the shorter side needs at least 300 pixels"):
        frame(tmp_path / "dawn.png", model("fal", "kling-o3").frame, tmp_path)


def test_auto_follows_a_first_frame_and_is_the_models_default_without_one():
    asked = Size(4, "auto", "auto")
    sold = model("fal", "sora-2")
    assert nearest(asked, sold, "image") == asked
    assert nearest(asked, sold) == Size(4, "16:9", "720p")
    assert sold.price("image", 4, "auto") == sold.price("image", 4, "720p")
    assert model("fal", "sora-2-pro").price("image", 4, "auto") is None
