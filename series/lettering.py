"""Whether this machine can draw the texts of a storyboard, before anything is bought."""

from collections.abc import Callable

from prefect_storyboard.media import deferred
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.storyboards import Storyboard
from prefect_storyboard.storyboards.base import FieldProblem


def lettering_problems(board: Storyboard, find: Callable[[str], object] | None = None) -> list[FieldProblem]:
    """The captions to be burned in for which no font is found, each at its scene. Reads the fonts of this machine."""
    found: list[FieldProblem] = []
    for at, scene in enumerate(board.scenes if board.burn and board.reel else ()):
        try:
            if scene.caption:
                (find or deferred.face)(scene.caption)
        except MediaError as error:
            found.append((("scenes", at, "caption"), f"cannot be drawn: {str(error).rstrip('.')}, or leave out burn"))
    return found
