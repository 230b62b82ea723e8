"""Pictures out of a clip are sharp, upright, unlike each other, and as a model takes them."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
from PIL import Image, ImageChops, ImageStat
from test_media_fitting_kit import black, cuts, film, still, walk
from test_media_kit import clip

from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.media.motion import analyse_range
from prefect_storyboard.media.probe import probe_image
from prefect_storyboard.media.samples import STEP
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.media.stills import stills
from prefect_storyboard.media.tracks import read_clip
from prefect_storyboard.providers.table import models
from prefect_storyboard.storyboards.model import References

FREE = References(images=9)
SETS = {
    f"{model.provider} {model.name}": model.references
    for family in models().values()
    for model in family.values()
    if model.references
}


def taken(path, count, folder, *, start=None, end=None, limits=FREE):
    """The pictures, opened."""
    files = stills(local_file(path), count, start=start, end=end, folder=folder / "made", limits=limits)
    return [Image.open(file.path).convert("RGB") for file in files]


def unlike(one, other):
    return ImageStat.Stat(ImageChops.difference(one, other).convert("L")).mean[0]


@pytest.mark.parametrize("name", SETS)
def test_every_model_gets_as_many_pictures_as_it_takes(name, tmp_path):
    path, limits = film(tmp_path / "a.mp4", walk((800, 450)), 2), SETS[name]
    files = stills(local_file(path), limits.each[1], start=None, end=None, folder=tmp_path / "made", limits=limits)
    assert len({file.sha256 for file in files}) == limits.each[1]
    for file in files:
        assert probe_image(file.path) == (800, 450, "jpeg")
        assert file.path.stat().st_size <= (limits.max_bytes or 10**9)


def test_pictures_are_unlike_each_other_where_the_clip_allows(tmp_path):
    rooms = cuts(*((at, still(seed=at)) for at in range(4)))
    pictures = taken(film(tmp_path / "a.mp4", rooms, 4), 4, tmp_path)
    assert min(unlike(a, b) for n, a in enumerate(pictures) for b in pictures[:n]) > 20
    assert len(taken(film(tmp_path / "still.mp4", still(), 2), 3, tmp_path)) == 3


def test_blurred_and_black_pictures_are_left_out(tmp_path):
    path = film(tmp_path / "a.mp4", cuts((0, black()), (1, walk(blurred=True)), (3, walk()), (5, black())), 6)
    sharp = taken(film(tmp_path / "b.mp4", walk(), 2), 1, tmp_path)[0]
    for picture in taken(path, 4, tmp_path):
        assert unlike(picture, sharp) < 25
        assert ImageStat.Stat(picture).stddev[0] > 40
    assert len(taken(film(tmp_path / "dark.mp4", black(), 1), 2, tmp_path)) == 2


def test_pictures_come_from_the_range(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=3, cue=1.5)
    bright = [ImageStat.Stat(picture).mean[1] > 150 for picture in taken(path, 9, tmp_path, start=1.4, end=1.6)]
    assert any(bright)
    assert not any(ImageStat.Stat(picture).mean[1] > 150 for picture in taken(path, 9, tmp_path, start=2.0, end=3.0))
    with pytest.raises(MediaError, match=r"^a\.mp4, 2 to 9 s: the clip is only 3\.00 s long; choose a range inside it"):
        taken(path, 1, tmp_path, start=2, end=9)


def test_pictures_stand_upright_with_square_pixels(tmp_path):
    path = clip(tmp_path / "a.mp4", rotation=-90, pixel_shape=Fraction(4, 3))
    picture = taken(path, 1, tmp_path)[0]
    assert picture.size == (90, 213)
    assert picture.getpixel((80, 10))[0] > 180


def test_a_clip_too_small_for_pictures_is_refused(tmp_path):
    limits = References(images=1, min_side=300)
    with pytest.raises(MediaError) as caught:
        taken(clip(tmp_path / "a.mp4"), 1, tmp_path, limits=limits)
    assert str(caught.value) == (
        "a.mp4 is 160x90: the shorter side needs at least 300 pixels; use a larger recording, or give images."
    )


def test_pictures_are_padded_into_the_shape(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(600, 200))
    assert taken(path, 1, tmp_path, limits=References(images=1, max_aspect=2.5))[0].size == (600, 240)


def test_pictures_are_made_small_enough(tmp_path):
    path = clip(tmp_path / "a.mp4", size=(640, 360), noise=True)
    whole = local_file(path)
    first = stills(whole, 1, start=None, end=None, folder=tmp_path / "made", limits=FREE)[0].path.stat().st_size
    limits = References(images=1, max_bytes=first // 2)
    assert (
        stills(whole, 1, start=None, end=None, folder=tmp_path / "made", limits=limits)[0].path.stat().st_size
        <= first // 2
    )
    with pytest.raises(MediaError, match=r"^a\.mp4 cannot be made as small as 0\.5 kB"):
        taken(path, 1, tmp_path, limits=References(images=1, max_bytes=500))


def test_a_clip_with_fewer_frames_gives_fewer_pictures(tmp_path):
    assert len(taken(film(tmp_path / "a.mp4", walk(), 0.1), 3, tmp_path)) == 1


def test_pictures_are_the_same_every_time_and_made_once(tmp_path):
    clips = [film(tmp_path / name, walk(), 2) for name in ("a.mp4", "b.mp4")]
    options = {"start": 0, "end": 1.5, "limits": FREE}
    one, two = (stills(local_file(path), 3, folder=tmp_path / path.stem, **options) for path in clips)
    assert [file.sha256 for file in one] == [file.sha256 for file in two]
    before = [file.path.stat().st_mtime_ns for file in one]
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: stills(local_file(clips[0]), 3, folder=tmp_path / "a", **options), range(4)):
            assert again == one
    assert [file.path.stat().st_mtime_ns for file in one] == before


def test_threads_may_take_the_same_pictures_at_once(tmp_path):
    file = local_file(film(tmp_path / "a.mp4", walk(), 2))
    with ThreadPoolExecutor(4) as pool:
        made = set(
            pool.map(lambda _: stills(file, 3, start=None, end=None, folder=tmp_path / "made", limits=FREE), range(4))
        )
    assert len(made) == 1
    assert len(list((tmp_path / "made").iterdir())) == 3


def test_of_a_long_clip_only_stretches_are_looked_at(tmp_path):
    path = film(tmp_path / "a.mp4", walk(), 120, sound=None, gop=24)
    assert len(taken(path, 4, tmp_path)) == 4
    assert len(analyse_range(read_clip(path), 0.0, 120.0, 3.0).samples) <= 6 * 5 / STEP + 6
