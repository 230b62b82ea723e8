"""Models end: when a maker switches one off, and which one takes its place. The same for clips and for pictures."""

from datetime import UTC, date, datetime

from prefect_storyboard.storyboards.base import Frozen


class Retiring(Frozen):
    """What a model table says about the end of a model at one provider."""

    name: str
    provider: str
    retires_on: date | None = None
    successor: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the model's maker has switched it off."""
        return self.retires_on is not None and self.retires_on <= datetime.now(UTC).date()

    @property
    def ending(self) -> str:
        """When the maker switches it off, and its successor; empty for a model without a date."""
        if self.retires_on is None:
            return ""
        successor = f"; its successor is {self.successor}" if self.successor else ""
        return f"{self.name} is switched off by its maker on {self.retires_on}{successor}"

    @property
    def replacement(self) -> str:
        """A sentence that names its replacement."""
        return f"Its successor is {self.successor}" if self.successor else "Choose another model"
