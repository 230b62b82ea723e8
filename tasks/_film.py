"""The reel's MP4 and the captions beside it, from the files of its clips."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from prefect_storyboard.ledger import Storage
from prefect_storyboard.media import deferred
from prefect_storyboard.media.sources import LocalFile
from prefect_storyboard.storyboards import Clip, Plan
from prefect_storyboard.storyboards.base import Transition
from prefect_storyboard.tasks._sounds import place

_CAPTIONS = ("reel.srt", "reel.vtt")


class Finish(NamedTuple):
    """How the clips become a reel, unless the plan's scenes say otherwise."""

    loudness: bool = True
    music: LocalFile | None = None
    transition: Transition = "cut"
    seconds: float = 0.5

    @property
    def facts(self) -> list[JsonValue]:
        """The facts by which two reels differ."""
        return [self.loudness, self.music.sha256 if self.music else None, self.transition, self.seconds]

    def into(self, clip: Clip, plan: Plan | None) -> "deferred.Transition | None":
        """How a clip begins; None for a cut."""
        scene = next((each.scene for each in plan.scenes if each.scene.id == clip.scene), None) if plan else None
        kind = (scene and scene.transition) or self.transition
        seconds = (scene and scene.transition_seconds) or self.seconds
        return deferred.transition(kind, seconds)


class Film(NamedTuple):
    """Facts of the MP4: seconds, the gain of each scene that has one, and where each clip begins and the last ends."""

    seconds: float
    gains: Mapping[str, float]
    cuts: tuple[float, ...]


def film(clips: Sequence[Clip], files: Sequence[Path], plan: Plan | None, finish: Finish, *, folder: Path) -> Film:
    """Write reel.mp4 into the folder, and the captions that it has. Raises MediaError."""
    board = plan.storyboard if plan else None
    said = {scene.id: scene.caption for scene in board.scenes} if board else {}
    parts = [
        deferred.Part(file, clip.scene, finish.into(clip, plan), said.get(clip.scene, ""), place(clip))
        for file, clip in zip(files, clips, strict=True)
    ]
    around = deferred.with_cards(parts, board.cards, folder) if board and board.cards else parts
    music = finish.music.path if finish.music else None
    finishing = deferred.Finish(loudness=finish.loudness, music=music, burn=bool(board and board.burn))
    seen = deferred.assemble(around, folder / "reel.mp4", finishing)
    first = around.index(parts[0])
    gains = zip(clips, seen.gains[first:], strict=False)  # the credits follow
    return Film(
        seconds=round(seen.seconds, 3),
        gains={clip.scene: gain for clip, gain in gains if gain},
        cuts=(*seen.starts, seen.end)[first : first + len(parts) + 1],
    )


def publish_film(storage: Storage, place: Sequence[str], folder: Path) -> None:
    """Store reel.mp4 and its captions; those of an earlier reel are removed where this one has none."""
    storage.publish(folder / "reel.mp4", *place, "reel.mp4")
    for name in _CAPTIONS:
        if (folder / name).exists():
            storage.publish(folder / name, *place, name)
        elif storage.exists(*place, name):
            storage.remove(*place, name)
