"""One job of a plan: a character to create, or a scene to render, with its key and what the ledger knows of it."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, JsonValue

from prefect_storyboard.addresses import all_bare
from prefect_storyboard.storyboards.keys import character_key, identity, own_identity, scene_key
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.nouns import Character, Frozen, Scene
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.shots import Shot

Terms = Mapping[str, JsonValue]
# A scene is blocked if a job that it needs has failed or cannot be read. A stale scene is kept.
Room = Literal["scenes", "stills", "sheets"]  # of the library, in which takes lie
State = Literal["new", "cached", "stale", "reattached", "unknown", "failed", "blocked", "unreadable"]


# What of a scene stands in the terms under its own name, or decides nothing by itself. Whatever a scene gets later is
# in the terms until it is named here.
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
    *("prefer", "audio", "seed", "negative", "quality", "take", "takes", "fields", "caption"),
    *("still", "motion", "looks"),  # in the words of the still or the clip, and in the still's references
}


class Damage(Frozen):
    """Why the records of a job cannot be read, and what to do about it. The job is left alone."""

    error: str
    remedy: str


class PlannedCharacter(Frozen):
    """A character to be created once. `usd` is None where nobody has published the price.

    `state` is the job's state in the ledger, once it was read.
    """

    character: Character
    model: Model
    fingerprint: str
    key: str
    usd: float | None
    state: State | None = None

    @property
    def terms(self) -> Terms:
        """Everything that decides the cost and the content of the job, under names that people know."""
        return {"character": self.character.name, "model": self.model.name, "price": self.usd, "key": self.key}

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


class Node(Frozen):
    """A job of a plan that has takes: its key, and what the ledger knows of it, once it was asked.

    `content` is what the key hashes, with `copy` for the number of equal scenes before it. `legacy` is the key that
    version 0.1.0 gave a scene with a parent. `standing` means that the key belongs to the reel's standing take, and
    `stale` says why this take does not match the present storyboard. With `damage`, the standing take is unknown.
    `order` is the digest of the request body, with a name in the place of everything that a provider returned. One that
    is `further` is another take, beside the one that stands; `picked` says that a person wants this one. It may
    be bought `most` times in all, its further takes for bad clips included; None: as often as the run allows.
    """

    scene: Scene
    key: str
    content: JsonObject = Field(default={}, repr=False)
    copy_number: int = 0
    legacy: str | None = None
    standing: bool = False
    stale: str | None = None
    damage: Damage | None = None
    order: str | None = None
    further: bool = False
    picked: bool = False
    most: int | None = None
    state: State | None = None

    @property
    def name(self) -> str:
        """Its name in the plan. Only takes of the same scene or still share a name."""
        return self.scene.id

    @property
    def room(self) -> Room:
        """The folder of the library that holds its takes."""
        return "scenes"

    @property
    def identity(self) -> str:
        """The identity of the request, its parents included, without the take."""
        return identity(self.content, self.copy_number)

    @property
    def own_identity(self) -> str:
        """The identity of the request itself, without its parents and without the take."""
        return own_identity(self.content, self.copy_number)

    @property
    def take(self) -> int:
        """The take that the key asks for: the storyboard's, or one that a changed parent has made necessary."""
        return int(str(self.content["take"]))

    @property
    def subject(self) -> str:
        """The name that people see while it is made, with the number of a further take.

        The name of a take that somebody has asked for begins with the id of the order, which nobody knows.
        """
        which = f"reroll {self.reroll.rpartition('-')[2]}" if self.reroll else f"take {self.take}"
        return f"{self.name} ({which})" if self.further else self.name

    @property
    def reroll(self) -> str | None:
        """The name of a further take that was requested with reroll; None for a take that the storyboard asks for."""
        found = self.content.get("reroll")
        return str(found) if found else None

    @property
    def note(self) -> str | None:
        """The note of a further take: what it is to change."""
        found = self.content.get("note")
        return str(found) if found else None

    def with_take(self, take: int) -> Self:
        """The same as another take: another job."""
        return self.with_content({**self.content, "take": take})

    def with_reroll(self, name: str, note: str = "") -> Self:
        """The same as a further take under that name: another job. A note is added to its prompt."""
        return self.with_content({**self.content, "reroll": name} | ({"note": note} if note else {}))

    def with_content(self, content: JsonObject) -> Self:
        """The same job with another content and the key of that content."""
        return self.model_copy(update={"content": content, "key": scene_key(content, self.copy_number)})


class PlannedScene(Node, Shot):
    """A shot with the key of its job."""

    @property
    def terms(self) -> Terms:
        """Everything that decides the cost and the content of the job, under names that people know.

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
            **({"begins with": self.still_name} if self.still else {}),
            **all_bare(later),
        }

    @property
    def parent_identity(self) -> str | None:
        """Identity of the scene that this one continues or remixes, or of the still that it begins with."""
        found = self.content.get("continues") or self.content.get("remixes") or self.content.get("still")
        return str(found) if found else None

    def with_reroll(self, name: str, note: str = "") -> Self:
        """The same scene as a further take under that name: another job. A note is added to its prompt."""
        words = {"prompt": with_note(self.prompt, note), "sent": with_note(self.sent, note)}
        return super().with_reroll(name, note).model_copy(update=words)

    def made_of(self, needed: Mapping[str, str]) -> Self:
        """The same scene made of other takes; `needed` has the identity of each job that it needs, by name."""
        content = dict(self.content)
        if parent := self.scene.parent:
            content["continues" if self.scene.continues else "remixes"] = needed[parent]
        if self.still:
            content["still"] = needed[self.still_name]
        if self.origins:
            content["made_of"] = {origin.fingerprint: needed[origin.scene] for origin in self.origins}
        return self.with_content(content)


def with_note(prompt: str, note: str) -> str:
    """A prompt with the note of a further take at its end."""
    return f"{prompt}\n{note}" if note and prompt else prompt
