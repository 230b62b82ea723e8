"""Search the platform's list of requests for an order whose reply was lost.

Source: GET /v1/models/requests/by-endpoint of fal's Platform API. The list is ordered by the end of a request. Whether
a running request is listed before it ends is not documented, so an empty answer soon after the submit proves nothing.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from prefect_storyboard.providers.errors import ProtocolError
from prefect_storyboard.providers.json_values import moment, non_blank, objects, utc
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.outcomes import JsonObject

_WINDOW = timedelta(hours=1)  # before a submit, from which fal's list is read: our clock may be fast
_LIST_LAG = timedelta(minutes=5)  # the same once fal's own Date header has corrected our clock

ReadPage = Callable[[dict[str, str]], Awaitable[tuple[JsonObject, timedelta | None]]]


class Sent(NamedTuple):
    """A request that fal's list has; `at` is in our clock."""

    request_id: str
    at: datetime


async def find(read_page: ReadPage, endpoint: str, order_digest: str, since: datetime) -> tuple[Sent, ...]:
    """Return the requests since a moment of our clock whose bodies equal the order's, the oldest first.

    Times are in our clock if fal's Date header shows its own: a request that was sent before ours is then another one,
    however late it ended. ProtocolError if the list has no bodies, because one of the requests may be ours.
    """
    since = utc(since)
    items, skew = await _read(read_page, endpoint, since - _WINDOW)
    if skew is not None and abs(skew) > _WINDOW - _LIST_LAG:
        items, skew = await _read(read_page, endpoint, since - skew - _WINDOW)
    earliest = since - (_WINDOW if skew is None else _LIST_LAG)
    found: dict[str, Sent] = {}
    blind = False
    for item in items:
        request_id, body = non_blank(item.get("request_id")), item.get("json_input")
        sent_at = moment(item.get("sent_at"))
        ours = since if sent_at is None else sent_at + (skew or timedelta())
        if ours < earliest:
            continue
        blind |= not isinstance(body, dict)
        if request_id and isinstance(body, dict) and digest(body) == order_digest:
            found[request_id] = Sent(request_id, ours)
    if blind and not found:
        raise ProtocolError("fal lists requests without their bodies: the one in question may be among them")
    return tuple(sorted(found.values(), key=lambda sent: sent.at))


async def _read(read_page: ReadPage, endpoint: str, start: datetime) -> tuple[list[JsonObject], timedelta | None]:
    """All pages of the list since a moment of fal's clock, and how far ours is ahead of it."""
    query = {"endpoint_id": endpoint, "start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "expand": "payloads", "limit": "100"}
    items: list[JsonObject] = []
    while True:
        page, skew = await read_page(query)
        items += objects(page.get("items"))
        cursor = non_blank(page.get("next_cursor"))
        if not page.get("has_more") or cursor is None or cursor == query.get("cursor"):
            return items, skew
        query["cursor"] = cursor
