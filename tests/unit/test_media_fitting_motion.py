"""The best part of a clip is sharp and lively, of one piece, and audible; a still picture is known for one."""

import pytest
from PIL import Image
from test_media_fitting_kit import black, cuts, film, only, still, walk

from prefect_storyboard.media.motion import analyse_range, best_start, has_motion
from prefect_storyboard.media.tracks import read_clip


def best_range(path, seconds):
    clip = read_clip(path)
    return best_start(analyse_range(clip, 0.0, float(clip.seconds), seconds), seconds)


def moves(path, start, seconds):
    return has_motion(analyse_range(read_clip(path), start, start + seconds, seconds).steps)


def test_the_best_range_is_where_something_moves(tmp_path):
    path = film(tmp_path / "a.mp4", cuts((0, still()), (4, walk()), (7, still())), 10)
    assert best_range(path, 3) == pytest.approx(4, abs=0.3)


def test_the_best_range_is_where_the_picture_is_sharp(tmp_path):
    path = film(tmp_path / "a.mp4", cuts((0, walk(blurred=True)), (3, walk()), (7, walk(blurred=True))), 10)
    assert 3 <= best_range(path, 3) <= 4


def test_the_best_range_spans_no_cut(tmp_path):
    other = walk(seed=99)
    path = film(tmp_path / "a.mp4", cuts((0, walk()), (3.5, other)), 8)
    assert best_range(path, 4) == pytest.approx(3.5, abs=0.5)
    assert best_range(path, 4) >= 3.5


def test_the_best_range_spans_no_black_picture(tmp_path):
    path = film(tmp_path / "a.mp4", cuts((0, black()), (0.5, walk()), (2.5, black()), (3, walk())), 7)
    assert best_range(path, 3) >= 3


def test_the_best_range_is_audible_where_some_of_the_clip_is_silent(tmp_path):
    path = film(tmp_path / "a.mp4", walk(), 8, sound=only(4, 7.5))
    assert 3.7 <= best_range(path, 3) <= 4.5


def test_of_equal_ranges_the_earliest_is_taken(tmp_path):
    def draw(time):
        image = Image.new("RGB", (320, 180), "gray")
        x = 20 + round(time * 24)
        image.paste((220, 20, 20), (x, 40, x + 80, 140))
        return image

    assert best_range(film(tmp_path / "a.mp4", draw, 6), 3) == 0.0
    assert best_range(film(tmp_path / "b.mp4", still(), 6, sound=None), 3) == 0.0


def test_a_clip_as_short_as_the_range_has_one(tmp_path):
    assert best_range(film(tmp_path / "a.mp4", walk(), 2), 2) == 0.0
    assert best_range(film(tmp_path / "a.mp4", walk(), 2), 5) == 0.0


def test_of_a_long_clip_parts_are_compared(tmp_path):
    path = film(tmp_path / "a.mp4", cuts((0, still()), (40, walk())), 80, sound=None, gop=24)
    assert 40 <= best_range(path, 4) <= 76


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp4", {"gop": 12}),
        ("a.mp4", {"fps": 30, "gop": 30}),
        ("a.mp4", {"fps": 3}),
        ("a.webm", {"codec": "libvpx-vp9", "sound": None}),
        ("a.avi", {"codec": "mpeg4", "sound": None}),
        ("a.ts", {}),
    ],
)
def test_every_kind_of_file_is_looked_at(name, kind, tmp_path):
    path = film(tmp_path / name, cuts((0, still()), (3, walk())), 6, **kind)
    assert best_range(path, 2) == pytest.approx(3, abs=1.1)
    assert not moves(path, 0, 2.5)
    assert moves(path, 3.5, 2)


def test_a_row_of_still_pictures_does_not_move(tmp_path):
    path = film(tmp_path / "a.mp4", cuts((0, still()), (1, still(seed=2)), (2, still(seed=3))), 3)
    assert not moves(path, 0, 3)


@pytest.mark.parametrize("crf", [18, 30, 40])
def test_a_still_picture_does_not_move_however_it_is_coded(crf, tmp_path):
    assert not moves(film(tmp_path / "a.mp4", still(), 3, gop=10, crf=crf), 0, 3)


def test_a_blink_is_a_movement(tmp_path):
    def draw(time):
        image = still((640, 360))(time)
        image = image.copy()
        image.paste((250, 250, 250) if 1 < time < 1.3 else (60, 60, 60), (300, 100, 330, 110))
        return image

    assert moves(film(tmp_path / "a.mp4", draw, 2, fps=24), 0, 2)
