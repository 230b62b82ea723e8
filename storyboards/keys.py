"""What makes two jobs the same job. A key hashes what the user decided and nothing that a provider returned."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from prefect_storyboard.storyboards.nouns import Character

SCHEMA = 1  # part of every key; raising it buys everything again, so it is never raised lightly


def digest(value: JsonValue) -> str:
    """sha256, in hex, of canonical JSON: sorted keys, no spaces, UTF-8."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(body.encode()).hexdigest()


def fingerprint(character: Character, content: Mapping[str, str]) -> str:
    """A character's identity: its name and the content (not the path) of its reference media.

    `content` maps each path or URL of the storyboard to the sha256 of what it holds.
    """
    return digest(
        {
            "name": character.name,
            "clip": content[character.clip] if character.clip else None,
            "range": [character.start, character.end],
            "images": [content[image] for image in character.images],
        }
    )


def character_key(*, provider: str, account: str, casting: str, fingerprint: str) -> str:
    """Key of the job that creates a character at one provider account, for one family of models."""
    return digest(
        {
            "schema": SCHEMA,
            "operation": "character",
            "provider": provider,
            "account": account,
            "casting": casting,
            "character": fingerprint,
        }
    )


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
) -> dict[str, JsonValue]:
    """Everything that decides what a scene looks like: characters and images by content, a parent by its id."""
    return {
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


def scene_key(content: dict[str, JsonValue], copy: int) -> str:
    """Key of a scene's job.

    `copy` counts earlier scenes of the storyboard with the very same content: who writes a scene twice wants two
    clips, and renaming or moving a scene must not buy it again.
    """
    return digest({**content, "copy": copy})
