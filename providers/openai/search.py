"""Search a server's list of videos for an order whose reply was lost.

A list has no whole bodies, and that of a self-hosted server neither prompt, seconds nor size: those are read from the
video's own document.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import JsonValue

from prefect_storyboard.providers.errors import Expired, ProtocolError
from prefect_storyboard.providers.json_values import amount, non_blank, objects, utc
from prefect_storyboard.providers.protocol import Sought
from prefect_storyboard.storyboards.outcomes import JsonObject

_WINDOW = timedelta(seconds=60)  # before the submit, if both clocks are about right
_LEEWAY = timedelta(seconds=5)  # the same once the server's own Date header has corrected our clock
_PAGES = 20
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)  # no video was ordered before: an earlier time is a field left empty
_LAST = datetime(2100, 1, 1, tzinfo=UTC)  # a later one is not in seconds

# A page of the list after an id, the newest first, and how far our clock is ahead; None if the server has no list.
ReadPage = Callable[[str | None], Awaitable[tuple[JsonObject, timedelta | None] | None]]
ReadVideo = Callable[[str], Awaitable[JsonObject]]


class Sent(NamedTuple):
    """A video that the list has; `at` is in our clock."""

    request_id: str
    at: datetime


async def find(read_page: ReadPage, read_video: ReadVideo, order: Sought) -> tuple[Sent, ...] | None:
    """Return the videos that show all that the order shows, the oldest first; None without a list.

    ProtocolError if there is none, and one may be the order's: its prompt is missing, or its model has another name.
    """
    listed = await _read(read_page, utc(order.since))
    if listed is None:
        return None
    found: list[Sent] = []
    blind = False
    for item, at in listed:
        number = non_blank(item.get("id"))
        same = _same(item, order.shown)
        if number and same is None:
            same = _same({**item, **await _whole(read_video, number)}, order.shown)
        if number and same:
            found.append(Sent(number, at))
        blind |= same is None or (same and not number)
    if blind and not found:
        raise ProtocolError("the server lists videos without their prompts or models: one may be the job in question")
    return tuple(sorted(found, key=lambda sent: sent.at))


async def _read(read_page: ReadPage, since: datetime) -> list[tuple[JsonObject, datetime]] | None:
    """The videos since the submit, each with its time. ProtocolError if there is no end, or no list of objects."""
    found: list[tuple[JsonObject, datetime]] = []
    after: str | None = None
    for _ in range(_PAGES):
        read = await read_page(after)
        if read is None:
            return None
        page, skew = read
        earliest = since - (_WINDOW if skew is None else _LEEWAY)
        listed = page.get("data")
        items = objects(listed)
        if not isinstance(listed, list) or len(items) < len(listed):
            raise ProtocolError(
                "the server's list of videos does not have the form of /v1/videos, so it proves nothing"
            )
        dated = [(each, _moment(each.get("created_at"), skew, since)) for each in items]
        found += [(each, at) for each, at in dated if at >= earliest]
        last, after = after, non_blank(items[-1].get("id")) if items else None
        if not page.get("has_more") or after in {None, last} or any(at < earliest for _, at in dated):
            return found
    raise ProtocolError("the server lists more videos than can be read: the one in question may be among them")


async def _whole(read_video: ReadVideo, number: str) -> JsonObject:
    """The video's own document; empty if the video has been deleted."""
    try:
        return await read_video(number)
    except Expired:
        return {}


def _moment(created: JsonValue, skew: timedelta | None, since: datetime) -> datetime:
    """When a video was ordered, by our clock; without a valid time, the time of the submit."""
    seconds = amount(created)
    if seconds is None or not _FIRST.timestamp() <= seconds <= _LAST.timestamp():
        return since
    return datetime.fromtimestamp(seconds, UTC) + (skew or timedelta())


def _same(item: JsonObject, shown: JsonObject) -> bool | None:
    """Whether a video shows what the order shows; None if it shows too little to tell.

    A server may call a model by another name, an alias or its path: that alone proves no difference.
    """
    held = {name: _spelt(name, item[name]) for name in shown if item.get(name) not in (None, "")}
    wanted = {name: _spelt(name, value) for name, value in shown.items()}
    if any(value != wanted[name] for name, value in held.items() if name != "model"):
        return False
    return True if wanted and held == wanted else None


def _spelt(name: str, value: JsonValue) -> str:
    """A value in one spelling: "8", 8.0 and "8s" are the same length, and white space in a prompt does not matter."""
    text = " ".join(str(value).split())
    if name == "size":
        return text.casefold().replace("*", "x").replace(" ", "")
    seconds = amount(text.removesuffix("s")) if name == "seconds" else None
    return text if seconds is None else f"{seconds:g}"
