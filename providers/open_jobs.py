"""A paid job is not lost by what goes wrong on the way to it: only the provider's verdict ends it."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect_storyboard.providers.errors import Expired, InvalidRequest, ProtocolError, ProviderError, Retired
from prefect_storyboard.storyboards import Job

_NAMES = {"fal": "fal", "kie": "Kie", "toapis": "ToAPIs", "wavespeed": "WaveSpeed"}


@contextmanager
def on_the_way(job: Job) -> Iterator[None]:
    """Around a call about a paid job: what goes wrong in it is no verdict."""
    try:
        yield
    except ProviderError as error:
        raise still_open(error, job) from None


def still_open(error: ProviderError, job: Job) -> ProviderError:
    """The error of a call, worded as one about a job that is open."""
    if isinstance(error, InvalidRequest | Retired):
        error = ProtocolError(str(error), http_status=error.http_status)
    elif isinstance(error, Expired):
        who = _NAMES.get(job.provider, job.provider)
        error = Expired(
            f"{who} does not know the job {job.request_id} (yet, or any more)", http_status=error.http_status
        )
    else:
        error.remedy = error.remedy.replace("Nothing was bought.", "The job is open, not lost.")
    error.request_id = job.request_id
    error.charged = None
    return error
