"""The plan: what a run would do and cost, scene by scene, before anything is bought. Pure: no I/O, no clock."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field

from prefect_storyboard.storyboards.keys import character_key, digest, identity, own_identity, scene_key
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.names import suggest
from prefect_storyboard.storyboards.nouns import Character, Frozen, Storyboard
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.shots import Shot
from prefect_storyboard.storyboards.variants import Variant

# A scene is blocked if what it needs has failed or cannot be read; a stale one is kept.
State = Literal["new", "cached", "stale", "reattached", "unknown", "failed", "blocked", "unreadable"]


class Damage(Frozen):
    """Why the records of a job cannot be read, and what to do about it. The job is left alone."""

    error: str
    remedy: str


class PlannedCharacter(Frozen):
    """A character to be created once. `usd` is None if the price is not published.

    `state` is the job's state in the ledger, once it was read.
    """

    character: Character
    model: Model
    fingerprint: str
    key: str
    usd: float | None
    state: State | None = None

    def made_of(self, take: str, account: str) -> Self:
        """The same character, made from that take, given by the key of its job."""
        key = character_key(
            provider=self.model.provider,
            account=account,
            casting=self.model.casting or "",
            fingerprint=self.fingerprint,
            source=take,
        )
        return self.model_copy(update={"key": key})


class PlannedScene(Shot):
    """A shot with the key of its job, and its state in the ledger, once it was read.

    `content` is what the key hashes, with `copy` for the number of equal scenes before it. `legacy` is the key that
    version 0.1.0 gave a scene with a parent. `standing` means that the key belongs to the reel's standing take, and
    `stale` says why this take does not match the present storyboard. With `damage`, the standing take is unknown.
    """

    key: str
    content: JsonObject = Field(default={}, repr=False)
    copy_number: int = 0
    legacy: str | None = None
    standing: bool = False
    stale: str | None = None
    damage: Damage | None = None
    state: State | None = None

    @property
    def identity(self) -> str:
        """The identity of the request, including parents, without the take."""
        return identity(self.content, self.copy_number)

    @property
    def own_identity(self) -> str:
        """The identity of the scene's own request, without its parent and take."""
        return own_identity(self.content, self.copy_number)

    @property
    def parent_identity(self) -> str | None:
        """Identity of the scene that this one continues or remixes."""
        found = self.content.get("continues") or self.content.get("remixes")
        return str(found) if found else None

    @property
    def take(self) -> int:
        """The take of the key: the storyboard's, or a later one if a changed parent requires it."""
        return int(str(self.content["take"]))

    def made_of(self, needed: Mapping[str, str]) -> Self:
        """The same scene made from other takes; `needed` has the identity of each scene that it needs, by id."""
        content = dict(self.content)
        if parent := self.scene.parent:
            content["continues" if self.scene.continues else "remixes"] = needed[parent]
        if self.origins:
            content["made_of"] = {origin.fingerprint: needed[origin.scene] for origin in self.origins}
        return self.model_copy(update={"content": content, "key": scene_key(content, self.copy_number)})

    def with_take(self, take: int) -> Self:
        """The same scene as another take: another job."""
        content = {**self.content, "take": take}
        return self.model_copy(update={"content": content, "key": scene_key(content, self.copy_number)})


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
    """The jobs of one storyboard at one provider account, in the order of the reel."""

    storyboard: Storyboard
    provider: str
    account: str
    characters: tuple[PlannedCharacter, ...]
    scenes: tuple[PlannedScene, ...]
    preparations: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()

    @property
    def jobs(self) -> tuple[PlannedCharacter | PlannedScene, ...]:
        """Every job of the plan."""
        return (*self.characters, *self.scenes)

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
        """A hash that changes exactly when the plan's requests change."""
        return digest([job.key for job in self.jobs])

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
        return self.model_copy(update={"scenes": tuple(wanted), "characters": cast})
