"""Contact sheets of any number of scenes, in pages that every viewer opens; what is only for show stops nothing."""

from pathlib import Path

import pytest
from PIL import Image
from test_media_kit import clip

from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.frames import contact_sheets, posters

GREY, YELLOW, GROUND = (40, 60, 90), (250, 200, 20), (13, 15, 20)


@pytest.fixture
def yellow(tmp_path: Path) -> Path:
    Image.new("RGB", (320, 180), YELLOW).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_sheet_takes_pictures_and_clips_row_by_row(yellow, tmp_path):
    tall = clip(tmp_path / "tall.mp4", size=(90, 160), cue=None)
    cells = [(yellow, "s01\nMara climbs the spiral stairs"), (tall, "s02"), (yellow, "s03")] * 2
    (sheet,) = contact_sheets(cells, tmp_path, columns=2, cell_width=200)
    assert sheet == tmp_path / "contact-sheet.jpg"
    with Image.open(sheet) as image:
        assert image.width == 2 * 40 + 2 * 200 + 28
        assert image.height > 3 * 112
        assert image.getpixel((140, 100)) == pytest.approx(YELLOW, abs=12)
        assert image.getpixel((40 + 228 + 100, 100)) == pytest.approx(GREY, abs=12)
        assert max(image.getpixel((4, 4))) < 40


def test_labels_of_any_length_and_script_fit(yellow, tmp_path):
    labels = ["", "   ", "é Ж ω → “x”", "word " * 60, "\n" + "unbroken" * 40, "one\ntwo\nthree\nfour"]
    (sheet,) = contact_sheets([(yellow, label) for label in labels], tmp_path, cell_width=120)
    with Image.open(sheet) as image:
        assert image.width == 2 * 40 + 3 * 120 + 2 * 28
        assert max(image.crop((image.width - 30, 0, image.width, image.height)).getextrema()[0]) < 40


@pytest.mark.parametrize(("shape", "count"), [((32, 18), 40), ((9, 16), 14)])
def test_a_long_reel_has_pages_and_every_scene_is_on_one(shape, count, tmp_path):
    Image.new("RGB", shape, YELLOW).save(tmp_path / "a.png")
    cells = [(tmp_path / "a.png", f"s{number:03d}") for number in range(count)]
    sheets = contact_sheets(cells, tmp_path)
    assert [sheet.name for sheet in sheets] == ["contact-sheet.jpg", "contact-sheet-2.jpg"]
    assert all(size(sheet)[1] <= 4_000 for sheet in sheets)
    assert sum(tiles(sheet) for sheet in sheets) == count


def tiles(sheet: Path) -> int:
    """Count the yellow boxes: three columns, and in each the runs of yellow from top to bottom."""
    with Image.open(sheet) as image:
        columns = [[image.getpixel((40 + 220 + n * 468, y))[0] > 200 for y in range(image.height)] for n in range(3)]
    return sum(
        here and not before for column in columns for before, here in zip([False, *column], column, strict=False)
    )


def test_no_picture_and_a_broken_one_leave_their_places_empty(yellow, tmp_path):
    (tmp_path / "page.png").write_text("<html>")
    (tmp_path / "torn.png").write_bytes(yellow.read_bytes()[:60])
    missing = [None, tmp_path / "none.png", tmp_path / "page.png", tmp_path / "torn.png"]
    (sheet,) = contact_sheets([*((path, "lost") for path in missing), (yellow, "s05")], tmp_path, columns=5)
    with Image.open(sheet) as image:
        seen = [image.getpixel((40 + 220 + n * 468, 160))[0] > 200 for n in range(5)]
    assert seen == [False, False, False, False, True]
    assert len(contact_sheets([(None, "s01")], tmp_path)) == 1


def test_no_scene_is_no_sheet(tmp_path):
    assert contact_sheets([], tmp_path) == []


def test_pictures_stand_as_their_camera_was_held(tmp_path):
    picture = Image.new("RGB", (320, 180), YELLOW)
    picture.paste(GREY, (0, 0, 160, 180))
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned: the left side is the top
    picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
    (sheet,) = contact_sheets([(tmp_path / "a.jpg", "s")], tmp_path)
    with Image.open(sheet) as image:
        assert image.height > image.width
        assert image.getpixel((260, 120)) == pytest.approx(GREY, abs=12)
        assert image.getpixel((260, image.height - 160)) == pytest.approx(YELLOW, abs=12)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MediaError("a.mp4 is no video."), "a.mp4 is no video."),
        (OSError(28, "No space left on device"), "No space left on device"),
        (RuntimeError("https://cdn.example/a?signature=1"), "RuntimeError"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_what_is_for_show_fails_as_a_warning(error, why):
    warnings: list[str] = []
    with best_effort("the page", warnings):
        raise error
    assert warnings == [f"the page could not be made ({why}); clips and reel are not affected, and no money was spent"]


def test_a_cancellation_is_no_warning():
    warnings: list[str] = []
    with pytest.raises(KeyboardInterrupt), best_effort("the page", warnings):
        raise KeyboardInterrupt
    assert warnings == []


def test_a_poster_that_cannot_be_made_is_left_out(tmp_path):
    (tmp_path / "bad.mp4").write_text("<html>")
    warnings: list[str] = []
    made = posters([(clip(tmp_path / "a.mp4"), "s01"), (tmp_path / "bad.mp4", "s02")], tmp_path, warnings)
    assert made == [tmp_path / "0000.jpg", None]
    (warning,) = warnings
    assert warning.startswith("the poster of s02 could not be made (bad.mp4 is not a video that can be read")
