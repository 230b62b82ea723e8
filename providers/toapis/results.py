"""Read the result from a task's document: a character, a video, or why there is neither."""

from prefect_storyboard.providers.errors import Busy
from prefect_storyboard.providers.inline import first_picture
from prefect_storyboard.providers.json_values import amount, non_blank, objects
from prefect_storyboard.providers.open_jobs import job_stays_open
from prefect_storyboard.providers.outputs import keep_outputs
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.providers.states import phase
from prefect_storyboard.providers.toapis import errors
from prefect_storyboard.storyboards import Job
from prefect_storyboard.storyboards.outcomes import JsonObject


async def result_of(task: JsonObject, job: Job) -> Result:
    """The result in the task's document. Raises why it failed, and Busy for a task that has not ended."""
    made = _character(task) or _video(task, job)
    if errors.has_failed(task, empty=made is None):
        raise errors.of_task(task, job)
    match phase(task.get("status")):
        case "succeeded" | "failed" | None if made:
            return made
        case "succeeded":
            raise errors.of_no_result(task, job)
    with job_stays_open(job):
        raise Busy(f"ToAPIs has not ended the task {job.request_id} yet")


def _character(task: JsonObject) -> Result | None:
    """The first character of the clip that a prompt can name; None if there is none."""
    result = task.get("result")
    data = result.get("data") if isinstance(result, dict) else None
    for born in objects(data.get("characters")) if isinstance(data, dict) else ():
        made, username = non_blank(born.get("id")), non_blank(born.get("username"))
        if made and username:
            kept = keep_outputs("toapis", {**task, "result": {"data": {"characters": [born]}}})
            return Result(
                character_id=made,
                mention=f"@{username.removeprefix('@')}",
                usd=_usd(task),
                files=kept.files,
                facts=kept.facts,
                raw=task,
            )
    return None


def _video(task: JsonObject, job: Job) -> Result | None:
    """The link of a video or picture, in the places where ToAPIs was seen to put it; None if it is in none of them."""
    held = task.get("result")
    result = held if isinstance(held, dict) else {}
    inner = (result.get("data"), result.get("url"), result.get("video"))
    places = (inner[0], task.get("url"), task.get("video_url"), *inner[1:], task.get("data"))
    url = next((found for place in places if (found := first_picture(place))), None)
    if url is None:
        return None
    kept = keep_outputs("toapis", task)
    return Result(url=url, handle=job.request_id, usd=_usd(task), files=kept.files, facts=kept.facts, raw=task)


def _usd(task: JsonObject) -> float | None:
    """What was charged, if the task says so; 0 occurs for refunds only."""
    billing = task.get("billing")
    return amount(billing.get("cost_usd")) or None if isinstance(billing, dict) else None
