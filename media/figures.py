"""The figures of the reel's page: the cost of each scene, and the times at which its clips were stored."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from prefect_storyboard.storyboards import Clip
from prefect_storyboard.storyboards.money import price

_STEPS = 100  # length of a full bar


class Spent(NamedTuple):
    """The cost of a scene's takes, or of the characters. `usd` excludes the `unpriced` jobs, whose price is unknown."""

    subject: str
    takes: int
    usd: float
    unpriced: int
    share: int

    @property
    def cost(self) -> str:
        """The cost as text; an unpublished price is shown as unknown, not as $0."""
        unknown = f"{self.unpriced} of unknown price"
        if not self.unpriced:
            return price(self.usd)
        return f"{price(self.usd)} and {unknown}" if self.usd else unknown


class Difference(NamedTuple):
    """A scene whose clip does not match the storyboard: its state, the reason, and the price of a new take."""

    scene: str
    state: str
    why: str
    remedy: str = ""
    usd: float | None = None


def total(differences: Sequence[Difference]) -> str:
    """The price of all of them as text, with the number of those without a published price."""
    unknown = sum(each.usd is None for each in differences)
    known = price(sum(each.usd or 0.0 for each in differences))
    return known if not unknown else f"{known} and {unknown} of unknown price"


class Moment(NamedTuple):
    """When a clip was stored; `place` is its position between the first clip (0) and the last one (100)."""

    clip: Clip
    at: datetime
    place: float


def bill(clips: Sequence[Clip], total: float) -> list[Spent]:
    """The cost of every scene with all its takes; then the rest of the reel's cost, which paid for its characters."""
    scenes: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        scenes[clip.scene].append(clip)
    spent = {scene: sum(clip.cost_usd or 0.0 for clip in takes) for scene, takes in scenes.items()}
    shown = sum(spent.values())
    rest = round(total - shown, 6)
    whole = max(shown, total) or 1.0
    rows = [
        Spent(
            scene,
            len(takes),
            round(spent[scene], 6),
            sum(clip.cost_usd is None for clip in takes),
            round(_STEPS * spent[scene] / whole),
        )
        for scene, takes in scenes.items()
    ]
    return [*rows, Spent("characters", 0, rest, 0, round(_STEPS * rest / whole))] if rest > 0 else rows


def timeline(clips: Sequence[Clip]) -> list[Moment]:
    """The clips in the order in which they were stored."""
    ordered = sorted(clips, key=lambda clip: (clip.stored_at, clip.scene, clip.take))
    if not ordered:
        return []
    first, last = ordered[0].stored_at, ordered[-1].stored_at
    length = (last - first).total_seconds() or 1.0
    return [
        Moment(clip, clip.stored_at, round(_STEPS * (clip.stored_at - first).total_seconds() / length, 2))
        for clip in ordered
    ]
