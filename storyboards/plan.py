"""The plan of a run: the jobs and their cost, scene by scene, before anything is bought. Pure: no I/O, no clock."""

from collections.abc import Iterable, Mapping
from typing import Self

from prefect_storyboard.addresses import all_bare
from prefect_storyboard.storyboards.again import is_again
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.names import suggest
from prefect_storyboard.storyboards.nouns import Frozen, Storyboard
from prefect_storyboard.storyboards.planned import Damage, PlannedCharacter, PlannedScene, State, Terms
from prefect_storyboard.storyboards.planned_stills import PlannedSheet, PlannedStill
from prefect_storyboard.storyboards.variants import Variant

__all__ = [
    "Damage",
    "Plan",
    "PlannedCharacter",
    "PlannedJob",
    "PlannedScene",
    "PlannedSheet",
    "PlannedStill",
    "State",
    "Terms",
]

_OPEN: frozenset[State | None] = frozenset({None, "new", "unknown"})  # what a run may have to buy
PlannedJob = PlannedCharacter | PlannedSheet | PlannedStill | PlannedScene

# What of a storyboard is in the terms of its scenes, or decides nothing by itself. Whatever it gets later is in the
# terms until it is named here.
_SHARED = {
    *("title", "model", "aspect", "seconds", "resolution", "fit", "audio", "seed", "negative", "prefer", "quality"),
    *("matrix", "style", "cast", "scenes", "stills"),
}


def _with_needs(
    scenes: Mapping[str, PlannedScene], scene_id: str, of_stills: Mapping[str, tuple[str, ...]]
) -> list[PlannedScene]:
    """Order a scene after everything that it and its still need."""
    found: dict[str, PlannedScene] = {}
    waiting = [scene_id]
    while waiting:
        scene = scenes[waiting[-1]]
        needs = (*(name for name in scene.needs if name in scenes), *of_stills.get(scene.scene.id, ()))
        if missing := [name for name in needs if name not in found]:
            waiting += missing
            continue
        found.setdefault(waiting.pop(), scene)
    return [*found.values()]


def _known(jobs: Iterable[PlannedJob]) -> float:
    return round(sum(job.usd or 0.0 for job in jobs), 6)


class Plan(Frozen):
    """The jobs of one storyboard at one provider account, in the order of the reel.

    A `judge` of one's own is asked about each new clip, for `usd_per_look`.

    Of each scene, `scenes` has the take that stands, or will; `takes` are its other takes that are asked for. With
    stills, `sheets` and `stills` are the pictures, each sheet after the one that it is drawn from.
    """

    storyboard: Storyboard
    provider: str
    account: str
    characters: tuple[PlannedCharacter, ...]
    sheets: tuple[PlannedSheet, ...] = ()
    stills: tuple[PlannedStill, ...] = ()
    scenes: tuple[PlannedScene, ...]
    takes: tuple[PlannedScene, ...] = ()
    still_takes: tuple[PlannedStill, ...] = ()
    preparations: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    attempts: int = 1
    judge: str = ""
    usd_per_look: float = 0.0

    @property
    def terms(self) -> Terms:
        """What decides money and content of all jobs: the account, and how the reel is made of the clips."""
        board = self.storyboard.model_dump(mode="json", exclude_defaults=True, exclude=_SHARED)
        asked: Terms = {"judge": self.judge, "usd_per_look": self.usd_per_look} if self.judge else {}
        return {"provider": self.provider, "account": self.account, **asked, **all_bare(board)}

    @property
    def jobs(self) -> tuple[PlannedJob, ...]:
        """Every job of the plan."""
        return (*self.characters, *self.pictures, *self.scenes, *self.takes)

    @property
    def pictures(self) -> tuple[PlannedSheet | PlannedStill, ...]:
        """Every picture that is drawn: sheets, stills, and further takes of stills."""
        return (*self.sheets, *self.stills, *self.still_takes)

    @property
    def renders(self) -> tuple[PlannedScene, ...]:
        """All requested takes: the one that the reel shows of each scene, and the further ones."""
        return (*self.scenes, *self.takes)

    @property
    def usd_of_pictures(self) -> float:
        """The cost of the new pictures whose prices are known."""
        return _known(job for job in self.pictures if job.state in _OPEN)

    @property
    def usd_of_motion(self) -> float:
        """The cost of the new clips and of the characters that they need, as far as their prices are known."""
        return _known(
            job for job in self.jobs if job.state in _OPEN and not isinstance(job, PlannedSheet | PlannedStill)
        )

    @property
    def low_usd(self) -> float:
        """The least that a run costs: the new jobs with a known price, and looking at their clips."""
        return round(_known(job for job in self.jobs if job.state in {None, "new"}) + self._looks(None, "new"), 6)

    @property
    def high_usd(self) -> float | None:
        """The most that a run costs: unknown jobs may turn out to be new, and clips to be bad.

        None if a price is unknown.
        """
        if any(job.usd is None for job in self.unsettled):
            return None
        return round(_known(self.unsettled) + self.usd_of_looks + self.usd_again, 6)

    @property
    def usd_again(self) -> float:
        """What further takes may cost at most beside that, if clips turn out to be bad, as far as prices are known."""
        return round(sum(self._again(scene) for scene in self.scenes), 6)

    def _again(self, scene: PlannedScene) -> float:
        takes = [take for take in self.takes if take.scene.id == scene.scene.id and is_again(take.reroll)]
        last = (takes or [scene])[-1]
        may_be_bad = last.state in {*_OPEN, "reattached"} and not (scene.picked or scene.stale)
        if not (may_be_bad and self.storyboard.rerolls(scene.scene)):
            return 0.0
        return ((last.most or self.attempts) - 1) * ((last.usd or 0.0) + self.usd_per_look)

    @property
    def usd_of_looks(self) -> float:
        """What asking the judge about the clips that are not stored yet costs."""
        return self._looks(*_OPEN)

    def _looks(self, *states: State | None) -> float:
        """Of the clips in these states, and of those that render."""
        return round(sum(scene.state in {*states, "reattached"} for scene in self.renders) * self.usd_per_look, 6)

    @property
    def unsettled(self) -> tuple[PlannedJob, ...]:
        """The new jobs, and the unknown ones, which may turn out to be new."""
        return tuple(job for job in self.jobs if job.state in _OPEN)

    @property
    def hash(self) -> str:
        """Changes exactly when money or content does: with what is asked for, its prices, and what is to be bought."""
        open_keys = {job.key for job in self.unsettled}
        jobs = ({**job.terms, "buys": job.key in open_keys} for job in self.jobs)
        return digest([{**self.terms, "attempts": self.attempts}, *jobs])

    def reels(self) -> tuple[Self, ...]:
        """The part of each reel: the plan itself, or one part for each variant of a matrix."""
        if not self.variants:
            return (self,)
        scenes = {scene.scene.id: scene for scene in self.scenes}
        return tuple(
            self.model_copy(
                update={
                    "storyboard": self.storyboard.model_copy(
                        update={"title": each.title, "scenes": tuple(scenes[name].scene for name in each.scenes)}
                    ),
                    "scenes": tuple(scenes[name] for name in each.scenes),
                    "takes": tuple(take for take in self.takes if take.scene.id in each.scenes),
                    "stills": tuple(still for still in self.stills if still.scene.id in each.scenes),
                    "still_takes": tuple(take for take in self.still_takes if take.scene.id in each.scenes),
                    "variants": (),
                }
            )
            for each in self.variants
        )

    def only(self, scene_id: str) -> Self:
        """The part of the plan that one scene needs: the scenes that it depends on, itself last, and their characters.

        Raises ValueError for an id that the storyboard does not have.
        """
        scenes = {scene.scene.id: scene for scene in self.scenes}
        if scene_id not in scenes:
            raise ValueError(f"no scene has the id {scene_id}; {suggest(scene_id, scenes)}")
        wanted = _with_needs(scenes, scene_id, {still.scene.id: still.needs for still in self.stills})
        families = {(name, scene.model.casting) for scene in wanted for name in scene.cast}
        cast = tuple(c for c in self.characters if (c.character.name, c.model.casting) in families)
        takes = tuple(take for take in self.takes if take.scene.id == scene_id)
        part = self.model_copy(update={"scenes": tuple(wanted), "characters": cast, "takes": takes})
        return part.drawing(scene.scene.id for scene in wanted if scene.still)

    def drawing(self, scene_ids: Iterable[str]) -> Self:
        """The same part of the plan with the stills of these scenes only, and the sheets that they are drawn from."""
        wanted = {*scene_ids}
        stills = tuple(still for still in self.stills if still.scene.id in wanted)
        needed = {key for still in stills for key in still.sheets}
        needed |= {sheet.base for sheet in self.sheets if sheet.key in needed and sheet.base}
        sheets = tuple(sheet for sheet in self.sheets if sheet.key in needed)
        takes = tuple(take for take in self.still_takes if take.scene.id in wanted)
        return self.model_copy(update={"sheets": sheets, "stills": stills, "still_takes": takes})
