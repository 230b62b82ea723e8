"""The pictures of a plan: the sheets of its cast, drawn once, and the stills, which have takes like clips."""

from collections.abc import Mapping
from typing import Self

from prefect_storyboard.storyboards.character import Character
from prefect_storyboard.storyboards.drawing import Drawing
from prefect_storyboard.storyboards.keys import identity
from prefect_storyboard.storyboards.nouns import Frozen
from prefect_storyboard.storyboards.outcomes import JsonObject
from prefect_storyboard.storyboards.planned import Node, Room, State, Terms
from prefect_storyboard.storyboards.shots import still_name
from prefect_storyboard.storyboards.still_prompts import LAST_FRAME

SheetName = tuple[str, str]  # of a member, and of its look; empty for the first one


class PlannedSheet(Frozen):
    """A sheet to be drawn once. One of a further look is drawn from the first look's sheet, `base`, by its key.

    `usd` is None where nobody has published the price. `state` is the job's state in the ledger, once it was read.
    """

    character: Character
    look: str = ""
    drawing: Drawing
    identity: str
    key: str
    base: str | None = None
    sent: str = ""
    state: State | None = None

    @property
    def usd(self) -> float | None:
        """The price of the picture."""
        return self.drawing.usd

    @property
    def name(self) -> str:
        """Its name in the plan."""
        return sheet_name(self.character.name, self.look)

    @property
    def place(self) -> SheetName:
        """The member and the look that the sheet shows."""
        return self.character.name, self.look

    @property
    def terms(self) -> Terms:
        """Everything that decides the cost and the content of the job, under names that people know."""
        return {"sheet": self.name, **_drawn(self.drawing), "price": self.usd, "key": self.key}


class PlannedStill(Node):
    """The still of a scene. `shown` are the members that have a slot, each with its look; `described` the others.

    `sheets` are the keys of the sheets that it is drawn from, in the order of its references. One that `follows` a
    scene is drawn from the last frame of that scene's clip as well, which is its last reference.
    """

    drawing: Drawing
    shown: tuple[SheetName, ...] = ()
    described: tuple[SheetName, ...] = ()
    sheets: tuple[str, ...] = ()
    follows: str | None = None
    remarks: tuple[str, ...] = ()
    sent: str = ""

    @property
    def name(self) -> str:
        """Its name in the plan."""
        return still_name(self.scene.id)

    @property
    def room(self) -> Room:
        """The folder of the library that holds its takes."""
        return "stills"

    @property
    def usd(self) -> float | None:
        """The price of the picture."""
        return self.drawing.usd

    @property
    def needs(self) -> tuple[str, ...]:
        """The scene whose last frame it is drawn from. Sheets have no takes: their keys say everything."""
        return (self.follows,) if self.follows else ()

    @property
    def begins_with(self) -> str:
        """The name of the scene that it follows; empty for none."""
        return self.follows or ""

    @property
    def own_identity(self) -> str:
        """The identity of the request itself, without the take and without the scene that it follows."""
        return own_identity_of_still(self.content, self.copy_number)

    @property
    def terms(self) -> Terms:
        """What decides the money and the content of the job; of a take that is kept, only which one it is."""
        name = {"still": self.scene.id, "key": self.key}
        if self.standing:
            return {**name, "kept": self.stale or "as it stands"}
        return {**name, **_drawn(self.drawing), "described": [*map(_look, self.described)], "price": self.usd}

    def made_of(self, needed: Mapping[str, str]) -> Self:
        """The same still, drawn from another take; `needed` has the identity of the scene that it follows."""
        if not self.follows:
            return self
        return self.with_content(_after(self.content, needed[self.follows]))

    def with_reroll(self, name: str, note: str = "") -> Self:
        """The same still as a further take under that name: another job."""
        drawing = self.drawing.model_copy(update={"reroll": name, "note": note})
        return super().with_reroll(name, note).model_copy(update={"drawing": drawing})

    def with_take(self, take: int) -> Self:
        """The same still as another take: another job."""
        drawing = self.drawing.model_copy(update={"take": take})
        return super().with_take(take).model_copy(update={"drawing": drawing})


def own_identity_of_still(content: JsonObject, copy: int) -> str:
    """The identity of a still without its take and without the scene that it follows."""
    return identity(_after(content, ""), copy)


def _after(content: JsonObject, parent: str) -> JsonObject:
    """The content of a still that is drawn from the last frame of that parent, by its identity."""
    references = content["references"]
    if not isinstance(references, list):
        raise TypeError("the content of a still has a list of references")
    after = [
        {**each, "fingerprint": parent} if isinstance(each, dict) and each.get("role") == LAST_FRAME else each
        for each in references
    ]
    return {**content, "references": after}


def sheet_name(name: str, look: str) -> str:
    """The name of the sheet of a member's look."""
    return f"{name} ({look})" if look else name


def _look(place: SheetName) -> str:
    return sheet_name(*place)


def _drawn(drawing: Drawing) -> Terms:
    asked = drawing.asked
    size = (asked.aspect, asked.resolution, asked.quality, asked.output_format)
    return {
        "model": drawing.model.name,
        "prompt": drawing.prompt,
        "references": [" ".join(filter(None, (each.name, each.role))) for each in drawing.references],
        "size": " ".join(filter(None, size)),
        "take": drawing.take,
    }
