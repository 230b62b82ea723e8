"""A budget holds for a reel and not for a run: of parallel runs that would spend it twice, none may."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from prefect_storyboard.flows import series
from prefect_storyboard.ledger import Intent, Ledger, open_storage
from prefect_storyboard.ledger.owner import acting
from prefect_storyboard.storyboards.keys import digest
from tests.flows.gateways import opened

REMEDY = "Nothing was bought. Raise max_cost_usd, or render fewer scenes or takes."


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "sora-2", tmp_path) as branch:
        yield branch


@pytest.fixture
def together(monkeypatch):
    """All runs have looked at their plan and found it within the budget before the first of them submits."""

    def arrange(runs):
        looked, allow = asyncio.Barrier(runs), series.allowed_within

        async def allowed(*given, **options):
            wanted = await allow(*given, **options)
            await looked.wait()
            return wanted

        monkeypatch.setattr(series, "allowed_within", allowed)

    return arrange


def spent(branch):
    return branch.meter()["usd"]


async def test_two_storyboards_of_one_title_never_spend_more_than_the_budget_together(fal, together):
    boards = [fal.board("The sea."), fal.board("The shore.")]
    together(2)
    ended = await asyncio.gather(*(fal.counted(board, max_cost_usd=0.4) for board in boards))
    refused = [failed for reel, _ in ended for failed in reel.failed]
    assert spent(fal) == pytest.approx(0.4 * (2 - len(refused)))
    assert spent(fal) <= 0.4
    for failed in refused:
        assert failed.error == "scene s01 take 1 would bring the-lighthouse to $0.80, and max_cost_usd is $0.40"
        assert (failed.charged, failed.remedy) == (False, REMEDY)


async def test_however_many_scenes_and_runs_there_are_the_budget_holds_and_its_rest_can_be_spent(
    fal, together, monkeypatch
):
    boards = [fal.board(*(f"Wave {run}.{scene}." for scene in range(2))) for run in range(3)]
    together(3)
    await asyncio.gather(*(fal.counted(board, max_cost_usd=1.0) for board in boards))
    assert spent(fal) <= 1.0
    monkeypatch.undo()
    for board in boards:  # one after the other: what was refused gave its money back
        reel, _ = await fal.counted(board, max_cost_usd=0.8)
        assert reel.failed == ()
    assert (spent(fal), fal.meter()["duplicates"]) == (pytest.approx(2.4), [])


async def test_runs_of_other_titles_have_budgets_of_their_own(fal, together):
    together(2)
    boards = [fal.board("The sea.", title="One"), fal.board("The shore.", title="Two")]
    ended = await asyncio.gather(*(fal.counted(board, max_cost_usd=0.4) for board in boards))
    assert ([reel.failed for reel, _ in ended], spent(fal)) == ([(), ()], 0.8)


async def test_runs_that_share_their_scenes_share_their_budget(fal, together):
    together(2)
    board = fal.board("The sea.", "The shore.")
    ended = await asyncio.gather(*(fal.counted(board, max_cost_usd=0.8) for _ in range(2)))
    assert ([reel.failed for reel, _ in ended], spent(fal)) == ([(), ()], 0.8)


async def test_a_run_that_meets_the_limit_midway_fails_the_scene_and_sends_nothing_for_it(fal, monkeypatch):
    """Another machine announces a job of this reel between the run's plan and its first submit."""
    board = fal.board("The sea.", "The shore.", "The pier.")
    board["scenes"][1]["continues"], board["scenes"][2]["continues"] = "s01", "s02"
    ledger, allow = Ledger(open_storage(fal.library)), series.allowed_within

    async def allowed(*given, **options):
        wanted = await allow(*given, **options)
        now = datetime.now(UTC)
        facts = {"provider": "fal", "account": "default", "endpoint": "e", "order_digest": "d", "label": "another"}
        with acting() as owner:
            lease = now + timedelta(minutes=2)
            other = Intent(
                key=digest("other"), owner=owner, at=now, lease_until=lease, usd=0.4, reel="the-lighthouse", **facts
            )
            ledger.intend(1, other)
        return wanted

    monkeypatch.setattr(series, "allowed_within", allowed)
    reel, bought = await fal.counted(board, max_cost_usd=1.2)
    assert (bought, spent(fal), [clip.scene for clip in reel.clips]) == (2, 0.8, ["s01", "s02"])
    (failed,) = reel.failed
    assert (failed.scene, failed.charged, failed.remedy) == ("s03", False, REMEDY)
    assert failed.error == "scene s03 take 1 would bring the-lighthouse to $1.60, and max_cost_usd is $1.20"
    assert {body["prompt"] for body in fal.submitted()} == {"The sea.", "The shore."}
    monkeypatch.undo()
    reel, bought = await fal.counted(board, max_cost_usd=0.4)
    assert (bought, reel.failed, spent(fal)) == (1, (), pytest.approx(1.2))
