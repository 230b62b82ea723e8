"""The cards of a reel: texts on black before the first clip and after the last."""

from typing import Annotated

from pydantic import Field, StringConstraints

from prefect_storyboard.storyboards.base import Frozen

CardText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)]  # more is too small to read


class Cards(Frozen):
    """Texts that stand alone in the reel. Each takes `seconds`; without a text there is no card."""

    title: CardText = Field(
        default="", title="Title", description="Text of the card before the first scene; the storyboard's title or any."
    )
    credits: CardText = Field(default="", title="Credits", description="Text of the card after the last scene.")
    seconds: float = Field(default=3, ge=0.5, le=30, title="Seconds", description="How long each card stands.")

    @property
    def seconds_before(self) -> float:
        """Seconds of the title card, by which the first scene begins later; 0 if there is none."""
        return self.seconds if self.title else 0

    @property
    def seconds_after(self) -> float:
        """Seconds of the credits card after the last scene; 0 if there is none."""
        return self.seconds if self.credits else 0

    @property
    def seconds_around(self) -> float:
        """Seconds that the cards add to the reel; 0 if there is none."""
        return self.seconds_before + self.seconds_after
