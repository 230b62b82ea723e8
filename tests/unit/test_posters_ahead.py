"""A reel that waits for its last clip has the posters of the others."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from prefect_storyboard.blocks import Library
from prefect_storyboard.tasks._posters import posters, reel_follows

from .stores import TAKE, Studio, film


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Library(url=str(tmp_path / "library")))


async def test_the_poster_of_a_stored_clip_needs_the_clip_no_more(studio: Studio, tmp_path: Path) -> None:
    with reel_follows(assembled=True):
        clip = await studio.store(await studio.buy())
    warnings: list[str] = []
    (poster,) = posters([(tmp_path / "gone.mp4", clip)], tmp_path, warnings)
    assert (poster is not None, warnings) == (True, [])
    assert poster
    with Image.open(poster) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 180))
    assert studio.files() == TAKE


async def test_a_poster_that_is_missing_is_made_with_the_reel(studio: Studio, tmp_path: Path) -> None:
    with reel_follows(assembled=True):
        one = await studio.store(await studio.buy())
    other = one.model_copy(update={"scene": "s02", "sha256": "f" * 64})
    warnings: list[str] = []
    made = posters([(tmp_path / "gone.mp4", other), (studio.file(one), one), (studio.file(one), other)], tmp_path, [])
    assert made[0] is None
    assert made[1] != made[2] == tmp_path / "0001.jpg"
    assert posters([(tmp_path / "gone.mp4", other)], tmp_path, warnings) == [None]
    assert warnings[0].startswith("the poster of s02 could not be made (")


@pytest.mark.parametrize("told", [(), (False,)])
async def test_without_a_reel_there_is_no_poster(studio: Studio, tmp_path: Path, told: tuple[bool, ...]) -> None:
    studio.served = [film() + b"\0\0\0\x08free"]  # another clip: posters are kept by their clip's checksum
    with ExitStack() as inside:
        for assembled in told:
            inside.enter_context(reel_follows(assembled=assembled))
        clip = await studio.store(await studio.buy())
    assert posters([(tmp_path / "gone.mp4", clip)], tmp_path, []) == [None]
