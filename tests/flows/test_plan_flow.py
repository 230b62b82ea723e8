"""A plan says what the run then does and costs, down to the job; it buys nothing, and leaves nothing unsaid."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client

from prefect_storyboard.flows import plan_storyboard
from prefect_storyboard.flows.plan import cost_of, planned
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.ledger import Intent, Ledger, Outcome, open_storage
from prefect_storyboard.ledger.owner import acting
from prefect_storyboard.providers.errors import Retired
from prefect_storyboard.series.prepare import Overrides
from prefect_storyboard.storyboards import Job, Plan
from tests.flows.gateways import opened


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path) as branch:
        yield branch


async def plan(branch, board, **options):
    """The plan, and a look that nothing was sent that buys or uploads."""
    before = branch.meter()
    said = Overrides(**{name: options.pop(name) for name in Overrides.model_fields if name in options})
    made = await planned(board, branch.credentials(), branch.library, said, **options)
    assert branch.meter() == before
    return made


def states(made):
    return [job.state for job in made.jobs]


def known(branch, job, *, until):
    """Write into the ledger what a run would have left there."""
    ledger, now = Ledger(open_storage(branch.library)), datetime.now(UTC)
    facts = {"provider": "fal", "account": "default", "endpoint": "e", "order_digest": "d", "label": "l", "usd": 0.4}
    with acting() as owner:
        ledger.intend(1, Intent(key=job.key, owner=owner, at=now, lease_until=now + timedelta(minutes=2), **facts))
    if until == "unknown":
        return
    ledger.submitted(job.key, 1, Job(provider="fal", endpoint="e", request_id=job.key, submitted_at=now))
    if until != "reattached":
        kind = "done" if until == "cached" else "failed"
        ledger.close(job.key, 1, Outcome(kind=kind, at=now, charged=True))


async def test_the_plan_and_the_run_agree_in_jobs_and_money(fal):
    board = fal.board("The sea.", "The shore.", "The pier.")
    board["scenes"][2]["model"] = "sora-2-pro"
    before = await plan(fal, board)
    assert (states(before), before.low_usd, before.high_usd) == (["new"] * 3, 2.8, 2.8)
    with pytest.raises(OverBudget):
        await fal.counted(board, max_cost_usd=before.high_usd - 0.01)
    reel, bought = await fal.counted(board, max_cost_usd=before.high_usd)
    assert (bought, reel.bought_usd, fal.meter()["usd"]) == (3, before.low_usd, before.low_usd)
    kept = json.loads((Path(fal.library) / "reels/the-lighthouse/plan.json").read_text())
    assert Plan.model_validate(kept).hash == before.hash
    assert [job.key for job in before.scenes] == [clip.job_key for clip in reel.clips]
    after = await plan(fal, board)
    assert (states(after), after.low_usd, after.high_usd) == (["cached"] * 3, 0.0, 0.0)
    assert after.hash != before.hash, "what is to be bought is in the hash"
    board["scenes"][0]["prompt"] = "The open sea."
    changed = await plan(fal, board)
    assert (states(changed), changed.low_usd) == (["new", "cached", "cached"], 0.4)
    assert changed.hash != before.hash


async def test_every_state_of_the_ledger_has_its_word_and_its_share_of_the_price(fal):
    words = ["new", "cached", "reattached", "unknown", "failed"]
    board = fal.board(*(f"Wave {word}." for word in words))
    first = await plan(fal, board)
    for scene, word in zip(first.scenes, words, strict=True):
        if word != "new":
            known(fal, scene, until=word)
    made = await plan(fal, board)
    assert (states(made), cost_of(made)) == (words, "$0.40 to $0.80")
    assert fal.requests("submit") == []
    again = await plan(fal, board, attempts=2)
    assert states(again) == [*words[:4], "new"], "a failed job is new where another attempt is allowed"


async def test_a_price_that_nobody_has_published_is_said_to_be_unknown(fal):
    made = await plan(fal, fal.board("Mara wakes.", "The sea."))
    assert (made.characters[0].usd, made.low_usd, made.high_usd) == (None, 0.8, None)
    assert cost_of(made) == "$0.80 and 1 job of unknown price"
    known(fal, made.characters[0], until="cached")
    assert (await plan(fal, fal.board("Mara wakes.", "The sea."))).high_usd == 0.8


async def test_a_model_that_is_not_sold_any_more_is_a_warning_where_the_run_is_refused(fal):
    board = fal.board("The sea.")
    fal.fault("deprecated")
    made = await plan(fal, board)
    warning = next(line for line in made.warnings if "is not sold any more" in line)
    assert warning.startswith("sora-2 is not sold any more at fal (the provider's list says so); Nothing was bought.")
    assert "seedance-2" in warning
    with pytest.raises(Retired):
        await fal.counted(board, allow_retired=False)
    known(fal, made.scenes[0], until="cached")
    made = await plan(fal, board)
    assert not [line for line in made.warnings if "is not sold any more" in line], "what is there is there"


async def test_a_child_that_begins_where_an_older_take_ended_is_pointed_out(fal):
    board = fal.board("The sea.", "The shore.")
    board["scenes"][1]["continues"] = "s01"
    await fal.counted(board)
    assert not [line for line in (await plan(fal, board)).warnings if "another take" in line]
    board["scenes"][0]["take"] = 2
    made = await plan(fal, board)
    assert (states(made), made.low_usd) == (["new", "stale"], 0.4)
    stale = "s02 begins where another take of s01 ended; it is kept, and --cascade renders it again for $0.40"
    assert stale in made.warnings
    renewed = await plan(fal, board, cascade=True)
    assert (states(renewed), renewed.low_usd) == (["new", "new"], 0.8)


async def test_the_flow_returns_the_plan_and_shows_it_as_a_table(fal):
    board = fal.board("Mara wakes.", "The sea.", title="Night at Sea")
    made, quick = await asyncio.gather(
        plan_storyboard(board, fal.credentials(), fal.library), plan(fal, board, model=None)
    )
    assert (made.hash, states(made)) == (quick.hash, states(quick))
    shown = await Artifact.aget("night-at-sea-plan")
    assert [(line["scene"], line["state"], line["price"]) for line in json.loads(shown.data)] == [
        ("s01", "new", "$0.40"),
        ("s02", "new", "$0.40"),
    ]
    assert shown.description == (f"Night at Sea: $0.80 and 1 job of unknown price. Plan {made.hash[:12]}.")


async def test_another_model_and_the_nearest_size_are_planned_as_they_are_rendered(fal):
    made = await plan(fal, fal.board("The sea.", seconds=3), model="seedance-2", fit="nearest")
    (scene,) = made.scenes
    assert (scene.model.name, scene.seconds, scene.usd) == ("seedance-2", 4, 1.2096)
    assert "s01: 3 s was asked for, 4 s is rendered and billed" in made.warnings


async def test_a_run_is_named_after_the_title_of_its_file(fal, tmp_path):
    (tmp_path / "board-7.yaml").write_text("title: Low Tide\nmodel: sora-2\nscenes: [{id: s01, prompt: Sand.}]\n")
    state = await plan_storyboard(str(tmp_path / "board-7.yaml"), fal.credentials(), fal.library, return_state=True)
    async with get_client() as client:
        run = await client.read_flow_run(state.state_details.flow_run_id)
    assert run.name == "Low Tide"
