"""Say that a run waits for a person, and end the runs that nobody has answered.

`ledger/asking/<flow run>.json` says what a run has asked and until when. Prefect fails a run that is not resumed in
time, without a word about money: `collect_jobs` reads these files and gives such a run a state that says it.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.utilities.urls import url_for
from pydantic import ConfigDict, ValidationError

from prefect_storyboard.ledger import Ledger, Storage
from prefect_storyboard.series.approval_form import described
from prefect_storyboard.series.approval_page import facts_of
from prefect_storyboard.series.asking import NotApproved, unanswered
from prefect_storyboard.series.markdown import escaped
from prefect_storyboard.series.report import artifact_key, shown
from prefect_storyboard.series.run import Rendering
from prefect_storyboard.storyboards import Frozen
from prefect_storyboard.storyboards.approval import STAGES, Question
from prefect_storyboard.tasks import _events as events

Client = Callable[[], AbstractAsyncContextManager[PrefectClient]]  # get_client, or what a test passes in

_PREFECTS = "never resumed"  # what Prefect's own state says


class Asking(Frozen):
    """What a flow run has asked. A field that a newer version wrote is ignored."""

    model_config = ConfigDict(extra="ignore")

    hash: str
    until: datetime
    hours: float


def asked_before(storage: Storage, run_id: str) -> Asking | None:
    """What this flow run has asked last. Blocks."""
    try:
        return Asking.model_validate_json(storage.read(*_place(run_id)) or b"")
    except ValidationError:
        return None


async def announce(run: Rendering, question: Question, until: datetime, hours: float) -> None:
    """Tell people that the run waits for them: a file, an artifact, an event, a line of the log."""
    run_id, storage = str(flow_run.id), run.library.storage()
    note = Asking(hash=question.hash, until=until, hours=hours).model_dump_json().encode()
    await asyncio.to_thread(storage.write, note, *_place(run_id))
    said = f"waits until {until:%Y-%m-%d %H:%M} UTC for somebody to approve {STAGES[question.kind].asks}"
    with shown("the question"):
        link = url_for("flow-run", obj_id=run_id)
        how = f"[Open the run]({link}) and press Resume." if link else "Open the run and press Resume."
        text = f"# {escaped(question.title)} {said}\n\n{how}\n\n{described(question)}"
        await acreate_markdown_artifact(
            key=artifact_key(question.reel, "approval"), markdown=text, description=escaped(f"{question.title} {said}.")
        )
    events.approval_requested(run.library, question.reel, {**facts_of(question), "until": until.isoformat()})
    get_run_logger().info("%s %s", question.title, said)


async def end_unanswered(ledger: Ledger, *, now: datetime, client: Client = get_client) -> list[str]:
    """Give the runs that nobody has answered in time a state that says so; returns their ids."""
    ended = []
    for name in await asyncio.to_thread(ledger.storage.names, "ledger", "asking"):
        run_id = name.removesuffix(".json")
        asking = await asyncio.to_thread(asked_before, ledger.storage, run_id)
        if asking is None:
            continue
        async with client() as api:
            try:
                run = await api.read_flow_run(UUID(run_id))
            except ObjectNotFound:
                continue  # it belongs to another server, which ends it
            if _is_unanswered(run, asking, now):
                state: State[None] = Failed(name=NotApproved.state, message=unanswered(asking.hours))
                await api.set_flow_run_state(run.id, state, force=True)
                ended.append(run_id)
        if run_id in ended or (run.state and run.state.is_final()):
            await asyncio.to_thread(ledger.storage.remove, *_place(run_id))
    return ended


def _is_unanswered(run: FlowRun, asking: Asking, now: datetime) -> bool:
    """Whether the run still waits after its time, or Prefect has failed it for that."""
    if run.state is None:
        return False
    late = run.state.is_paused() and now > asking.until
    return late or (run.state.is_failed() and _PREFECTS in (run.state.message or ""))


def _place(run_id: str) -> tuple[str, ...]:
    return "ledger", "asking", f"{run_id}.json"
