"""A server's list of videos, and which of them is the order whose reply was lost."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import httpx
from pydantic import JsonValue

from prefect_storyboard.providers.errors import Expired, ProtocolError
from prefect_storyboard.providers.http import clock_skew
from prefect_storyboard.providers.json_values import amount, non_blank, objects, utc
from prefect_storyboard.providers.openai.bodies import VIDEOS
from prefect_storyboard.providers.protocol import Sought
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject

_WINDOW = timedelta(seconds=60)  # before the submit, of two clocks that are about right
_LEEWAY = timedelta(seconds=5)  # before the submit, where the Date header tells how the clocks differ
_PAGES = 20

Page = tuple[JsonObject, httpx.Response]


class Videos(NamedTuple):
    """How a list is read: a page after an id, None where there is no list; and the document of one video."""

    page: Callable[[str | None], Awaitable[Page | None]]
    video: Callable[[str], Awaitable[JsonObject]]

    async def find(self, order: Sought) -> tuple[Job, ...] | None:
        """The videos that show what the order shows, oldest first; None without a list. Times are in our clock.

        Raises ProtocolError where none does, and one may be the order's: its prompt, or its model's other name, is not
        told.
        """
        listed = await self._since(utc(order.since))
        if listed is None:
            return None
        found, blind = list[Job](), False
        for item, at in listed:
            same = _same(item, order.shown)
            if same is None:
                same = _same({**item, **await self._whole(item)}, order.shown)
            blind |= same is None
            if same:
                number = str(item["id"])
                found.append(Job(provider="openai", endpoint=VIDEOS, request_id=number, submitted_at=at))
        if blind and not found:
            raise ProtocolError("the server lists videos without saying what was asked for: one may be the job")
        return tuple(sorted(found, key=lambda job: job.submitted_at))

    async def _since(self, since: datetime) -> list[tuple[JsonObject, datetime]] | None:
        """The videos since the submit, each with its moment. Raises ProtocolError if there is no end."""
        found: list[tuple[JsonObject, datetime]] = []
        seen: set[str | None] = {None}
        after: str | None = None
        for _ in range(_PAGES):
            page = await self.page(after)
            if page is None:
                return None
            document, response = page
            skew = clock_skew(response)
            earliest = since - (_WINDOW if skew is None else _LEEWAY)
            items = [each for each in objects(document.get("data")) if non_blank(each.get("id"))]
            dated = [(each, _moment(each.get("created_at"), skew, since)) for each in items]
            found += [(each, at) for each, at in dated if at >= earliest]
            after = non_blank(document.get("last_id")) or (str(items[-1]["id"]) if items else None)
            # A list that tells no times, or not whether there is more, is read as one page.
            if not document.get("has_more") or after in seen or any(at < earliest for _, at in dated):
                return found
            seen.add(after)
        raise ProtocolError("the server lists more videos than can be read: the one in question may be among them")

    async def _whole(self, item: JsonObject) -> JsonObject:
        """The video's own document; nothing of one that is gone meanwhile."""
        try:
            return await self.video(str(item["id"]))
        except Expired:
            return {}


def _moment(created: JsonValue, skew: timedelta | None, since: datetime) -> datetime:
    """When a video was ordered, by our clock; one without a time may be of any."""
    seconds = amount(created)
    if seconds is None:
        return since
    return datetime.fromtimestamp(seconds, UTC) + (skew or timedelta())


def _same(item: JsonObject, shown: JsonObject) -> bool | None:
    """Whether a video shows what the order shows; None where it does not tell enough to say so.

    A server may call a model by another name: an alias, or its path. That alone proves no difference.
    """
    held = {name: item.get(name) for name in shown if item.get(name) not in (None, "")}
    if any(str(value) != str(shown[name]) for name, value in held.items() if name != "model"):
        return False
    if set(held) != set(shown) or not shown:
        return None
    return True if held.get("model") == shown.get("model") else None
