"""Errors of calls about paid jobs: only the provider's typed verdict ends a job, no other error does."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect_storyboard.providers.errors import Expired, InvalidRequest, ProtocolError, ProviderError, Retired
from prefect_storyboard.providers.gateways import title
from prefect_storyboard.storyboards import Job


@contextmanager
def job_stays_open(job: Job) -> Iterator[None]:
    """Turn any error of a call about a paid job into one that leaves the job open."""
    try:
        yield
    except ProviderError as error:
        raise still_open(error, job) from None


def still_open(error: ProviderError, job: Job) -> ProviderError:
    """The error of a call, with a remedy that says that the job is still open."""
    if isinstance(error, InvalidRequest | Retired):
        error = ProtocolError(str(error), http_status=error.http_status)
    elif isinstance(error, Expired):
        who = title(job.provider)
        error = Expired(
            f"{who} does not know the job {job.request_id} (not yet, or no longer)", http_status=error.http_status
        )
    else:
        error.remedy = error.remedy.replace("Nothing was bought.", "The job is paid for and still open.")
    error.request_id = job.request_id
    error.charged = None
    return error
