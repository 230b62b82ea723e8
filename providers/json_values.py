"""Read a gateway's JSON without trusting its structure: each function returns the value or None."""

from datetime import UTC, datetime

from pydantic import JsonValue

from prefect_storyboard.storyboards.outcomes import JsonObject

_LONGEST_ID = 100


def objects(value: JsonValue) -> list[JsonObject]:
    """The objects in a list; anything else counts as an empty list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def non_blank(value: JsonValue) -> str | None:
    """A string that is not blank."""
    return value if isinstance(value, str) and value.strip() else None


def link(value: JsonValue) -> str | None:
    """An absolute http(s) URL."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None


def first_link(value: JsonValue) -> str | None:
    """The first URL in a value: a string, an object with a `url`, or a list of either."""
    for each in value if isinstance(value, list) else [value]:
        if found := link(each.get("url") if isinstance(each, dict) else each):
            return found
    return None


def named_tasks(body: JsonValue, *names: str) -> tuple[str, ...]:
    """The task ids in a response, at its top level and in `data`; ids under the first name come first.

    taskId counts as task_id, so that no id is overlooked because its field is spelt differently.
    """
    inner = body.get("data") if isinstance(body, dict) else None
    found = [_folded(place) for place in (body, inner, *objects(inner)[:1]) if isinstance(place, dict)]
    ids = (place.get(name.replace("_", "")) for place in found for name in names)
    return tuple(dict.fromkeys(task for each in ids if (task := _id(each))))


def _folded(place: JsonObject) -> JsonObject:
    return {name.replace("_", "").casefold(): value for name, value in place.items()}


def _id(value: JsonValue) -> str | None:
    """The id; any other value in its place also shows that there is a task."""
    return non_blank(value) if isinstance(value, str | bool | None) else str(value)[:_LONGEST_ID] if value else None


def amount(value: JsonValue) -> float | None:
    """An amount of money or credits: a finite number, also as a string."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 1e12 else None


def utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a time zone counts as UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def moment(value: JsonValue) -> datetime | None:
    """A time in ISO 8601, also with nanoseconds."""
    try:
        return utc(datetime.fromisoformat(str(value)))
    except (ValueError, OverflowError):
        return None
