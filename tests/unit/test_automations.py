"""What the notices say, as Prefect renders their templates."""

import json
import re
from types import SimpleNamespace
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import BlockDocument, BlockSchema, BlockType
from prefect.server.events.actions import CallWebhook as ServersWebhook
from prefect.server.events.actions import SendNotification as ServersNotification
from prefect.server.utilities.user_templates import render_user_template_sync

from prefect_storyboard.deployments.automations import job_unknown, reel_ready
from prefect_storyboard.tasks._event_table import EVENTS

HOSTILE = "Pilot <!channel> &lt;@U1&gt; [a](http://x)\n<https://x|click> {{ event }}"


def block(slug: str, *capabilities: str) -> BlockDocument:
    kind = BlockType.model_construct(slug=slug)
    schema = BlockSchema.model_construct(capabilities=list(capabilities))
    return BlockDocument.model_construct(id=uuid4(), name="team", block_type=kind, block_schema=schema)


SLACK = block("slack-webhook", "notify")
WEBHOOK = block("webhook")


def rendered(template: str, event: str, **payload: object) -> str:
    given = {name: f"the {name}" for name in EVENTS[event].payload} | payload
    resource = {"prefect.resource.id": "storyboard.reel.main.pilot"}
    about = SimpleNamespace(event=event, occurred="now", resource=resource, related=[], payload=given)
    return render_user_template_sync(template, {"event": about})


def test_a_reel_that_is_ready_is_a_sentence() -> None:
    (action,) = reel_ready(SLACK).actions
    facts = {"title": "The Pilot", "clips": 3, "seconds": 12.0, "cost_usd": 1.2, "url": "s3://a/reel.mp4", "page": "p"}
    said = rendered(action.body, "storyboard.reel.ready", **facts, failed=0, unpriced=0)
    assert said == "The Pilot: 3 clips, 12.0 s, $1.2. Reel: s3://a/reel.mp4 Page: p"
    said = rendered(action.body, "storyboard.reel.ready", **facts, failed=2, unpriced=1)
    assert said.startswith("The Pilot: 3 clips, 12.0 s, $1.2 and 1 jobs of unknown price; 2 scenes have no clip. Reel")


@pytest.mark.parametrize("field", ["title", "url"])
def test_what_a_storyboard_says_makes_no_mention_no_link_and_no_line(field: str) -> None:
    (action,) = reel_ready(SLACK).actions
    said = rendered(action.subject + action.body, "storyboard.reel.ready", **{field: HOSTILE})
    assert [letter for letter in "<>&@[]\n" if letter in said] == []
    assert "{{ event }}" in said, "rendered once, and not again"


def test_an_unknown_job_comes_with_what_settles_it() -> None:
    (action,) = job_unknown(SLACK).actions
    said = rendered(action.body, "storyboard.job.unknown", remedy="storyboard adopt f00 <the provider's id>")
    assert "the label at the provider (the account) may have been bought: the reason." in said
    assert "storyboard adopt f00 (the provider's id)" in said


@pytest.mark.parametrize(("make", "event"), [(reel_ready, "reel.ready"), (job_unknown, "job.unknown")])
def test_a_webhook_gets_the_event_as_json(make: object, event: str) -> None:
    (action,) = make(WEBHOOK).actions
    said = json.loads(rendered(action.payload, f"storyboard.{event}", title=HOSTILE, label=HOSTILE))
    assert said["event"] == f"storyboard.{event}"
    assert said["resource"] == {"prefect.resource.id": "storyboard.reel.main.pilot"}
    assert HOSTILE in said["payload"].values()


@pytest.mark.parametrize("make", [reel_ready, job_unknown])
def test_every_field_that_a_notice_quotes_is_in_the_event(make: object) -> None:
    automation = make(SLACK)
    (event,), (action,) = automation.trigger.expect, automation.actions
    named = set(re.findall(r'event\.payload\["(\w+)"\]', action.subject + action.body))
    assert named
    assert named <= set(EVENTS[event].payload)


@pytest.mark.parametrize("make", [reel_ready, job_unknown])
def test_the_server_takes_the_templates(make: object) -> None:
    (notification,), (webhook,) = make(SLACK).actions, make(WEBHOOK).actions
    assert ServersNotification.model_validate(notification.model_dump())
    assert ServersWebhook.model_validate(webhook.model_dump())


def test_a_block_that_can_send_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="secret/team cannot send notices; name a webhook or a notification block"):
        reel_ready(block("secret"))
