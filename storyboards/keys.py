"""Job keys: which requests are the same job.

A key hashes what the user decided and nothing that a provider returned.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from prefect_storyboard.storyboards.nouns import Character

SCHEMA = 1  # part of every key: a new number would buy everything again


def digest(value: JsonValue) -> str:
    """sha256, in hex, of canonical JSON: sorted keys, no spaces, UTF-8."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(body.encode()).hexdigest()


def fingerprint(character: Character, content: Mapping[str, str]) -> str:
    """A character's identity: its name and the content (not the path) of its reference media.

    For a character made from a scene, the scene's identity is in the keys of the scenes that show it (`made_of`).

    `content` maps each path or URL of the storyboard to the sha256 of what it holds.
    """
    decided: dict[str, JsonValue] = {
        "name": character.name,
        "clip": content[character.clip] if character.clip else None,
        "range": [character.start, character.end],
        "images": [content[image] for image in character.images],
    }
    return digest(decided | chosen(fields=character.fields, from_scene=bool(character.from_scene)))


def chosen(**choices: JsonValue) -> dict[str, JsonValue]:
    """The choices that were made.

    A choice that was not made is not in the key, so that a new option never moves an old key.
    """
    return {name: value for name, value in choices.items() if value or (value == 0 and value is not False)}


def character_key(*, provider: str, account: str, casting: str, fingerprint: str, source: str | None = None) -> str:
    """Key of the job that creates a character at one provider account, for one family of models.

    `source` is the job key of the take that it is made from, where it is made from a scene.
    """
    decided: dict[str, JsonValue] = {
        "schema": SCHEMA,
        "operation": "character",
        "provider": provider,
        "account": account,
        "casting": casting,
        "character": fingerprint,
    }
    return digest(decided | chosen(source=source))


def scene_content(
    *,
    provider: str,
    account: str,
    model: str,
    prompt: str,
    seconds: int,
    aspect: str,
    resolution: str,
    characters: Iterable[str],
    image: str | None,
    continues: str | None,
    remixes: str | None,
    take: int,
    clips: Iterable[str] = (),
    fields: Mapping[str, JsonValue] | None = None,
    silent: bool = False,
    seed: int | None = None,
    negative: str = "",
    ends: str | None = None,
    reroll: str = "",
    note: str = "",
    made_of: Mapping[str, str] | None = None,
    still: str | None = None,
) -> dict[str, JsonValue]:
    """Everything that determines what a scene looks like.

    Characters are fingerprints, `clips` those of them who are shown by their clip; `image` and `ends` are the sha256 of
    the first and the last frame; `continues` and `remixes` are the identity of that parent (see `identity`), and
    `made_of` has, by its fingerprint, that of the scene that a character is made from; `still` is the identity of the
    still that it begins with. `reroll` names one more take of
    the same scene, and `note` is what that take was asked to change.
    """
    decided: dict[str, JsonValue] = {
        "schema": SCHEMA,
        "operation": "scene",
        "provider": provider,
        "account": account,
        "model": model,
        "prompt": prompt,
        "seconds": seconds,
        "aspect": aspect,
        "resolution": resolution,
        "characters": [*sorted(characters)],
        "image": image,
        "continues": continues,
        "remixes": remixes,
        "take": take,
    }
    said = chosen(silent=silent, seed=seed, negative=negative, ends=ends)
    said |= chosen(made_of=dict(made_of or {}), reroll=reroll, note=note, still=still)
    return decided | said | chosen(clips=[*sorted(clips)], fields=dict(fields or {}))


def scene_key(content: Mapping[str, JsonValue], copy: int) -> str:
    """Key of a scene's job.

    `copy` counts earlier scenes of the storyboard with identical content: a scene that is written twice gets two clips,
    and renaming or moving a scene must not buy it again.
    """
    return digest({**content, "copy": copy})


_OF_A_TAKE = ("take", "reroll", "note")  # which attempt at the scene, not what the scene asks for


def identity(content: Mapping[str, JsonValue], copy: int) -> str:
    """The identity of a scene: its request including its parents, without the take.

    It is the parent in a child's key.
    """
    return digest({**_without(content, *_OF_A_TAKE), "copy": copy})


def own_identity(content: Mapping[str, JsonValue], copy: int) -> str:
    """The identity of a scene's own request, without its parent, its still, its characters' scenes and its take."""
    begins = next((field for field in ("continues", "remixes", "still") if content.get(field)), None)
    others = ("continues", "remixes", "still", "made_of")
    return digest({**_without(content, *_OF_A_TAKE, *others), "begins": begins, "copy": copy})


def own_identity_of(basis: Mapping[str, JsonValue]) -> str | None:
    """The same for a stored take, from everything that its key hashed; None if that was not recorded."""
    return own_identity(basis, int(str(basis["copy"]))) if basis else None


def _without(content: Mapping[str, JsonValue], *names: str) -> dict[str, JsonValue]:
    return {name: value for name, value in content.items() if name not in names}
