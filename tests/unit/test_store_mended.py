"""What is stored is left alone; what was removed, moved, spoilt or interrupted is mended by the next run."""

import shutil
from pathlib import Path

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.providers import errors
from prefect_storyboard.storyboards import Clip

from .fakes import KEY, OTHER, Breaks, Killed
from .stores import LINK, TAKE, BreakingLibrary, Studio, film


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Library(url=str(tmp_path / "library")))


async def test_a_clip_that_somebody_removed_is_fetched_from_the_provider_again(studio: Studio) -> None:
    clip = await studio.store(await studio.buy())
    studio.file(clip).unlink()
    again = await studio.store(await studio.buy(), None)
    assert (again.take, again.sha256, again.url) == (1, clip.sha256, clip.url)
    assert studio.files() == TAKE
    assert len(studio.gateway.billed) == 1


async def test_a_clip_that_somebody_spoilt_is_fetched_from_the_provider_again(studio: Studio) -> None:
    clip = await studio.store(await studio.buy())
    studio.file(clip).write_bytes(b"spoilt")
    again = await studio.store(await studio.buy(), None)
    assert again.sha256 == clip.sha256
    assert studio.file(again).read_bytes() == film()
    assert studio.files() == TAKE


async def test_a_clip_that_the_provider_has_forgotten_too_is_expired(studio: Studio) -> None:
    clip = await studio.store(await studio.buy())
    studio.file(clip).unlink()
    studio.gateway.results.append(errors.Expired("fal has forgotten it"))
    with pytest.raises(errors.Expired):
        await studio.store(await studio.buy(), None)


async def test_a_clip_of_another_reel_is_copied_without_the_provider(studio: Studio) -> None:
    clip = await studio.store(await studio.buy())
    bought = await studio.buy()
    for _ in range(2):
        copy = await studio.store(bought, None, reel="trailer", scene="intro")
        assert copy.url.endswith("library/reels/trailer/scenes/intro/take-001.mp4")
        assert (copy.scene, copy.sha256, copy.job_key) == ("intro", clip.sha256, KEY)
    assert len(studio.requests) == 1
    assert len(studio.files()) == 4


async def test_a_copy_is_made_once(studio: Studio) -> None:
    await studio.store(await studio.buy())
    bought = await studio.buy()
    await studio.store(bought, None, reel="trailer")
    counted = Breaks()
    studio.library = BreakingLibrary.of(studio.library, counted)
    await studio.store(bought, None, reel="trailer")
    assert not any(name.endswith(".mp4") for name in counted.writes)


async def test_a_clip_of_another_reel_that_was_changed_is_not_copied(studio: Studio) -> None:
    clip = await studio.store(await studio.buy())
    studio.file(clip).write_bytes(b"somebody's holiday")
    copy = await studio.store(await studio.buy(), None, reel="trailer")
    assert copy.sha256 == clip.sha256
    assert len(studio.requests) == 2


async def test_a_library_that_has_moved_still_holds_its_clips(studio: Studio, tmp_path: Path) -> None:
    clip = await studio.store(await studio.buy())
    (tmp_path / "library").rename(tmp_path / "archive")
    studio.library = Library(url=f"file://{tmp_path}/archive")
    moved = await studio.store(await studio.buy(), None)
    assert moved.url == f"file://{tmp_path}/archive/{TAKE[1]}"
    copy = await studio.store(await studio.buy(), None, reel="trailer")
    assert copy.sha256 == moved.sha256 == clip.sha256
    assert len(studio.requests) == 1


async def test_a_sidecar_that_somebody_spoilt_is_written_again(studio: Studio, tmp_path: Path) -> None:
    await studio.store(await studio.buy())
    sidecar = tmp_path / "library" / TAKE[0]
    sidecar.write_text("{")
    clip = await studio.store(await studio.buy(), None)
    assert Clip.model_validate_json(sidecar.read_text()) == clip
    assert len(studio.requests) == 1, "the clip itself was there"


async def test_a_sidecar_of_another_job_is_not_taken_for_ours(studio: Studio, tmp_path: Path) -> None:
    await studio.store(await studio.buy(OTHER))
    shutil.rmtree(tmp_path / "library" / "ledger" / "takes")
    assert (await studio.store(await studio.buy())).job_key == KEY


WRITES = ["001.json", "take-001.mp4", "take-001.json", "outcome.json"]


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("at", range(1, 5))
async def test_a_crash_at_any_write_is_mended_by_the_next_run(studio: Studio, at: int, *, arrives: bool) -> None:
    bought = await studio.buy()
    breaks = Breaks(at=at, arrives=arrives)
    sound, studio.library = studio.library, BreakingLibrary.of(studio.library, breaks)
    with pytest.raises(Killed):
        await studio.store(bought)
    studio.library = sound
    assert breaks.writes == WRITES[:at]
    again = await studio.buy()
    clip = await studio.store(again, None if again.outcome else LINK)
    outcome = studio.outcome()
    assert outcome
    assert (outcome.kind, outcome.clip) == ("done", clip)
    assert studio.files() == TAKE
    assert len(studio.requests) == (1 if (at, arrives) >= (3, True) else 2)


async def test_what_the_ledger_says_already_stands(studio: Studio) -> None:
    bought = await studio.buy()
    first = await studio.store(bought)
    again = await studio.store(bought)
    assert again == first
