"""Whether this machine can draw the texts of a storyboard, before anything is bought."""

from collections.abc import Callable

from prefect_storyboard.media import deferred
from prefect_storyboard.media.errors import MediaError
from prefect_storyboard.storyboards import Storyboard
from prefect_storyboard.storyboards.base import FieldProblem


def lettering_problems(board: Storyboard, find: Callable[[str], object] | None = None) -> list[FieldProblem]:
    """The cards, and the captions to be burned in, for which no font is found. Reads the fonts of this machine."""
    if not board.reel:
        return []
    shown = board.cards.model_dump(include={"title", "credits"}) if board.cards else {}
    cards = ((("cards", name), text, "change it") for name, text in shown.items())
    burned = ((("scenes", at, "caption"), scene.caption, "leave out burn") for at, scene in enumerate(board.scenes))
    found: list[FieldProblem] = []
    for place, text, remedy in (*cards, *(burned if board.burn else ())):
        try:
            if text:
                (find or deferred.find_font)(text)
        except MediaError as error:
            found.append((place, f"cannot be drawn: {str(error).rstrip('.')}, or {remedy}"))
    return found
