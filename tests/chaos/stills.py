"""Boards with stills: which models draw and move, who is drawn how, and how many pictures that makes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from prefect_storyboard.providers.images import image_models

Scenes = tuple[tuple[str, tuple[str, ...]], ...]
POSTERS = ("poster-1", "poster-2")  # what a flow of one's own draws beside the series
_MOTION = ("sora-2", "sora-2", "seedance-2", "kling-o3")
_LOOK = {"storm": "she wears dark blue oilskins with the hood up"}
_PLACE = {"name": "Pier", "kind": "place", "description": "a long wooden pier with a white lighthouse at its end"}
_PROP = {"name": "Lantern", "kind": "prop", "description": "a brass lantern"}


@dataclass(frozen=True)
class Stills:
    """The models of a board with stills, the scenes in which Mara wears another look, and who else is drawn.

    `in_words` has no media: words alone say who it is.
    """

    draws: str
    moves: str
    storm: tuple[str, ...]
    place: bool
    prop: bool
    in_words: str = ""

    def board(self, board: dict[str, Any]) -> dict[str, Any]:
        """The board with stills switched on."""
        cast = [self._member(each) for each in board["cast"]]
        cast += [each for each, wanted in ((_PLACE, self.place), (_PROP, self.prop)) if wanted]
        scenes = [self._scene(each) for each in board["scenes"]]
        return {**board, "model": self.moves, "stills": self.draws, "cast": cast, "scenes": scenes}

    def pictures(self, board: Mapping[str, Any]) -> int:
        """How many sheets and stills the board asks for."""
        looks = [(name, each.get("looks", {}).get(name, "")) for each in board["scenes"] for name in each["characters"]]
        sheets = set(looks) | {(name, "") for name, _ in looks}
        return len(sheets) + len(board["scenes"])

    def _member(self, member: dict[str, Any]) -> dict[str, Any]:
        if member["name"] == self.in_words:
            member = {"name": member["name"], "description": "an old man with a white beard"}
        return member | ({"looks": _LOOK} if member["name"] == "Mara" and self.storm else {})

    def _scene(self, scene: dict[str, Any]) -> dict[str, Any]:
        things = ["Pier"] * self.place + ["Lantern"] * self.prop
        worn = {"looks": {"Mara": "storm"}} if scene["id"] in self.storm else {}
        return {**scene, "characters": [*scene["characters"], *things], **worn}


def sells_pictures(gateway: str) -> list[str]:
    """The gateway's image models that draw any board here: from words too, and in its shape."""
    return [
        name
        for name, model in image_models(gateway).items()
        if not model.refused and "text" in model.endpoints and "16:9" in model.aspects
    ]


def draw_stills(gateway: str, draw: Random, scenes: Scenes) -> Stills | None:
    """What a board of these scenes says about stills; None where the gateway draws none."""
    sold = sells_pictures(gateway)
    if not sold:
        return None
    with_mara = [scene for scene, cast in scenes if "Mara" in cast]
    return Stills(
        draws=draw.choice(sold),
        moves=draw.choice(_MOTION),
        storm=tuple(scene for scene in with_mara if draw.random() < 0.3),
        place=draw.random() < 0.4,
        prop=draw.random() < 0.3,
        in_words="Otto" if draw.random() < 0.5 else "",
    )


def edited(board: dict[str, Any], edits: Iterable[str]) -> dict[str, Any]:
    """The board as somebody has changed it between two runs."""
    first, *others = board["scenes"]
    cast = board["cast"]
    for edit in edits:
        if edit == "prompt":
            first = {**first, "prompt": f"{first['prompt']} It rains."}
        elif edit == "still":
            first = {**first, "still": f"{first['prompt']} Seen from the water."} if "stills" in board else first
        elif edit == "look":
            cast = [each | ({"looks": {"storm": "she wears a red cape"}} if "looks" in each else {}) for each in cast]
    return {**board, "cast": cast, "scenes": [first, *others]}
