"""What a run would do and cost, scene by scene, before anything is bought. Pure: no files, no network, no clock."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, JsonValue

<<<<<<< HEAD
from prefect_storyboard.addresses import all_bare
from prefect_storyboard.storyboards.keys import digest, identity, own_identity, scene_key
=======
from prefect_storyboard.storyboards.keys import character_key, digest, identity, own_identity, scene_key
>>>>>>> main
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.names import suggest
from prefect_storyboard.storyboards.nouns import Character, Frozen, Storyboard
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.shots import Shot
from prefect_storyboard.storyboards.variants import Variant

<<<<<<< HEAD
Terms = Mapping[str, JsonValue]
State = Literal["new", "cached", "stale", "reattached", "unknown", "failed", "unreadable"]
=======
# A scene is blocked where what it needs has failed or cannot be read; a stale one is kept.
State = Literal["new", "cached", "stale", "reattached", "unknown", "failed", "blocked", "unreadable"]
>>>>>>> main


# Of a scene and of a storyboard, what stands in the terms under its own name, or decides nothing by itself. Whatever
# is added to either later is in the terms until it is named here.
_RESOLVED = {
    *(
        "id",
        "prompt",
        "characters",
        "seconds",
        "aspect",
        "resolution",
        "model",
        "image",
        "ends",
        "continues",
        "remixes",
    ),
    *("prefer", "audio", "seed", "negative", "quality", "take", "takes", "fields"),
}
_SHARED = {
    *("title", "model", "aspect", "seconds", "resolution", "fit", "audio", "seed", "negative", "prefer", "quality"),
    *("matrix", "style", "cast", "scenes"),
}


class Damage(Frozen):
    """Why the records of a job cannot be read, and what to do about it. The job is left alone."""

    error: str
    remedy: str


class PlannedCharacter(Frozen):
    """A character to be created once. `usd` is None where nobody has published the price.

    `state` is what the ledger knows of the job, once it was asked.
    """

    character: Character
    model: Model
    fingerprint: str
    key: str
    usd: float | None
    state: State | None = None

<<<<<<< HEAD
    @property
    def terms(self) -> Terms:
        """What decides the money and the content of the job, in words that a person knows."""
        return {"character": self.character.name, "model": self.model.name, "price": self.usd, "key": self.key}
=======
    def made_of(self, take: str, account: str) -> Self:
        """The same character made from that take, by the key of its job."""
        key = character_key(
            provider=self.model.provider,
            account=account,
            casting=self.model.casting or "",
            fingerprint=self.fingerprint,
            source=take,
        )
        return self.model_copy(update={"key": key})
>>>>>>> main


class PlannedScene(Shot):
    """A shot with the key of its job, and what the ledger knows of it, once it was asked.

    `content` is what the key hashes, with `copy` for the number of equal scenes before it. `legacy` is the key that
    version 0.1.0 gave a scene with a parent. `standing` says that the key is that of the take that stands in the reel,
    and `stale` why this take is not of today's storyboard. With `damage`, nobody can tell which take stands there.
    `order` is the digest of the request body, with a name in the place of everything that a provider returned.
    """

    key: str
    content: JsonObject = Field(default={}, repr=False)
    copy_number: int = 0
    legacy: str | None = None
    standing: bool = False
    stale: str | None = None
    damage: Damage | None = None
    order: str | None = None
    state: State | None = None

    @property
    def terms(self) -> Terms:
        """What decides the money and the content of the job, in words that a person knows.

        Of a take that is kept, only which one it is. Addresses are without their signatures, which change.
        """
        name = {"scene": self.scene.id, "key": self.key}
        if self.standing:
            return {**name, "kept": self.stale or "as it stands"}
        later = self.scene.model_dump(mode="json", exclude_defaults=True, exclude=_RESOLVED)
        return {
            **name,
            "model": self.model.name,
            "endpoint": self.endpoint,
            "prompt": all_bare(self.prompt),
            "characters": [*self.cast],
            "references": [*self.references],
            "seconds": self.seconds,
            "aspect": self.aspect,
            "resolution": self.resolution,
            "sound": self.audio,
            "seed": self.seed,
            "negative": self.negative,
            "fields": all_bare(self.scene.fields),
            "take": self.take,
            "price": self.usd,
            "order": self.order,
            **all_bare(later),
        }

    @property
    def identity(self) -> str:
        """What is asked for, parents included, without the take."""
        return identity(self.content, self.copy_number)

    @property
    def own_identity(self) -> str:
        """What the scene itself asks for, whatever its parent and take."""
        return own_identity(self.content, self.copy_number)

    @property
    def parent_identity(self) -> str | None:
        """Identity of the scene that this one continues or remixes."""
        found = self.content.get("continues") or self.content.get("remixes")
        return str(found) if found else None

    @property
    def take(self) -> int:
        """The take that the key asks for: the storyboard's, or one that a changed parent has made necessary."""
        return int(str(self.content["take"]))

<<<<<<< HEAD
    @property
    def reroll(self) -> str | None:
        """The name of the further take that somebody has asked for; None of one that the storyboard asks for."""
        found = self.content.get("reroll")
        return str(found) if found else None

    @property
    def note(self) -> str | None:
        """What a further take was asked to change."""
        found = self.content.get("note")
        return str(found) if found else None

    def with_reroll(self, name: str, note: str = "") -> Self:
        """The same scene as a further take under that name: another job. A note is added to its prompt."""
        content = {**self.content, "reroll": name} | ({"note": note} if note else {})
        update = {"content": content, "key": scene_key(content, self.copy_number)}
        return self.model_copy(
            update=update | {"prompt": with_note(self.prompt, note), "sent": with_note(self.sent, note)}
        )
=======
    def made_of(self, needed: Mapping[str, str]) -> Self:
        """The same scene made of other takes; `needed` has the identity of each scene that it needs, by id."""
        content = dict(self.content)
        if parent := self.scene.parent:
            content["continues" if self.scene.continues else "remixes"] = needed[parent]
        if self.origins:
            content["made_of"] = {origin.fingerprint: needed[origin.scene] for origin in self.origins}
        return self.model_copy(update={"content": content, "key": scene_key(content, self.copy_number)})
>>>>>>> main

    def with_take(self, take: int) -> Self:
        """The same scene as another take: another job."""
        content = {**self.content, "take": take}
        return self.model_copy(update={"content": content, "key": scene_key(content, self.copy_number)})


<<<<<<< HEAD
def with_note(prompt: str, note: str) -> str:
    """A prompt with what a further take is asked to change."""
    return f"{prompt}\n{note}" if note and prompt else prompt
=======
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
>>>>>>> main


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
        """Everything that is paid for."""
        return (*self.characters, *self.scenes, *self.takes)

    @property
    def low_usd(self) -> float:
        """What a run costs at least: the new jobs whose price is known."""
        return round(sum(job.usd or 0.0 for job in self.jobs if job.state in {None, "new"}), 6)

    @property
    def high_usd(self) -> float | None:
        """What a run costs at most: unknown jobs may turn out to be new. None where a price is unknown."""
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
        """The part of the plan that one scene needs: the scenes that it is made of, itself last, and their characters.

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
