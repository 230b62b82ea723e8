"""Posters of clips, made while other scenes still render: a reel need not wait for them when its last clip ends.

They lie in this process's folder under the clip's checksum. One that is missing is made when the reel is assembled.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import _media

_reel_follows: ContextVar[bool] = ContextVar("reel_follows", default=False)


@contextmanager
def reel_follows(*, assembled: bool) -> Iterator[None]:
    """Inside the block, clips that are stored get their poster at once, if a reel will be assembled of them."""
    token = _reel_follows.set(assembled)
    try:
        yield
    finally:
        _reel_follows.reset(token)


async def make_ahead(file: Path, clip: Clip) -> None:
    """Make the poster of a clip that has just been stored, from its file; the reel tries again where it fails."""
    if _reel_follows.get():
        await _media.in_media_thread(lambda: _make(file, clip))


def posters(clips: Sequence[tuple[Path, Clip]], folder: Path, warnings: list[str]) -> list[Path | None]:
    """The poster of each clip, given with its file; None and a warning for one that cannot be made. Blocks."""
    ready = {clip.sha256: place for _, clip in clips if (place := _place(clip)).exists()}
    missing = [(file, clip) for file, clip in clips if clip.sha256 not in ready]
    made = iter(deferred.posters([(file, clip.scene) for file, clip in missing], folder, warnings))
    return [ready[clip.sha256] if clip.sha256 in ready else next(made) for _, clip in clips]


def _place(clip: Clip) -> Path:
    return _media.folder() / "posters" / f"{clip.sha256}.jpg"


def _make(file: Path, clip: Clip) -> None:
    place = _place(clip)
    place.parent.mkdir(exist_ok=True)
    with best_effort("the poster", []):
        deferred.poster(file, file.with_suffix(".jpg"))
        file.with_suffix(".jpg").replace(place)
