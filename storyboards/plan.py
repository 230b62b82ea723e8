"""The plan: what a run would do and cost, scene by scene, before anything is bought. Pure: no I/O, no clock."""

from collections.abc import Mapping
from typing import Self

from prefect_storyboard.addresses import all_bare
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.names import suggest
from prefect_storyboard.storyboards.nouns import Frozen, Storyboard
from prefect_storyboard.storyboards.planned import Damage, PlannedCharacter, PlannedScene, State, Terms
from prefect_storyboard.storyboards.variants import Variant

__all__ = ["Damage", "Plan", "PlannedCharacter", "PlannedScene", "State", "Terms"]

# What of a storyboard is in the terms of its scenes, or decides nothing by itself. Whatever it gets later is in the
# terms until it is named here.
_SHARED = {
    *("title", "model", "aspect", "seconds", "resolution", "fit", "audio", "seed", "negative", "prefer", "quality"),
    *("matrix", "style", "cast", "scenes"),
}


def _with_needs(scenes: Mapping[str, PlannedScene], scene_id: str) -> list[PlannedScene]:
    """The scene after all that it needs."""
    found: dict[str, PlannedScene] = {}
    waiting = [scene_id]
    while waiting:
        scene = scenes[waiting[-1]]
        if missing := [name for name in scene.needs if name not in found]:
            waiting += missing
            continue
        found.setdefault(waiting.pop(), scene)
    return [*found.values()]


class Plan(Frozen):
    """The jobs of one storyboard at one provider account, in the order of the reel.

    Of each scene, `scenes` has the take that stands, or will; `takes` are its other takes that are asked for.
    """

    storyboard: Storyboard
    provider: str
    account: str
    characters: tuple[PlannedCharacter, ...]
    scenes: tuple[PlannedScene, ...]
    takes: tuple[PlannedScene, ...] = ()
    preparations: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    attempts: int = 1

    @property
    def terms(self) -> Terms:
        """What decides money and content of all jobs: the account, and how the reel is made of the clips."""
        board = self.storyboard.model_dump(mode="json", exclude_defaults=True, exclude=_SHARED)
        return {"provider": self.provider, "account": self.account, **all_bare(board)}

    @property
    def jobs(self) -> tuple[PlannedCharacter | PlannedScene, ...]:
        """Every job of the plan."""
        return (*self.characters, *self.scenes, *self.takes)

    @property
    def renders(self) -> tuple[PlannedScene, ...]:
        """All takes that are asked for: those that stand, or will, and the further ones."""
        return (*self.scenes, *self.takes)

    @property
    def low_usd(self) -> float:
        """The least that a run costs: the new jobs with a known price."""
        return round(sum(job.usd or 0.0 for job in self.jobs if job.state in {None, "new"}), 6)

    @property
    def high_usd(self) -> float | None:
        """The most that a run costs: unknown jobs may turn out to be new. None if a price is unknown."""
        if any(job.usd is None for job in self.unsettled):
            return None
        return round(sum(job.usd or 0.0 for job in self.unsettled), 6)

    @property
    def unsettled(self) -> tuple[PlannedCharacter | PlannedScene, ...]:
        """The new jobs, and the unknown ones, which may turn out to be new."""
        return tuple(job for job in self.jobs if job.state in {None, "new", "unknown"})

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
        wanted = _with_needs(scenes, scene_id)
        families = {(name, scene.model.casting) for scene in wanted for name in scene.cast}
        cast = tuple(c for c in self.characters if (c.character.name, c.model.casting) in families)
        takes = tuple(take for take in self.takes if take.scene.id == scene_id)
        return self.model_copy(update={"scenes": tuple(wanted), "characters": cast, "takes": takes})
