"""A paid job is not lost by a fault on the way to it: only the provider's typed verdict ends it."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect_storyboard.providers.errors import Expired, InvalidRequest, ProtocolError, ProviderError, Retired
from prefect_storyboard.providers.gateways import title
from prefect_storyboard.storyboards import Job


@contextmanager
def on_the_way(job: Job) -> Iterator[None]:
    """Turn every error of a call about a paid job into one that leaves the job open."""
    try:
        yield
    except ProviderError as error:
        raise still_open(error, job) from None


def still_open(error: ProviderError, job: Job) -> ProviderError:
    """The error of a call as an error about an open job: it is no verdict on the job, and says so."""
    if isinstance(error, InvalidRequest | Retired):
        error = ProtocolError(str(error), http_status=error.http_status)
    elif isinstance(error, Expired):
        who = title(job.provider)
        error = Expired(
            f"{who} does not know the job {job.request_id} (yet, or any more)", http_status=error.http_status
        )
    else:
        error.remedy = error.remedy.replace("Nothing was bought.", "The job is open, not lost.")
    error.request_id = job.request_id
    error.charged = None
    return error
