"""The reference media of a scene's characters: pictures or clips, distributed within the model's limits."""

from prefect_storyboard.storyboards.base import Frozen
from prefect_storyboard.storyboards.character import Character
from prefect_storyboard.storyboards.model import Model


class Sending(Frozen):
    """The reference media of one character: its clip, or a number of pictures."""

    character: str
    clip: bool = False
    pictures: int = 0


def sendings(model: Model, cast: list[Character], *, frame: bool) -> tuple[Sending, ...]:
    """The reference media of each character; the pictures are distributed evenly."""
    limits = model.references
    if limits is None or not cast:
        return ()
    clips = {
        character.name for character in cast if character.reference == "clip" and character.is_filmed and limits.clips
    }
    seats = limits.images - (frame and model.first_frame != "exact")
    pictures = min(limits.each[1], seats // max(len(cast) - len(clips), 1))
    return tuple(
        Sending(character=character.name, clip=True)
        if character.name in clips
        else Sending(character=character.name, pictures=_pictures(character, pictures, limits.each[0]))
        for character in cast
    )


def _pictures(character: Character, most: int, least: int) -> int:
    """The user's own pictures, as many as fit; frames of the clip if there are none, or too few."""
    own = len(character.images)
    if not own:
        return most
    return min(own, most) + (max(least - own, 0) if character.is_filmed else 0)
