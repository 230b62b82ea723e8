"""Download a finished clip into the library before the provider's link expires."""

from prefect.cache_policies import NO_CACHE

from prefect_storyboard.blocks import Credentials, Library
from prefect_storyboard.jobs.paid import PaidJob
from prefect_storyboard.judges import Judge
from prefect_storyboard.providers.protocol import Result
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import _arguments as arguments
from prefect_storyboard.tasks._keep import keep_made
from prefect_storyboard.tasks._names import RunName
from prefect_storyboard.tasks._node import node
from prefect_storyboard.tasks._retries import DELAYS, TRIES, retry_safely


# Retries are safe: storing buys nothing, and a take is published whole or not at all.
@node(
    name="store",
    task_run_name=RunName(lambda job, **_: f"store {job.about}"),
    retries=TRIES,
    retry_delay_seconds=DELAYS,
    retry_condition_fn=retry_safely,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def store(
    job: PaidJob,
    result: Result | None = None,
    *,
    credentials: Credentials | str,
    library: Library | str | None = None,
    judge: Judge | None = None,
) -> Clip:
    """Store the clip and its sidecar in the library, and close the job in the ledger. Costs nothing.

    The clip is looked at before: its `verdict` says what is wrong with it, as far as can be told without a model.
    The clip is stored in `reels/<reel>/scenes/<scene>/`, or in `clips/<scene>/` if generate was given no reel. An
    existing clip is left alone; one that another reel holds is copied.

    Args:
        job: What generate returned.
        result: What poll returned; None asks the provider for it.
        credentials: The account that bought the job: a credentials block, or the reference of a saved one.
        library: The library that generate was given.
        judge: A judge of your own, which is asked about a clip that is not stored yet. If it fails, the clip is stored
            with a warning as its verdict.

    Raises ValueError for the job of a character, Expired if the provider has forgotten the clip, Busy and NotSent if it
    could not be fetched: the job stays open, and the next call fetches it.
    """
    draft = arguments.paid_job(job).draft
    if draft is None:
        raise ValueError("job: it creates a character, and there is no clip to store; create_character returns it")
    if draft.still:
        raise ValueError("job: it draws a still, and there is no clip to store; draw returns it")
    if not isinstance(result, Result | None):
        raise ValueError(f"result: give what poll returns, or leave it out; found {type(result).__name__}")
    account, library_block = await arguments.accounts(credentials, library)
    made = await keep_made(job, draft, result, credentials=account, library=library_block, judge=judge)
    if not isinstance(made, Clip):
        raise TypeError(f"job {job.key[:12]} made no clip")  # excluded above: its draft is a clip's
    return made
