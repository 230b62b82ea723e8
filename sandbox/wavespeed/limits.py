"""The limits of WaveSpeed's first level, for keys that begin with `limited`.

5 videos and 10 pictures a minute, 3 tasks at a time.
"""

from starlette.requests import Request
from starlette.responses import Response

from prefect_storyboard.sandbox.documents import Job
from prefect_storyboard.sandbox.exchange import Sandbox
from prefect_storyboard.sandbox.wavespeed.envelope import problem
from prefect_storyboard.sandbox.wavespeed.models import MODELS

_A_MINUTE = {"video": 5, "picture": 10}
_TASKS_AT_A_TIME = 3


def refusal(sandbox: Sandbox, request: Request, model_id: str) -> Response | None:
    """429 if this minute's videos or pictures are used up.

    The window is the minute of the clock: it resets, it does not slide.
    """
    kind = MODELS[model_id].kind
    if request.state.account != "limited" or kind not in _A_MINUTE:
        return None
    minute = sandbox.clock() // 60
    jobs = [job for job in _of_key(sandbox, request) if job.submitted_at // 60 == minute]
    made = sum(MODELS[job.endpoint].kind == kind for job in jobs)
    return problem(429, "Too Many Requests") if made >= _A_MINUTE[kind] else None


def start(sandbox: Sandbox, request: Request) -> float:
    """When a job that is accepted now begins: over the limit it waits until only two others run."""
    now = sandbox.clock()
    earliest = now + sandbox.pace.queue_seconds
    if request.state.account != "limited":
        return earliest
    ends = sorted((job.done_at for job in _of_key(sandbox, request) if job.done_at > now), reverse=True)
    return max([earliest, *ends[_TASKS_AT_A_TIME - 1 : _TASKS_AT_A_TIME]])


def _of_key(sandbox: Sandbox, request: Request) -> list[Job]:
    jobs = (job for job in sandbox.state.jobs() if job.gateway == "wavespeed")
    return [job for job in jobs if job.key_id == request.state.key_id]
