"""Wait for one scene's job."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.buy import PaidJob
from prefect_storyboard.jobs.progress import Progress, emit_progress
from prefect_storyboard.jobs.wait import await_result
from prefect_storyboard.ledger import Ledger
from prefect_storyboard.providers.protocol import Result, Status


@task(name="poll", task_run_name="poll {scene} take {take}", cache_policy=NO_CACHE, persist_result=False)
async def poll(
    bought: PaidJob, *, scene: str, take: int, credentials: Credentials, library: Library, minutes: float = 60.0
) -> Result:
    """Wait until the job has ended, and return what it made. Costs nothing.

    Lost connections, 429 and 5xx are waited out inside. Raises the provider's verdict (GenerationFailed, Refused,
    InvalidRequest), Expired, or Busy after `minutes`: the job stays open and the next run re-attaches.
    """

    def watch(status: Status) -> None:
        emit_progress(Progress(subject=scene, state=status.state, take=take))

    async with credentials.session() as session:
        return await await_result(session, Ledger(library.storage()), bought, minutes=minutes, watch=watch)
