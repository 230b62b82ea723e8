"""Started by an event: an automation runs the flow when a brief is accepted, with the prompt of the event.

Prefect may deliver an event twice, or a brief may be accepted again: equal parameters are one clip. Another system
sends the event by a webhook of Prefect Cloud, or like this:

    emit_event("studio.brief.accepted", {"prefect.resource.id": "studio.brief.42"}, payload={"id": ..., "prompt": ...})

Costs $1.21 at fal.ai in November 2026, once for each brief. The flow on the sandbox, then the
automation on your account:

    python -m prefect_storyboard.examples.flows.on_event
    python -m prefect_storyboard.examples.flows.on_event serve
"""

import asyncio
import sys

from prefect import aserve, flow
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger

from prefect_storyboard import sync
from prefect_storyboard.examples.flows.sandboxed import sandboxed
from prefect_storyboard.storyboards import Clip
from prefect_storyboard.tasks import render

MODEL, FAL, LIBRARY = "seedance-2", "fal-credentials/production", "storyboard-library/main"
BRIEF = {"id": "brief-42", "prompt": "A parcel stands on the pier."}
TRIGGER = DeploymentEventTrigger(
    name="a brief was accepted",
    expect={"studio.brief.accepted"},
    parameters={
        name: {"__prefect_kind": "jinja", "template": "{{ event.payload." + field + " }}"}
        for name, field in (("brief", "id"), ("prompt", "prompt"))
    },
)


@flow
async def draft(brief: str, prompt: str) -> Clip:
    """Render the prompt of a brief."""
    return await render(prompt, reel="Drafts", scene=brief, model=MODEL, credentials=FAL, library=LIBRARY)


@flow
def plain_draft(brief: str, prompt: str) -> Clip:
    """The same without `await`."""
    return sync.render(prompt, reel="Drafts", scene=brief, model=MODEL, credentials=FAL, library=LIBRARY)


async def automation() -> RunnerDeployment:
    """The deployment with its trigger, to serve or to apply."""
    return await draft.ato_deployment("on-brief", triggers=[TRIGGER], tags=["storyboard"])


async def serve() -> None:
    """Wait for events, in this process."""
    await aserve(await automation())


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        with sandboxed():
            print(asyncio.run(draft(BRIEF["id"], BRIEF["prompt"])).url)
