"""Search WaveSpeed's list of tasks for an order whose reply was lost.

The list may repeat pages, miscount its items, or omit the inputs that the query asks for.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from prefect_storyboard.providers.errors import ProtocolError
from prefect_storyboard.providers.json_values import amount, moment, objects, utc
from prefect_storyboard.providers.wavespeed.envelope import task_id
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.keys import digest
from prefect_storyboard.storyboards.outcomes import JsonObject

_WINDOW = timedelta(hours=1)  # around a submit, in which WaveSpeed's list is read: our clock may be wrong
_LEEWAY = timedelta(seconds=120)  # the same before it once WaveSpeed's own Date header has corrected our clock
_PAGE = 100  # tasks on a page of the list, the most that it gives
_PAGES = 50  # of the list; more than an account submits of one model in days

ReadPage = Callable[[JsonObject], Awaitable[tuple[JsonObject, timedelta | None]]]


class _Tasks(NamedTuple):
    """What was read of the list, by task id; `skew` is how far our clock is ahead of WaveSpeed's, None if unknown."""

    by_id: dict[str, JsonObject]
    complete: bool
    skew: timedelta | None


async def find(read_page: ReadPage, endpoint: str, order_digest: str, since: datetime) -> tuple[Job, ...]:
    """Return the tasks since a moment of our clock whose inputs equal the order's, the oldest first.

    Raises ProtocolError if nothing matches and a task has no inputs, or the list does not end: an empty answer would
    say that nothing was bought.
    """
    since = utc(since)
    tasks = await _read(read_page, endpoint, since, timedelta())
    if tasks.skew is not None and abs(tasks.skew) > _WINDOW - _LEEWAY:
        tasks = await _read(read_page, endpoint, since, tasks.skew)
    earliest = since - (_WINDOW if tasks.skew is None else _LEEWAY)
    found: list[Job] = []
    silent = False
    for request_id, task in tasks.by_id.items():
        created, inputs = moment(task.get("created_at")), task.get("inputs") or task.get("input")
        ours = since if created is None else created + (tasks.skew or timedelta())
        if ours < earliest or task.get("model") not in (None, endpoint):
            continue
        if not isinstance(inputs, dict):
            silent = True
        elif digest(inputs) == order_digest:
            found.append(Job(provider="wavespeed", endpoint=endpoint, request_id=request_id, submitted_at=ours))
    if not found and (silent or not tasks.complete):
        why = "tasks without their inputs" if silent else "more tasks than can be read"
        raise ProtocolError(f"WaveSpeed lists {why}: the one in question may be among them")
    return tuple(sorted(found, key=lambda job: job.submitted_at))


async def _read(read_page: ReadPage, model: str, since: datetime, shift: timedelta) -> _Tasks:
    """Read the list around a submit. `shift` is a skew that is known already."""
    start, end = since - shift - _WINDOW, datetime.now(UTC) - shift + _WINDOW
    window: JsonObject = {"created_after": _iso(start), "created_before": _iso(end)}
    query: JsonObject = {"page_size": _PAGE, "model": model, **window, "include_inputs": True}
    tasks: dict[str, JsonObject] = {}
    skew: timedelta | None = None
    for page in range(1, _PAGES + 1):
        reply, skew = await read_page({"page": page, **query})
        items, total, known = reply.get("items"), amount(reply.get("total")), len(tasks)
        tasks |= {request_id: item for item in objects(items) if (request_id := task_id(item))}
        if not items:
            return _Tasks(tasks, complete=page > 1 or not total, skew=skew)
        if total is not None and len(tasks) >= total:
            return _Tasks(tasks, complete=True, skew=skew)
        if len(tasks) == known:
            break
    return _Tasks(tasks, complete=False, skew=skew)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
