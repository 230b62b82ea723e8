"""The automations that `storyboard setup` creates: one for runs whose worker has died, and two notices.

The notices go to a saved block: a webhook receives JSON, a notification block (Slack, Teams, email) a sentence. They
quote storyboards and providers, so quoted text is escaped: it can neither mention people nor make links.
"""

from datetime import timedelta
from typing import NamedTuple

from prefect.automations import Automation, CallWebhook, ChangeFlowRunState, EventTrigger, Posture, SendNotification
from prefect.client.schemas.objects import BlockDocument, StateType

CRASHED = "storyboard: a series whose worker has died is marked crashed"
READY = "storyboard: a notice when a reel is ready"
UNKNOWN = "storyboard: a notice when a job is unknown"
_DAY = timedelta(days=1)

# Slack, Teams and Discord turn these into links and mentions, email clients into HTML.
_REPLACED = (("&", "+"), ("<", "("), (">", ")"), ("[", "("), ("]", ")"), ("@", "(at)"), ("\\n", " "))
_JSON = (
    '{{ {"event": event.event, "occurred": event.occurred | string, "resource": event.resource, '
    '"related": event.related, "payload": event.payload} | tojson }}'
)


class Notice(NamedTuple):
    """The text of a notice: templates of Prefect's automations."""

    subject: str
    body: str


def quoted(field: str) -> str:
    """A template for one field of the event's payload, as plain text on one line."""
    replaced = "".join(f' | replace("{old}", "{new}")' for old, new in _REPLACED)
    return f'{{{{ event.payload["{field}"] | string{replaced} }}}}'


_READY = Notice(
    subject=f"Reel ready: {quoted('title')}",
    body=(
        f"{quoted('title')}: {quoted('clips')} clips, {quoted('seconds')} s, ${quoted('cost_usd')}"
        '{% if event.payload["unpriced"] %} and ' + quoted("unpriced") + " jobs of unknown price{% endif %}"
        '{% if event.payload["failed"] %}; ' + quoted("failed") + " scenes have no clip{% endif %}. "
        f"Reel: {quoted('url')} Page: {quoted('page')}"
    ),
)
_UNKNOWN = Notice(
    subject=f"Job unknown: {quoted('label')}",
    body=(
        f"{quoted('label')} at {quoted('provider')} ({quoted('account')}) may have been bought: {quoted('reason')}. "
        f"{quoted('remedy')} Job: {quoted('job_key')}"
    ),
)


def crashed_series() -> Automation:
    """Mark runs as crashed after missing heartbeats: a worker that dies with its machine leaves its runs Running."""
    trigger = EventTrigger(
        after={"prefect.flow-run.heartbeat"},
        expect={
            "prefect.flow-run.heartbeat",
            "prefect.flow-run.Completed",
            "prefect.flow-run.Failed",
            "prefect.flow-run.Cancelled",
            "prefect.flow-run.Crashed",
            "prefect.flow-run.Suspended",
        },
        match={"prefect.resource.id": ["prefect.flow-run.*"]},
        match_related={"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.storyboard"},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(minutes=10),
    )
    action = ChangeFlowRunState(state=StateType.CRASHED, message="it has sent no heartbeat for 10 minutes")
    return Automation(name=CRASHED, trigger=trigger, actions=[action])


def reel_ready(block: BlockDocument) -> Automation:
    """Send a notice whenever a reel is assembled. Raises ValueError for a block that cannot send one."""
    trigger = _each("storyboard.reel.ready", "storyboard.reel.*", timedelta(0))
    return Automation(name=READY, trigger=trigger, actions=[_action(block, _READY)])


def job_unknown(block: BlockDocument) -> Automation:
    """Send a notice for every job that may have been bought, at most one per job and day.

    Raises ValueError for a block that cannot send one.
    """
    trigger = _each("storyboard.job.unknown", "storyboard.job.*", _DAY)
    return Automation(name=UNKNOWN, trigger=trigger, actions=[_action(block, _UNKNOWN)])


def _each(event: str, resource: str, within: timedelta) -> EventTrigger:
    return EventTrigger(
        expect={event},
        match={"prefect.resource.id": resource},
        for_each={"prefect.resource.id"},
        posture=Posture.Reactive,
        threshold=1,
        within=within,
    )


def _action(block: BlockDocument, notice: Notice) -> CallWebhook | SendNotification:
    kind = block.block_type.slug if block.block_type else ""
    if kind == "webhook":
        return CallWebhook(block_document_id=block.id, payload=_JSON)
    if block.block_schema and "notify" in block.block_schema.capabilities:
        return SendNotification(block_document_id=block.id, subject=notice.subject, body=notice.body)
    raise ValueError(f"{kind}/{block.name} cannot send notices; name a webhook or a notification block")
