"""The sound of clips, measured and encoded while other scenes still render: a reel need not wait for all of it.

Where a clip begins in the reel follows from how long the clips before it are. Of one that is not there yet, the length
is that of a clip of which as much was asked. If that is wrong, its sound is encoded again when the reel is assembled.
"""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from pathlib import Path

from prefect_storyboard.media import deferred
from prefect_storyboard.media.best_effort import best_effort
from prefect_storyboard.storyboards import Clip, Plan
from prefect_storyboard.tasks import _media

_ahead: ContextVar["SoundsAhead | None"] = ContextVar("sounds_ahead", default=None)


def place(clip: Clip) -> Path:
    """The name, without a suffix, of the files that belong to a clip's sound; they last as long as this process."""
    folder = _media.folder() / "sounds"
    folder.mkdir(exist_ok=True)
    return folder / clip.sha256


class SoundsAhead:
    """Prepares the sound of one plan's clips in a thread that is not theirs, one after the other."""

    def __init__(self, plan: Plan, thread: Executor) -> None:
        self._reels = [{each.scene.id: each.seconds for each in reel.scenes} for reel in plan.reels()]
        self._lengths: dict[str, Fraction] = {}
        self._of_asked: dict[int, Fraction] = {}
        self._thread = thread

    def begin(self, file: Path, clip: Clip) -> None:
        """Begin with a clip; its file may be removed meanwhile."""
        with best_effort("the sound", []):
            own = place(clip).with_suffix(".mp4")
            own.hardlink_to(file)
            self._thread.submit(self._prepare, own, clip)

    def _prepare(self, own: Path, clip: Clip) -> None:
        with best_effort("the sound", []):
            try:
                deferred.keep_sound(own, place(clip), lambda seconds: self._start(clip, seconds))
            finally:
                own.unlink(missing_ok=True)

    def _start(self, clip: Clip, seconds: Fraction) -> Fraction | None:
        """Where in its reel the clip begins, as far as that is known."""
        self._lengths[clip.scene] = seconds
        reel = next((reel for reel in self._reels if clip.scene in reel), {})
        if clip.scene in reel:
            self._of_asked[reel[clip.scene]] = seconds
        start = Fraction(0)
        for scene, asked in reel.items():
            if scene == clip.scene:
                return start
            length = self._lengths.get(scene) or self._of_asked.get(asked)
            if length is None:
                return None
            start += length
        return None


def only_cuts(plan: Plan) -> bool:
    """Whether the plan's reel has the sound of its clips alone, one after the other, and equally loud."""
    board = plan.storyboard
    shown = board.cards or board.burn or board.music or board.transition != "cut"
    return board.reel and board.loudness and not shown and not any(each.scene.transition for each in plan.scenes)


@contextmanager
def sounds_ahead(plan: Plan) -> Iterator[None]:
    """Inside the block, the sound of clips that are stored is prepared for the plan's reel, if it will be only cut."""
    thread = ThreadPoolExecutor(1, "storyboard-sound")
    token = _ahead.set(SoundsAhead(plan, thread) if only_cuts(plan) else None)
    try:
        yield
    finally:
        _ahead.reset(token)
        thread.shutdown(wait=False, cancel_futures=True)  # what has not begun is left to the reel


def begin_ahead(file: Path, clip: Clip) -> None:
    """Begin with the sound of a clip that has just been stored; the reel does it again where it fails."""
    if ahead := _ahead.get():
        ahead.begin(file, clip)
