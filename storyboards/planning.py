"""From shots to a plan: the key and price of every job, and warnings before anything is bought."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prefect_storyboard.storyboards.image_model import ImageModel
from prefect_storyboard.storyboards.keyframes import Keyframes
from prefect_storyboard.storyboards.keys import character_key, digest, fingerprint, identity, scene_content, scene_key
from prefect_storyboard.storyboards.model import Choice
from prefect_storyboard.storyboards.nouns import Storyboard
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.plan import Plan, PlannedCharacter, PlannedScene
from prefect_storyboard.storyboards.retiring import Retiring
from prefect_storyboard.storyboards.shots import Shot


def plan(
    storyboard: Storyboard,
    shots: tuple[Shot, ...],
    *,
    provider: str,
    account: str,
    content: Mapping[str, str],
    clip_seconds: Mapping[tuple[str, str], float] | None = None,
    preparations: tuple[str, ...] = (),
    image_model: ImageModel | None = None,
) -> Plan:
    """Give every shot and every character in use its key and price.

    `content` maps each path or URL of the storyboard to the sha256 of its content, `clip_seconds` a model's name and a
    character's name to the length of the clip that is sent; `preparations` describe changes to media. `image_model`
    draws the stills of a storyboard with stills.
    """
    prints = {c.name: fingerprint(c, content) for c in storyboard.cast if any(c.name in s.cast for s in shots)}
    frames = Keyframes(storyboard, image_model, account, content) if image_model else None

    def decide(shot: Shot, parent: str | None, made_of: Mapping[str, str]) -> JsonObject:
        return scene_content(
            provider=provider,
            account=account,
            model=shot.model.name,
            prompt=shot.words,
            seconds=shot.seconds,
            aspect=shot.aspect,
            resolution=shot.resolution,
            characters=[prints[name] for name in shot.cast],
            image=content[shot.scene.image] if shot.scene.image else None,
            continues=parent if shot.scene.continues else None,
            remixes=parent if shot.scene.remixes else None,
            still=frames.still(shot, parent).identity if frames and shot.still else None,
            take=shot.scene.take,
            clips=[prints[sending.character] for sending in shot.sends if sending.clip],
            fields=shot.scene.fields,
            silent=shot.silent,
            seed=shot.seed,
            negative=shot.negative,
            ends=content[shot.ends] if shot.ends else None,
            made_of={prints[name]: scene for name, scene in made_of.items()},
        )

    parents = {shot.scene.id: storyboard.scene(shot.scene.id).parent for shot in shots}
    keyed = _keyed(shots, decide, parents)
    before = {} if frames else _keyed(shots, decide, parents, legacy=True)
    lengths = clip_seconds or {}
    scenes: list[PlannedScene] = []
    for shot in shots:
        decided, copy = keyed[shot.scene.id]
        sent = sum(lengths[shot.model.name, sending.character] for sending in shot.sends if sending.clip)
        made = tuple(origin.model_copy(update={"fingerprint": prints[origin.character]}) for origin in shot.origins)
        facts = {**dict(shot), "usd": shot.price(sent), "origins": made}
        legacy = scene_key(*before[shot.scene.id]) if shot.scene.parent and before else None
        key = scene_key(decided, copy)
        scenes.append(PlannedScene(**facts, key=key, content=decided, copy_number=copy, legacy=legacy))
    return Plan(
        storyboard=storyboard,
        provider=provider,
        account=account,
        characters=_characters(storyboard, scenes, provider, account, prints),
        scenes=tuple(scenes),
        sheets=tuple(frames.sheets.values()) if frames else (),
        stills=tuple(frames.stills[shot.scene.id] for shot in shots if shot.still) if frames else (),
        preparations=preparations,
        warnings=(
            *_retiring(scenes, image_model if frames and frames.sheets else None),
            *_remarks(scenes),
            *(_still_remarks(frames) if frames else ()),
            *_frames(scenes),
            *_left_open(scenes),
            *_unseen(storyboard, scenes),
        ),
    )


Content = Callable[[Shot, str | None, Mapping[str, str]], JsonObject]


def _keyed(
    shots: tuple[Shot, ...], decide: Content, parents: Mapping[str, str | None], *, legacy: bool = False
) -> dict[str, tuple[JsonObject, int]]:
    """Content and copy number of every scene, parents first: a child's content holds the identity of its parent.

    So does that of a scene with a character, for the scene that the character is made from, and the still of a scene
    for the one that it follows.

    Version 0.1.0 named a parent by its id (`legacy`).
    """
    found: dict[str, tuple[JsonObject, int]] = {}
    seen: Counter[str] = Counter()
    waiting = list(shots)
    while waiting:
        ready = [shot for shot in waiting if all(needed in found for needed in _before(shot, parents))]
        for shot in ready:
            parent = parents[shot.scene.id]
            made_of = {origin.character: identity(*found[origin.scene]) for origin in shot.origins}
            content = decide(shot, parent if legacy or parent is None else identity(*found[parent]), made_of)
            same = digest(content)
            found[shot.scene.id] = content, seen[same]
            seen[same] += 1
        waiting = [shot for shot in waiting if shot.scene.id not in found]
    return found


def _before(shot: Shot, parents: Mapping[str, str | None]) -> set[str]:
    """The scenes whose identities are in the key of a shot."""
    return {*filter(None, [parents[shot.scene.id]]), *(origin.scene for origin in shot.origins)}


def _characters(
    storyboard: Storyboard, scenes: list[PlannedScene], provider: str, account: str, prints: Mapping[str, str]
) -> tuple[PlannedCharacter, ...]:
    """One creation for each character and family of castings, in the order of the cast."""
    planned: dict[str, PlannedCharacter] = {}
    takes = {scene.scene.id: scene.key for scene in scenes}
    for character in storyboard.cast:
        for scene in scenes:
            if character.name not in scene.cast or scene.model.casting is None:
                continue
            key = character_key(
                provider=provider,
                account=account,
                casting=scene.model.casting,
                fingerprint=prints[character.name],
                source=takes[character.from_scene] if character.from_scene else None,
            )
            planned[key] = PlannedCharacter(
                character=character,
                model=scene.model,
                fingerprint=prints[character.name],
                key=key,
                usd=scene.model.usd_per_character,
            )
    return tuple(planned.values())


def _retiring(scenes: list[PlannedScene], image_model: ImageModel | None) -> list[str]:
    models: list[Retiring] = [scene.model for scene in scenes]
    models += [image_model] if image_model else []
    return list(dict.fromkeys(each.ending for each in models if each.ending))


def _remarks(scenes: list[PlannedScene]) -> list[str]:
    return [f"{scene.scene.id}: {remark}" for scene in scenes for remark in scene.remarks]


def _still_remarks(frames: Keyframes) -> list[str]:
    return [f"{still.scene.id}: {remark}" for still in frames.stills.values() for remark in still.remarks]


def _frames(scenes: list[PlannedScene]) -> list[str]:
    """Warnings about first frames: some models only imitate them, or drop the characters."""
    found = []
    for scene in scenes:
        model = f"{scene.model.name} at {scene.model.provider}"
        if scene.operation != "image":
            continue
        if scene.mode == "references" and scene.model.first_frame != "exact":
            exact = "; prefer: frame begins exactly there" if scene.model.first_frame == "cited with cast" else ""
            frame = "the still" if scene.still else "the first frame"
            found.append(
                f"{scene.scene.id}: {model} takes {frame} as a reference; the scene begins much like it{exact}"
            )
        lost = [name for name in scene.characters if name not in scene.cast]
        if lost and scene.model.max_characters and not scene.still:
            chosen = scene.frame_wins and scene.model.references and scene.model.references.images > 1
            why = "by prefer: frame, " if chosen else ""
            found.append(
                f"{scene.scene.id}: {why}{model} takes no characters beside a first frame; "
                f"the frame must show {' and '.join(lost)}"
            )
    return found


_OPEN: Mapping[Choice, str] = {
    "seconds": "takes no length {}; it chooses one itself, and its price is not known before",
    "resolution": "takes no resolution {}; it chooses one itself, and its price is not known before",
    "aspect": "takes no aspect {}; the clip has the aspect of the frame",
}


def _left_open(scenes: list[PlannedScene]) -> Iterator[str]:
    """Warnings about values that the model chooses itself, because the request has no field for them."""
    for scene in scenes:
        for choice, fact in _OPEN.items():
            as_asked = choice == "aspect" and (scene.aspect == "auto" or scene.scene.continues or scene.still)
            if scene.model.chooses_itself(choice, scene.mode) and scene.operation != "remix" and not as_asked:
                where = "beside a first frame" if scene.operation == "image" else "with characters"
                yield f"{scene.scene.id}: {scene.model.name} at {scene.model.provider} {fact.format(where)}"


def _unseen(storyboard: Storyboard, scenes: list[PlannedScene]) -> list[str]:
    """Cast members in no scene: usually a name that the prompts spell differently."""
    seen = {name for scene in scenes for name in scene.characters}
    return [
        f"{character.name} is in no scene; name {character.name} in a prompt or in a scene's characters"
        for character in storyboard.cast
        if character.name not in seen
    ]
