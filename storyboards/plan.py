"""What a run would do and cost, scene by scene, before anything is bought. Pure: no files, no network, no clock."""

from collections.abc import Mapping
from typing import Literal, Self

from prefect_storyboard.storyboards.keys import character_key, digest, fingerprint, scene_content, scene_key
from prefect_storyboard.storyboards.model import Model
from prefect_storyboard.storyboards.names import suggest
from prefect_storyboard.storyboards.nouns import Character, Frozen, Storyboard
from prefect_storyboard.storyboards.shots import Shot

State = Literal["new", "cached", "reattached", "unknown", "failed"]


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


class PlannedScene(Shot):
    """A shot with the key of its job, and what the ledger knows of it, once it was asked."""

    key: str
    state: State | None = None


class Plan(Frozen):
    """The jobs of one storyboard at one provider account, in the order of the reel."""

    storyboard: Storyboard
    provider: str
    account: str
    characters: tuple[PlannedCharacter, ...]
    scenes: tuple[PlannedScene, ...]
    preparations: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def jobs(self) -> tuple[PlannedCharacter | PlannedScene, ...]:
        """Everything that is paid for."""
        return (*self.characters, *self.scenes)

    @property
    def low_usd(self) -> float:
        """What a run costs at least: the new jobs whose price is known."""
        return round(sum(job.usd or 0.0 for job in self.jobs if job.state in {None, "new"}), 6)

    @property
    def high_usd(self) -> float | None:
        """What a run costs at most: unknown jobs may turn out to be new. None where a price is unknown."""
        unsettled = [job for job in self.jobs if job.state in {None, "new", "unknown"}]
        if any(job.usd is None for job in unsettled):
            return None
        return round(sum(job.usd or 0.0 for job in unsettled), 6)

    @property
    def hash(self) -> str:
        """Changes exactly when the plan asks for something else."""
        return digest([job.key for job in self.jobs])

    def only(self, scene_id: str) -> Self:
        """The part of the plan that one scene needs: its ancestors, itself, and their characters.

        Raises ValueError for an id that the storyboard does not have.
        """
        scenes = {scene.scene.id: scene for scene in self.scenes}
        if scene_id not in scenes:
            raise ValueError(f"no scene has the id {scene_id}; {suggest(scene_id, scenes)}")
        wanted: list[PlannedScene] = []
        at: str | None = scene_id
        while at:
            wanted.insert(0, scenes[at])
            at = scenes[at].scene.parent
        families = {(name, scene.model.casting) for scene in wanted for name in scene.cast}
        cast = tuple(c for c in self.characters if (c.character.name, c.model.casting) in families)
        return self.model_copy(update={"scenes": tuple(wanted), "characters": cast})


def plan(
    storyboard: Storyboard,
    shots: tuple[Shot, ...],
    *,
    provider: str,
    account: str,
    content: Mapping[str, str],
    clip_seconds: Mapping[tuple[str, str], float] | None = None,
    preparations: tuple[str, ...] = (),
) -> Plan:
    """Give every shot and every character in use its key and price.

    `content` maps each path or URL that the storyboard names to the sha256 of what it holds, `clip_seconds` the names
    of a model and of a character whose clip goes along to its length; `preparations` say what is done to media.
    """
    lengths = clip_seconds or {}
    prints = {c.name: fingerprint(c, content) for c in storyboard.cast if any(c.name in s.cast for s in shots)}
    scenes: list[PlannedScene] = []
    seen: dict[str, int] = {}
    for shot in shots:
        decided = scene_content(
            provider=provider,
            account=account,
            model=shot.model.name,
            prompt=shot.words,
            seconds=shot.seconds,
            aspect=shot.aspect,
            resolution=shot.resolution,
            characters=[prints[name] for name in shot.cast],
            image=content[shot.scene.image] if shot.scene.image else None,
            continues=shot.scene.continues,
            remixes=shot.scene.remixes,
            take=shot.scene.take,
        )
        if shown := sorted(prints[sending.character] for sending in shot.sends if sending.clip):
            decided["clips"] = [*shown]
        same = digest(decided)
        copy = seen.get(same, 0)
        seen[same] = copy + 1
        sent = sum(lengths[shot.model.name, sending.character] for sending in shot.sends if sending.clip)
        usd = shot.model.price(shot.operation, shot.seconds, shot.resolution, sent)
        scenes.append(PlannedScene(**{**dict(shot), "usd": usd}, key=scene_key(decided, copy)))
    return Plan(
        storyboard=storyboard,
        provider=provider,
        account=account,
        characters=_characters(storyboard, scenes, provider, account, prints),
        scenes=tuple(scenes),
        preparations=preparations,
        warnings=(*_retiring(scenes), *_remarks(scenes), *_frames(scenes), *_unseen(storyboard, scenes)),
    )


def _characters(
    storyboard: Storyboard, scenes: list[PlannedScene], provider: str, account: str, prints: Mapping[str, str]
) -> tuple[PlannedCharacter, ...]:
    """One creation for each character and family of castings, in the order of the cast."""
    planned: dict[str, PlannedCharacter] = {}
    for character in storyboard.cast:
        for scene in scenes:
            if character.name not in scene.cast or scene.model.casting is None:
                continue
            key = character_key(
                provider=provider,
                account=account,
                casting=scene.model.casting,
                fingerprint=prints[character.name],
            )
            planned[key] = PlannedCharacter(
                character=character,
                model=scene.model,
                fingerprint=prints[character.name],
                key=key,
                usd=scene.model.usd_per_character,
            )
    return tuple(planned.values())


def _retiring(scenes: list[PlannedScene]) -> list[str]:
    retiring = {scene.model.name: scene.model for scene in scenes if scene.model.retires_on}
    return [
        f"{model.name} is switched off by its maker on {model.retires_on:%Y-%m-%d}"
        + (f"; its successor is {model.successor}" if model.successor else "")
        for model in retiring.values()
    ]


def _remarks(scenes: list[PlannedScene]) -> list[str]:
    return [f"{scene.scene.id}: {remark}" for scene in scenes for remark in scene.remarks]


def _frames(scenes: list[PlannedScene]) -> list[str]:
    """What a first frame costs at some models: exactness, or the characters."""
    found = []
    for scene in scenes:
        model = f"{scene.model.name} at {scene.model.provider}"
        cited = scene.model.first_frame == "cited" or (scene.model.first_frame == "cited with cast" and scene.sends)
        if scene.operation == "image" and cited:
            found.append(
                f"{scene.scene.id}: {model} takes the first frame as a reference; the scene begins much like it"
            )
        lost = [name for name in scene.characters if name not in scene.cast]
        if lost and scene.operation == "image" and scene.model.max_characters:
            names = " and ".join(lost)
            found.append(
                f"{scene.scene.id}: {model} takes no characters beside a first frame; the frame has to show {names}"
            )
    return found


def _unseen(storyboard: Storyboard, scenes: list[PlannedScene]) -> list[str]:
    """Cast members in no scene: most often a name that the prompts spell in another way."""
    seen = {name for scene in scenes for name in scene.characters}
    return [
        f"{character.name} is in no scene; name {character.name} in a prompt or in a scene's characters"
        for character in storyboard.cast
        if character.name not in seen
    ]
