"""The record of a Kie task: recordInfo's `data`, which callbacks carry too."""

import json
from typing import Any

from prefect_storyboard.sandbox.cdn import picture_name, picture_of
from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.kie.jobs import character_id
from prefect_storyboard.sandbox.kie.table import CHARACTERS, MODELS, charged, check, makes, without_fraction
from prefect_storyboard.sandbox.meter import is_billed

_REMARK = "insert this username directly into your prompt.(@character_user_name)."


def record(job: Job, now: float, base: str) -> dict[str, Any]:
    """The record; of a job that has ended, its outcome must be known."""
    document = {
        "taskId": job.id,
        "model": job.endpoint,
        "state": state(job, now),
        "param": _param(job),
        "resultJson": "",
        "failCode": "",
        "failMsg": "",
        "costTime": None,
        "completeTime": None,
        "createTime": ms(job.submitted_at),
        "updateTime": ms(job.submitted_at),
    }
    if document["state"] == "generating":
        document["updateTime"] = ms(now)
    if document["state"] in {"success", "fail"}:
        document |= {"completeTime": ms(job.done_at), "updateTime": ms(job.done_at)} | _end(job, base)
    if _has_progress(job) and document["state"] != "fail":
        document["progress"] = progress(job, now)
    return document


def state(job: Job, now: float) -> str:
    """Kie's word for the job's state; the first half of the queue is `waiting`."""
    phase = job.phase(now)
    if phase == "IN_QUEUE":
        return "waiting" if now < (job.submitted_at + job.started_at) / 2 else "queuing"
    if phase == "IN_PROGRESS":
        return "generating"
    return "success" if is_billed(job) else "fail"


def progress(job: Job, now: float) -> int:
    """Per cent: 10 to 90 while the job runs."""
    if job.phase(now) == "IN_QUEUE":
        return 0
    if job.phase(now) == "COMPLETED":
        return 100
    return 10 + int(80 * (now - job.started_at) / (job.done_at - job.started_at))


def ms(at: float) -> int:
    """A time as Kie writes it."""
    return round(at * 1000)


def _has_progress(job: Job) -> bool:
    return job.endpoint not in CHARACTERS and MODELS[job.endpoint].row is None


def _end(job: Job, base: str) -> dict[str, Any]:
    outcome = job.outcome
    assert outcome is not None  # noqa: S101 - the caller has settled the job
    if outcome.status != 200:
        return {"failCode": outcome.error_type, "failMsg": outcome.detail, "costTime": 0}
    credit = charged(job)
    return {
        "resultJson": _result(job, base),
        "failCode": None,
        "failMsg": None,
        "costTime": ms(job.done_at - job.started_at),
        **({} if credit is None else {"creditsConsumed": without_fraction(credit)}),
    }


def _param(job: Job) -> str:
    """The whole request as JSON; newer pages encode the input in it once more."""
    body: Any = job.body
    if job.options.get("switch") == "double_encoded":
        body = {**body, "input": _compact(body["input"])}
    return _compact(body)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _result(job: Job, base: str) -> Any:
    """`resultJson`: JSON in a string, unless the job was given a stranger form."""
    switch = job.options.get("switch")
    result = _character(job) if job.endpoint in CHARACTERS else _files(job, base)
    if switch == "result_empty":
        return ""
    if switch == "result_garbled":
        return _compact(result)[:-2]
    return result if switch == "result_decoded" else _compact(result)


def _character(job: Job) -> dict[str, Any]:
    found = character_id(job)
    if job.options.get("switch") == "flat_character":
        return {"character_id": found}
    handle = job.outcome.name if job.outcome else None
    return {"resultObject": {"character_id": found, "character_user_name": handle, "remark": _REMARK}}


def _files(job: Job, base: str) -> dict[str, Any]:
    if job.options.get("switch") == "result_without_url":
        return {"resultUrls": []}
    name = picture_name(picture_of(job)) if makes(job.endpoint) == "picture" else "out.mp4"
    url = f"{base}/kie/cdn/files/b/{job.id}/{name}"
    if job.options.get("switch") == "double_encoded":  # the same pages have this key
        return {"resultUrls": [url], "resultObject": None}
    if getattr(check(job.body)[1], "remove_watermark", False):
        return {"resultUrls": [url], "resultWaterMarkUrls": [f"{url}?watermark=1"]}
    row = MODELS[job.endpoint].row
    return {"resultUrls": [url], **{name: [] for name in (row.outputs if row else ())}}
