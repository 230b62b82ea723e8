"""Read the envelope of WaveSpeed's responses: its data, or the error that it reports."""

import re

import httpx

from prefect_storyboard.providers.json_values import non_blank
from prefect_storyboard.providers.states import phase
from prefect_storyboard.providers.wavespeed import errors as wavespeed_errors
from prefect_storyboard.storyboards.outcomes import JsonObject

_TASK_ID = re.compile(r"[A-Za-z0-9_-]{4,128}")


def task_id(task: JsonObject) -> str | None:
    """The task's id; None if it has none, or one that is not safe in a path."""
    found = non_blank(task.get("id"))
    return found if found and _TASK_ID.fullmatch(found) else None


def data(response: httpx.Response) -> JsonObject:
    """The envelope's data. Raises the error that it reports, and ProtocolError if it holds no object."""
    if wavespeed_errors.code(response) != httpx.codes.OK:
        raise wavespeed_errors.of_call(response)
    if held := wavespeed_errors.data(response):
        return held
    raise wavespeed_errors.unreadable(response)


def data_or_nothing(response: httpx.Response) -> JsonObject:
    """The envelope's data; empty if it reports an error."""
    return wavespeed_errors.data(response) if wavespeed_errors.code(response) == httpx.codes.OK else {}


def task_of(response: httpx.Response) -> JsonObject:
    """The task's document, which for an ended task is valid under any code of the envelope."""
    task = wavespeed_errors.data(response)
    return task if response.is_success and phase(task.get("status")) in {"succeeded", "failed"} else data(response)
