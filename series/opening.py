"""The beginning of every flow: its arguments are read, checked, planned and priced; nothing is bought yet."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import PurePath
from typing import Annotated, Any

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from pydantic import BeforeValidator

from prefect_storyboard.addresses import bare
from prefect_storyboard.blocks import Credentials, Library, load_credentials, load_library
from prefect_storyboard.judges import named_judge
from prefect_storyboard.ledger import Ledger, prove
from prefect_storyboard.ledger.scratch import scratch, sweep
from prefect_storyboard.series.prepare import Overrides, prepare
from prefect_storyboard.series.price import priced
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.series.sent import known_castings, with_sends
from prefect_storyboard.series.standing import with_standing
from prefect_storyboard.series.stop import stoppable
from prefect_storyboard.storyboards import Storyboard, StoryboardError, check_folder, is_text
from prefect_storyboard.storyboards.text import load


def _text(reference: object) -> object:
    return str(reference) if isinstance(reference, PurePath) else reference


Reference = Annotated[str, BeforeValidator(_text)]  # a path or URL, also as a path object


def title() -> str:
    """Names a flow run after its storyboard; one that is yet to be read, after its file."""
    board = flow_run.parameters.get("storyboard")
    if isinstance(board, Storyboard):
        return board.title
    if isinstance(board, Mapping):
        return str(board.get("title", "storyboard"))
    try:
        if not is_text(str(board)):
            return bare(str(board)).rpartition("/")[2]
        return str(load(str(board), "storyboard")[0].get("title", "storyboard"))
    except StoryboardError:
        return "storyboard"


@asynccontextmanager
async def opened(
    storyboard: Storyboard | Mapping[str, Any] | str,
    provider: Credentials | str,
    library: Library | str | None,
    overrides: Overrides | None = None,
    *,
    cascade: bool = False,
    attempts: int = 1,
    judge: str | None = None,
) -> AsyncIterator[Rendering]:
    """Read and check everything that can be checked at no cost, and open the account's session.

    The `judge` is named as `module:function`, and asked about each new clip. Stale takes of the reel are kept, or
    planned as new takes with `cascade`; so are takes in the place of bad ones, as far as so many `attempts` allow it.
    On exit, raises LibraryError if the library was deleted or replaced during the run.
    """
    asked = await asyncio.to_thread(named_judge, judge) if judge else None
    credentials = await load_credentials(provider) if isinstance(provider, str) else provider
    library_block = await load_library(library)
    await asyncio.to_thread(sweep)
    with stoppable(), scratch() as folder:
        prepared = await prepare(storyboard, credentials, library_block, folder, overrides)
        await _named(prepared.plan.storyboard.title)
        identity = await asyncio.to_thread(prove, library_block.storage())
        for part in prepared.plan.reels():
            await asyncio.to_thread(_check_folder, part.storyboard, library_block)
        async with credentials.session() as session:
            castings = await asyncio.to_thread(known_castings, prepared.plan, Ledger(library_block.storage()))
            plan = await asyncio.to_thread(with_sends, prepared, session.provider, castings)
            plan = await priced(plan, session.provider)
            plan = plan.model_copy(update={"judge": asked.name, "usd_per_look": asked.usd}) if asked else plan
            ledger = Ledger(library_block.storage())
            chosen = await asyncio.to_thread(ledger.choices, plan.storyboard.slug)
            stands = await asyncio.to_thread(with_standing, plan, ledger, cascade=cascade, attempts=attempts)
            prepared = prepared.model_copy(update={"plan": stands})
            yield Rendering(prepared, credentials, library_block, session, plan, chosen, judge=asked)
            await asyncio.to_thread(Ledger(library_block.storage()).check_still_there, identity)


async def _named(board_title: str) -> None:
    """Name this run of one of our flows after its storyboard, which has been read now."""
    context = FlowRunContext.get()
    if not (context and context.flow and context.flow.flow_run_name is title and context.flow_run):
        return
    if context.flow_run.name != board_title:
        with suppress(Exception):  # what cannot be shown does not stop a run
            async with get_client() as client:
                await client.update_flow_run(context.flow_run.id, name=board_title)


def _check_folder(board: Storyboard, library: Library) -> None:
    """Raise FolderTaken, before anything is bought, if the reel's folder belongs to another storyboard."""
    check_folder(board.title, library.storage().read("reels", board.slug, "storyboard.yaml"))
