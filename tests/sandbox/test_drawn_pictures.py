"""Drawn pictures are real, the same every time, and show who and what the words and the references say."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from prefect_storyboard.sandbox.catalogue import Model, order
from prefect_storyboard.sandbox.catalogue.roles import Role, roles
from prefect_storyboard.sandbox.documents import Picture, Reference
from prefect_storyboard.sandbox.people import face_from, is_sheet, worn
from prefect_storyboard.sandbox.pictures import described, draw
from prefect_storyboard.sandbox.portraits import square

URL = "https://example.com/mara.png"
MARA = "Character sheet of MARA in a red coat"


def make(folder: Path, **changes: Any) -> bytes:
    picture = Picture(width=640, height=360, prompt="A quay at dusk", label="a model", stamp="405a114e")
    return draw(picture.copy_with(**changes), folder, folder).read_bytes()


def kept(folder: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    (folder / digest).write_bytes(data)
    return digest


def reference(folder: Path, name: str, colour: str = "teal", **facts: Any) -> Reference:
    target = io.BytesIO()
    Image.new("RGB", (300, 300), colour).save(target, "png")
    return Reference(**{"name": name, "kind": "person", "words": "", "file": kept(folder, target.getvalue()), **facts})


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def differs(one: bytes, other: bytes) -> bool:
    """Whether the pictures differ above the line below."""
    first, second = (opened(each).crop((0, 0, 640, 320)) for each in (one, other))
    return ImageChops.difference(first, second).getbbox() is not None


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_picture_says_what_it_was_made_of_in_every_form(tmp_path: Path, form: str) -> None:
    mara = reference(tmp_path, "Mara")
    data = make(tmp_path, format=form, references=(mara,))
    said = {"model": "a model", "prompt": "A quay at dusk", "shows": ["person Mara"], "references": [mara.file]}
    assert (Image.open(io.BytesIO(data)).format, described(data)) == (form.upper(), said)


@pytest.mark.parametrize("size", [(1366, 768), (768, 1366), (1024, 1024), (2896, 360), (362, 2896)])
@pytest.mark.parametrize("prompt", ["", MARA, "Sheet of the place Harbour", "Sheet of the prop Lamp", "x" * 400])
def test_every_size_can_be_drawn(tmp_path: Path, size: tuple[int, int], prompt: str) -> None:
    data = make(tmp_path, width=size[0], height=size[1], prompt=prompt, references=(reference(tmp_path, "Mara"),))
    assert opened(data).size == size


def test_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    pair = [tmp_path / "a", tmp_path / "b"]
    for each in pair:
        each.mkdir()
    assert make(pair[0]) == make(pair[1])


@pytest.mark.parametrize("count", [1, 3, 9])
def test_any_cast_fits(tmp_path: Path, count: int) -> None:
    cast = tuple(reference(tmp_path, f"Someone With A Long Name {each}") for each in range(count))
    things = tuple(reference(tmp_path, "Thing", kind="prop") for _ in range(count))
    assert opened(make(tmp_path, references=(*cast, *things))).size == (640, 360)


def test_everyone_is_in_the_still_from_left_to_right(tmp_path: Path) -> None:
    pair = (reference(tmp_path, "Mara", "red"), reference(tmp_path, "Otto", "blue"))
    still = opened(make(tmp_path, references=pair))
    assert [still.getpixel((round(640 * share), 105)) for share in (1 / 3, 2 / 3)] == [(254, 0, 0), (0, 0, 254)]


def test_a_place_is_what_is_behind_them(tmp_path: Path) -> None:
    quay = reference(tmp_path, "Quay", "lime", kind="place")
    still = opened(make(tmp_path, prompt="Morning", references=(reference(tmp_path, "Mara"), quay)))
    assert (still.getpixel((10, 10)), still.getpixel((630, 200))) == ((0, 255, 0), (0, 255, 0))


def test_another_place_in_words_is_another_picture(tmp_path: Path) -> None:
    assert differs(make(tmp_path, prompt="A lighthouse at night"), make(tmp_path, prompt="A kitchen at night"))


@pytest.mark.parametrize("words", ["rain falls", "it snows"])
def test_the_weather_is_seen(tmp_path: Path, words: str) -> None:
    quay = reference(tmp_path, "Quay", "lime", kind="place")
    dry, wet = (make(tmp_path, prompt=each, references=(quay,)) for each in ("calm", words))
    assert (differs(dry, wet), differs(dry, make(tmp_path, prompt="her storm coat", references=(quay,)))) == (
        True,
        False,
    )


def test_a_portrait_cut_from_a_sheet_is_its_head(tmp_path: Path) -> None:
    portrait = Image.open(
        io.BytesIO(square(make(tmp_path, prompt=MARA, references=(reference(tmp_path, "M", "blue"),))))
    )
    assert is_sheet(portrait)
    red, _, blue = face_from(portrait, 90).getpixel((45, 45))  # type: ignore[misc]
    assert (blue > 200, red < 60) == (True, True)


def test_a_photograph_is_no_sheet() -> None:
    assert not is_sheet(Image.new("RGB", (480, 480), "teal"))


def test_a_sheet_from_words_alone_has_the_hair_and_the_coat_of_the_words(tmp_path: Path) -> None:
    red, green = (opened(make(tmp_path, prompt=f"{MARA}, {each} hair")) for each in ("black", "blond"))
    assert (red.getpixel((320, 310)), ImageChops.difference(red, green).getbbox() is None) == ((196, 52, 48), False)


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        ("Reference sheet of Lantern: a brass lantern. The whole object, plain light grey ground.", (206, 162, 72)),
        ("Reference sheet of Lantern: a red lantern. The whole object in each view.", (196, 52, 48)),
    ],
)
def test_a_prop_of_words_has_their_colour_and_not_that_of_the_ground(tmp_path: Path, words: str, drawn: Any) -> None:
    assert opened(make(tmp_path, prompt=words)).getpixel((320, 262)) == drawn


def test_a_sheet_of_a_place_from_words_is_the_place(tmp_path: Path) -> None:
    place_, person_ = "Sheet of the place Quay, a harbour", "Character sheet of Quay, in a plain setting"
    grounds = [opened(make(tmp_path, prompt=each)).getpixel((30, 8)) == (226, 226, 222) for each in (place_, person_)]
    assert grounds == [False, True]


def test_a_black_picture_is_black(tmp_path: Path) -> None:
    assert opened(make(tmp_path, black=True)).getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ("in a yellow oilskin", (240, 196, 48)),
        ("wears her long navy coat", (34, 48, 96)),
        ("keep her face and coat", None),
        ("her clothes", None),
        ("", None),
    ],
)
def test_a_colour_that_the_words_name_is_worn(words: str, colour: Any) -> None:
    assert worn(words) == colour


def test_a_garment_without_a_colour_has_one_of_its_own_wherever_it_is_named() -> None:
    storm = worn("Keep her face. She wears the storm coat.")
    assert storm == worn("MARA in her storm coat, on the quay") != worn("in her night coat")


# --- what a prompt says of its references

DRAWS = Model.model_validate(
    {
        "label": "m",
        "makes": "picture",
        "cites": ("Image 1", "image 1", "@Image1"),
        "fields": {"prompt": {"text": (1, 0)}, "image_urls": {"urls": "image"}},
        "files": {"image": {"kind": "image"}},
    }
)


def told(prompt: str) -> dict[str, Role]:
    return roles(order(DRAWS, {"prompt": prompt, "image_urls": [URL] * 3}))


@pytest.mark.parametrize(
    ("prompt", "name", "kind"),
    [
        ("Image 1 is MARA. Keep her face.", "MARA", "person"),
        ("Image 1: Mara, keep face and coat", "Mara", "person"),
        ("image 1 shows the character Mara Lund, at sea", "Mara Lund", "person"),
        ("Mara (@Image1) waits", "Mara", "person"),
        ("Mara from image 1 waits", "Mara", "person"),
        ("Image 1: Harbour, the place", "Harbour", "place"),
        ("Image 1 is the old harbour. Nobody is there.", "Image 1", "place"),
        ("Image 1 is the prop Lantern, keep its shape", "Lantern", "prop"),
        ("Image 1 is Lantern: keep the shape, colours and size", "Lantern", "prop"),
        ("Image 1 is Harbour: keep the architecture, colours and light", "Harbour", "place"),
        ("Image 1 waits", "Image 1", "person"),
    ],
)
def test_a_reference_has_a_name_and_a_kind(prompt: str, name: str, kind: str) -> None:
    role = told(prompt)["Image 1"]
    assert (role.name, role.kind) == (name, kind)


def test_the_words_about_one_do_not_dress_another() -> None:
    found = told("Image 1 is Mara. She wears a storm coat. Image 2 is Otto, keep his face. A red scarf lies there.")
    assert (worn(found["Image 1"].words) == worn("a storm coat"), worn(found["Image 2"].words)) == (True, None)


def test_what_is_said_of_a_name_elsewhere_counts() -> None:
    found = told("Image 1: Mara. Image 2: Otto. On the quay, Mara in her red coat waits, Otto in a blue coat sleeps.")
    assert [worn(found[each].words) for each in ("Image 1", "Image 2")] == [worn("a red coat"), worn("a blue coat")]


def test_whoever_is_not_cited_has_no_role() -> None:
    assert list(told("Image 2 is Otto")) == ["Image 2"]


def test_the_line_below_tells_the_scene_and_not_the_roles(tmp_path: Path) -> None:
    def line(prompt: str) -> bytes:
        return opened(make(tmp_path, prompt=prompt)).crop((0, 328, 640, 360)).tobytes()

    assert line("Image 1 is Mara: keep the face.\nMara waits.") == line("Mara waits.") != line("Mara runs.")
