"""The cut of a reel in frames: the take of each scene that the reel shows, where, and the other takes."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path, PurePath
from urllib.parse import quote

from prefect_storyboard.media.cards import card_frames
from prefect_storyboard.media.picture import standard
from prefect_storyboard.media.reel import layout
from prefect_storyboard.media.timing import Transition
from prefect_storyboard.media.tracks import read_clip
from prefect_storyboard.storyboards import Clip, Frozen, Scene
from prefect_storyboard.storyboards.cards import Cards
from prefect_storyboard.storyboards.money import price


class Take(Frozen):
    """A stored take: its file on this machine, and `name_as`, the path by which the exported file names it.

    A relative path begins at the exported file. `why` has the reasons why the take is stale, one sentence each; it is
    empty if the take is current.
    """

    clip: Clip
    path: Path
    name_as: str
    why: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """`name_as` as a URL: a relative reference, or the address of a file or object elsewhere."""
        if "://" in self.name_as:
            return self.name_as
        path = PurePath(self.name_as)
        return path.as_uri() if path.is_absolute() else quote(self.name_as)


class Footage(Take):
    """A take with the facts of its file: `frames` pictures at `fps`."""

    frames: int
    fps: Fraction
    sounds: bool

    @property
    def name(self) -> str:
        """The take's name, as its file in the library has it: take-002."""
        return f"take-{self.clip.take:03d}"

    @property
    def verdict(self) -> str:
        """Whether the take is current, or why it is stale."""
        return f"stale: {'; '.join(self.why)}" if self.why else "current"

    @property
    def remark(self) -> str:
        """Take, cost, verdict and prompt in one line, for a marker."""
        words = " ".join(self.clip.prompt.split())
        return f"take {self.clip.take}, {price(self.clip.cost_usd)}, {self.verdict}: {words}"


class Cut(Frozen):
    """A scene in the reel: the frames from `start` up to, but without, `stop` show the take `shown`."""

    scene: str
    caption: str = ""
    start: int
    stop: int
    shown: Footage
    others: tuple[Footage, ...] = ()

    @property
    def takes(self) -> tuple[Footage, ...]:
        """Every take of the scene, by number."""
        return tuple(sorted((self.shown, *self.others), key=lambda take: take.clip.take))


class Timeline(Frozen):
    """A reel for an editing program: the cuts in order, at the frame rate and size of the reel's MP4.

    The first cut begins after the frames of the title card; `after` is the number of frames of the credits.
    """

    title: str
    fps: Fraction
    width: int
    height: int
    cuts: tuple[Cut, ...]
    after: int = 0

    @property
    def before(self) -> int:
        """The frames before the first cut."""
        return self.cuts[0].start

    @property
    def frames(self) -> int:
        """Length of the reel."""
        return self.cuts[-1].stop + self.after


class Chosen(Frozen):
    """A scene of the reel with the take that it shows, and its other takes."""

    scene: Scene
    shown: Take
    others: tuple[Take, ...] = ()


def timeline(
    title: str, scenes: Sequence[Chosen], cards: Cards | None = None, into: Sequence[Transition | None] = ()
) -> Timeline:
    """Lay the scenes out in order, cut at the frames at which the assembled reel cuts. Reads every file.

    `into` is the transition into each scene; a dissolve shortens the scene before it. Raises MediaError for a file that
    is not a video, and ValueError without a scene.
    """
    if not scenes:
        raise ValueError(f"{title} has no clip to export; run it first; nothing was bought and no file was written")
    seen = [read_clip(each.shown.path) for each in scenes]
    made, starts = layout(seen, into, before=cards.seconds_before if cards and cards.seconds_around else None)
    cuts = tuple(_cut(each, span) for each, span in zip(scenes, pairwise(starts), strict=True))
    after = card_frames(cards.seconds_after, made.fps) if cards else 0
    return Timeline(title=title, fps=made.fps, width=made.width, height=made.height, cuts=cuts, after=after)


def _cut(chosen: Chosen, span: tuple[int, int]) -> Cut:
    return Cut(
        scene=chosen.scene.id,
        caption=chosen.scene.caption,
        start=span[0],
        stop=span[1],
        shown=_footage(chosen.shown),
        others=tuple(map(_footage, chosen.others)),
    )


def _footage(take: Take) -> Footage:
    seen = read_clip(take.path)
    facts = {"frames": seen.frames, "fps": standard(seen.probe.fps), "sounds": seen.probe.has_audio}
    return Footage(**dict(take), **facts)
