"""The sound of a stored clip is measured and encoded while other scenes render."""

from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from test_media_kit import clip as made_clip

from prefect_storyboard.media.sources import local_file
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks._film import Finish, film
from prefect_storyboard.tasks._sounds import SoundsAhead, only_cuts, place

from .test_plan import planned

SECONDS = Fraction(25, 24)


def stored(folder: Path, scene: str, level: float) -> tuple[Path, Clip]:
    path = made_clip(folder / f"{scene}.mp4", size=(64, 36), seconds=float(SECONDS), wave=lambda _: level)
    size = {"bytes": path.stat().st_size, "seconds": 2.0, "width": 64, "height": 36}
    bought = {"provider": "fal", "model": "sora-2", "request_id": "r1", "prompt": "p", "job_key": "k", "cost_usd": 0.4}
    seen = local_file(path).sha256
    return path, Clip(scene=scene, take=1, url="", sha256=seen, stored_at=datetime.now(UTC), **size, **bought)


class AtOnce(Executor):
    """Runs what is submitted before it returns."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def kept(clip: Clip) -> list[str]:
    """The names of the files that are kept of a clip's sound."""
    found = place(clip).parent.glob(f"{clip.sha256}*")
    return sorted(path.name.removeprefix(clip.sha256) for path in found)


def test_a_reel_uses_what_was_prepared_in_any_order(tmp_path: Path) -> None:
    plan = planned({"prompt": "a"}, {"prompt": "b"}, {"prompt": "c"})
    clips = [stored(tmp_path, f"s{n:02}", 0.02 * (n + 2)) for n in (1, 2, 3)]
    ahead = SoundsAhead(plan, AtOnce())
    for file, each in (clips[2], clips[0], clips[1]):
        ahead.begin(file, each)
    before = [kept(each) for _, each in clips]
    assert [len(names) for names in before] == [2, 2, 2]
    film([each for _, each in clips], [file for file, _ in clips], plan, Finish(), folder=tmp_path)
    assert [kept(each) for _, each in clips] == before


def test_a_wrong_guess_of_what_comes_before_costs_another_encoding(tmp_path: Path) -> None:
    plan = planned({"prompt": "a"}, {"prompt": "b"})
    (file, alone) = stored(tmp_path, "s02", 0.11)
    SoundsAhead(plan, AtOnce()).begin(file, alone)
    assert len(kept(alone)) == 2
    film([alone], [file], plan, Finish(), folder=tmp_path)
    assert len(kept(alone)) == 3


def test_where_a_clip_begins_is_not_guessed_of_clips_of_another_length(tmp_path: Path) -> None:
    plan = planned({"prompt": "a", "seconds": 8}, {"prompt": "b", "seconds": 4})
    (file, later) = stored(tmp_path, "s02", 0.13)
    SoundsAhead(plan, AtOnce()).begin(file, later)
    assert kept(later) == [".loudness"]


def test_a_clip_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    (file, broken) = stored(tmp_path, "s01", 0.15)
    file.write_bytes(b"no clip")
    SoundsAhead(planned({"prompt": "a"}), AtOnce()).begin(file, broken)
    SoundsAhead(planned({"prompt": "a"}), AtOnce()).begin(tmp_path / "gone.mp4", broken)
    assert kept(broken) == []


@pytest.mark.parametrize(
    "facts", [{"music": "theme.mp3"}, {"transition": "fade"}, {"loudness": False}, {"reel": False}]
)
def test_only_a_reel_of_cuts_that_is_made_equally_loud_is_prepared(facts: dict[str, Any]) -> None:
    assert only_cuts(planned({"prompt": "a"}))
    assert not only_cuts(planned({"prompt": "a"}, **facts))
    assert not only_cuts(planned({"prompt": "a"}, {"prompt": "b", "transition": "dissolve"}))
