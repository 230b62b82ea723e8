"""Records as JSON files: created once, with a layout number, and validated when read."""

import json
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from prefect_storyboard.ledger.location import LibraryError
from prefect_storyboard.ledger.records import LAYOUT, PLAIN, Layout
from prefect_storyboard.ledger.storage import Storage

Stored = TypeVar("Stored", bound=BaseModel)
_PLAIN = f'{{\n "layout": {PLAIN},'.encode()  # how every record begins, so that most are parsed once


class Unreadable(LibraryError):
    """A record of one job is torn, foreign, missing or of a newer version. Other jobs are not affected.

    `what` says what is wrong and `remedy` what to do; `str()` gives both.
    """

    key = ""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}. {remedy}" if remedy else what)
        self.what, self.remedy = what, remedy


@dataclass(frozen=True)
class RecordFiles:
    """The record files of one library."""

    storage: Storage

    def create(self, record: Stored, *place: str) -> Stored:
        """Create the file, or return the record that was there first."""
        body = _body(record, PLAIN)
        stored = self.storage.create_once(body, *place)
        return record if stored == body else self._parse(type(record), stored, place)

    def replace(self, record: BaseModel, *place: str) -> None:
        """Replace a record with a more complete one, atomically. Versions that cannot read it refuse it."""
        self.storage.write(_body(record, LAYOUT), *place)

    def read(self, kind: type[Stored], *place: str) -> Stored | None:
        """The record, or None if there is no file. Raises Unreadable if it is torn, foreign or newer."""
        body = self.storage.read(*place)
        return None if body is None else self._parse(kind, body, place)

    def unreadable(self, why: str, *place: str) -> Unreadable:
        """The error about a record, with its remedy."""
        return Unreadable(
            f"{self.storage.link(*place)} {why}; the job is left alone, and nothing was bought",
            "Restore the file from a backup, or run `storyboard repair`; move it away only if it is not yours",
        )

    def _parse(self, kind: type[Stored], body: bytes, place: tuple[str, ...]) -> Stored:
        try:
            if not body.startswith(_PLAIN) and Layout.model_validate_json(body).layout > LAYOUT:
                newer = "was written by a newer version of prefect-storyboard; the job is left alone"
                raise Unreadable(f"{self.storage.link(*place)} {newer}", "Upgrade this one")
            return kind.model_validate_json(body)
        except ValidationError:
            raise self.unreadable(f"is no {kind.__name__.lower()} of this ledger (torn or foreign)", *place) from None


def _body(record: BaseModel, layout: int) -> bytes:
    facts = record.model_dump(mode="json", exclude={"packed"} if layout == PLAIN else None)
    return json.dumps({"layout": layout, **facts}, indent=1).encode()
