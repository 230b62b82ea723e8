"""The reel and its page come first; nothing that is for show may stop them, and another board's folder stays as it is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_media_kit import clip

from prefect_storyboard.ledger import Storage, open_storage
from prefect_storyboard.media.sources import local_file
from prefect_storyboard.storyboards import Clip, FolderTaken, Reel
from prefect_storyboard.tasks.assemble import _assembled, _Beside

from .test_currency import Shelf

PLACE = ("reels", "fog")

ALONE = _Beside(None, ())


def stored(storage: Storage, folder: Path, scene: str) -> Clip:
    file = local_file(clip(folder / f"{scene}.mp4", seconds=0.5))
    url = storage.publish(file.path, *PLACE, "scenes", scene, "take-001.mp4")
    sizes = {"bytes": file.path.stat().st_size, "seconds": 0.5, "width": 160, "height": 90}
    bought = {"provider": "fal", "model": "sora-2", "request_id": "r1", "prompt": "p", "job_key": "k", "cost_usd": 0.4}
    return Clip(scene=scene, take=1, url=url, sha256=file.sha256, stored_at=datetime.now(UTC), **sizes, **bought)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "library"))


@pytest.fixture
def reel(storage: Storage, tmp_path: Path) -> Reel:
    return Reel(title="Fog", clips=(stored(storage, tmp_path, "s01"), stored(storage, tmp_path, "s02")))


def test_a_reel_has_its_page_and_its_sheet(storage: Storage, reel: Reel) -> None:
    made, cached = _assembled(storage, reel, ALONE)
    assert (made.warnings, cached) == ((), False)
    assert all(storage.exists(*PLACE, name) for name in ("reel.mp4", "index.html", "contact-sheet.jpg"))
    assert _assembled(storage, reel, ALONE) == (made, True)


@pytest.mark.parametrize(
    ("blocked", "warning", "rest"),
    [
        ("contact-sheet.jpg", "the contact sheet could not be made", "index.html"),
        ("index.html", "the page could not be made", "contact-sheet.jpg"),
    ],
)
def test_what_is_for_show_does_not_stop_the_reel(
    storage: Storage, reel: Reel, tmp_path: Path, blocked: str, warning: str, rest: str
) -> None:
    obstacle = tmp_path / "library" / "reels" / "fog" / blocked
    obstacle.mkdir()
    made, _ = _assembled(storage, reel, ALONE)
    assert storage.exists(*PLACE, "reel.mp4")
    assert storage.exists(*PLACE, rest)
    assert [each.startswith(warning) for each in made.warnings] == [True]
    obstacle.rmdir()
    assert _assembled(storage, reel, ALONE)[0].warnings == ()  # the next run makes what is missing
    assert storage.exists(*PLACE, blocked)


def test_a_folder_of_another_board_is_left_as_it_is(storage: Storage, reel: Reel) -> None:
    storage.write(b"title: FOG!\nscenes: []\n", *PLACE, "storyboard.yaml")
    with pytest.raises(FolderTaken, match="belongs to the storyboard 'FOG!'; nothing was written"):
        _assembled(storage, reel, ALONE)
    assert not storage.exists(*PLACE, "reel.mp4")


def test_captions_stand_beside_the_reel_and_changing_them_only_assembles_it_again(storage: Storage, reel: Reel) -> None:
    def beside(caption: str) -> _Beside:
        scenes = [{"id": "s01", "prompt": "p", "caption": caption}, {"id": "s02", "prompt": "p"}]
        return _Beside(Shelf().plan({"title": "Fog", "model": "seedance-2", "scenes": scenes}), ())

    for caption in ("Ahoy!", "Land!"):
        assert _assembled(storage, reel, beside(caption))[1] is False
        assert caption.encode() in (storage.read(*PLACE, "reel.srt") or b"")
        assert caption.encode() in (storage.read(*PLACE, "reel.vtt") or b"")
        assert _assembled(storage, reel, beside(caption))[1] is True
    _assembled(storage, reel, beside(""))
    assert not storage.exists(*PLACE, "reel.srt"), "a reel without captions keeps none of an earlier one"
