"""A run that asks before it buys: what is approved is bought once, everything else is not; the meter is the judge."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_storyboard.blocks import Library
from prefect_storyboard.flows import SeriesFailed
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.series.asking import NotApproved, Stopped, asked_by
from prefect_storyboard.series.waiting import end_unanswered
from prefect_storyboard.storyboards.approval import Answer
from tests.flows.deployed import Deployed
from tests.flows.gateways import opened

BUY = {"decision": "approve", "by": "Ada", "max_cost_usd": 9.0}
STOP = {"decision": "stop", "by": "Ada"}


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


def deployed(fal, board, **facts):
    shelf = Library(url=fal.library, media_roots=[str((fal.clips / "mara.mp4").resolve().parent)])
    given = {"storyboard": board, "provider": fal.credentials(), "library": shelf, "approve": "plan", **facts}
    return Deployed(given)


def bought(fal):
    return fal.meter()["jobs_accepted"]


def ledger(fal):
    return Ledger(open_storage(fal.library))


def approvals(fal, *names):
    return [tuple(getattr(each, name) for name in names) for each in ledger(fal).approvals("the-lighthouse")]


async def test_nothing_is_bought_until_the_form_is_answered_and_then_what_it_says(fal):
    run = deployed(fal, fal.board("Mara waits.", "The sea."))
    assert (await run.start(), bought(fal)) == ("Suspended", 0)
    form = await run.form()
    assert [*form["properties"]] == ["decision", "max_cost_usd", "leave_out", "by"]
    assert form["required"] == ["decision", "by"], "an empty answer approves nothing"
    assert "| s02 | buy | The sea. | $1.2096 |" in form["text"]
    assert await run.resume() == "REJECT"
    assert await run.resume(**BUY) == "ACCEPT"
    assert (await run.work(), bought(fal)) == ("Completed", 2)
    assert approvals(fal, "kind", "by", "max_cost_usd", "run") == [("plan", "Ada", 9.0, str(run.id))]


async def test_an_answer_that_comes_twice_or_a_run_that_begins_again_buys_nothing_more(fal):
    board = fal.board("Mara waits.", "The sea.")
    run = deployed(fal, board)
    await run.start()
    assert [await run.resume(**BUY), await run.resume(**BUY)] == ["ACCEPT", "ABORT"]
    assert (await run.work(), await run.resume(**BUY)) == ("Completed", "ABORT")
    assert (await run.work(), await deployed(fal, board).start()) == ("Completed", "Completed"), "nothing is asked"
    assert (bought(fal), len(approvals(fal, "by"))) == (2, 1)


async def test_a_board_that_changed_meanwhile_is_asked_about_again_and_the_old_answer_buys_nothing(fal):
    board = fal.board("Mara waits.", "The sea.")
    run = deployed(fal, board)
    await run.start()
    await run.resume(**BUY)
    board["scenes"][1] |= {"prompt": "The open sea."}
    assert (await run.work(), bought(fal)) == ("Suspended", 0)
    assert "- s02 prompt: The sea. in the plan, The open sea. now" in (await run.form())["text"]
    await run.resume(**BUY)
    assert (await run.work(), bought(fal)) == ("Completed", 2)


async def test_a_run_that_is_stopped_ends_in_a_state_of_that_name_and_asks_again_when_it_is_run_again(fal):
    board = fal.board("Mara waits.")
    run = deployed(fal, board)
    await run.start()
    await run.resume(**STOP)
    assert (await run.work(), bought(fal)) == ("Stopped", 0)
    assert isinstance(run.error, Stopped)
    assert str(run.error).startswith("Ada stopped the run; nothing was bought")
    assert (await deployed(fal, board).start(), bought(fal), approvals(fal, "by")) == ("Suspended", 0, [])


async def test_an_answer_that_cannot_be_carried_out_is_asked_for_again_with_the_reason(fal):
    run = deployed(fal, fal.board("Mara waits.", "The sea."))
    await run.start()
    await run.resume(**BUY | {"max_cost_usd": 2})
    assert (await run.work(), bought(fal)) == ("Suspended", 0)
    text = (await run.form())["text"]
    assert text.startswith("**Not done: it would cost $2.4192, and the budget is $2.00.** Nothing was bought.")
    await run.resume(**BUY | {"max_cost_usd": 2, "leave_out": ["s02"]})
    assert (await run.work(), bought(fal)) == ("Failed", 1)


async def test_scenes_that_are_left_out_and_those_that_need_them_are_failures_of_that_name_and_not_bought(fal):
    board = fal.board("Mara waits.", "The sea.", "Mara goes.")
    board["scenes"][1] |= {"continues": "s01"}
    run = deployed(fal, board)
    await run.start()
    await run.resume(**BUY | {"leave_out": ["s01"]})
    assert (await run.work(), bought(fal)) == ("Failed", 1)
    assert isinstance(run.error, SeriesFailed)
    assert [(each.scene, each.error, each.charged) for each in run.error.reel.failed] == [
        ("s01", "left out by Ada", False),
        ("s02", "it needs s01, which was left out by Ada", False),
    ]
    assert [clip.scene for clip in run.error.reel.clips] == ["s03"]
    assert (await run.work(), bought(fal)) == ("Failed", 1), "its own run does not ask again"
    assert await deployed(fal, board).start() == "Suspended", "another run asks about what was left out"


async def test_a_run_resumed_without_an_answer_asks_again(fal):
    run = deployed(fal, fal.board("Mara waits."))
    await run.start()
    assert (await run.work(), bought(fal)) == ("Suspended", 0)
    await run.resume(**BUY)
    assert (await run.work(), bought(fal)) == ("Completed", 1)


async def test_a_late_answer_buys_nothing_and_the_run_says_that_nobody_approved(fal):
    run = deployed(fal, fal.board("Mara waits."))
    await run.start()
    await run.outlive()
    assert (await run.resume(**BUY), bought(fal)) == ("REJECT", 0)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await end_unanswered(ledger(fal), now=later, client=get_client) == [str(run.id)]
    ended = await run.run()
    assert (ended.state_name, bought(fal)) == ("NotApproved", 0)
    assert ended.state.message.startswith("nobody approved this within 24 hours, and nothing was bought")
    assert await end_unanswered(ledger(fal), now=later, client=get_client) == []


async def test_a_run_that_still_waits_after_its_time_is_ended_and_one_in_time_is_left(fal):
    run = deployed(fal, fal.board("Mara waits."), approve_hours=2)
    await run.start()
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert (await end_unanswered(ledger(fal), now=soon), await run.state()) == ([], "Suspended")
    await end_unanswered(ledger(fal), now=soon + timedelta(hours=2))
    assert (await run.state(), await run.resume(**BUY), bought(fal)) == ("NotApproved", "ABORT", 0)


async def test_what_was_broken_off_goes_on_under_its_approval_and_buys_what_is_missing(fal):
    board = fal.board("Mara waits.", "The sea.")
    fal.fault("slow_render", seconds=3600)
    run = deployed(fal, board, poll_minutes=0.001)
    await run.start()
    await run.resume(**BUY)
    assert (await run.work(), bought(fal)) == ("Failed", 2)
    other = deployed(fal, board, poll_minutes=0.001)
    assert (await other.start(), bought(fal), len(approvals(fal, "by"))) == ("Failed", 2, 1), "nothing is asked"


async def test_the_form_of_the_takes_picks_renders_again_with_a_note_and_then_asks_about_the_new_take(fal):
    board = fal.board("Mara waits.", "The sea.")
    await fal.counted(board)  # takes that are rendered at once are numbered in the order in which they are stored
    board["scenes"][0]["takes"] = 2
    run = deployed(fal, board, approve="takes")
    assert (await run.start(), bought(fal)) == ("Suspended", 3)
    form = await run.form()
    assert form["properties"]["take_s01"]["enum"] == ["take 1", "take 2"]
    assert form["properties"]["take_s01"]["default"] == "take 2"
    assert [*form["properties"]] == ["decision", "take_s01", "again", "note", "max_cost_usd", "by"]
    assert "](data:image/jpeg;base64," in form["text"]
    await run.resume(**BUY, take_s01="take 1", again=["s02"], note="At night.")
    assert (await run.work(), bought(fal)) == ("Suspended", 4)
    assert fal.submitted()[-1]["prompt"].endswith("The sea.\nAt night.")
    shown = (await run.form())["properties"]
    assert (shown["take_s01"]["default"], shown["take_s02"]["default"]) == ("take 1", "take 2")
    await run.resume(**BUY, take_s01="take 1", take_s02="take 2")
    assert (await run.work(), bought(fal)) == ("Completed", 4)
    choices = ledger(fal).choices("the-lighthouse")
    assert [(each.kind, each.scene, each.by) for each in choices] == [
        ("picked", "s01", "Ada"),
        ("asked", "s02", "Ada"),
        ("carried out", "s02", choices[-1].by),
    ]
    assert (await deployed(fal, board, approve="takes").start(), bought(fal)) == ("Completed", 4), "nothing is asked"


async def test_without_a_deployment_and_a_server_nobody_could_answer_and_the_error_says_what_to_do(fal):
    with pytest.raises(ValueError, match=r"^approve needs somebody who can answer, and nothing was bought"):
        await fal.render(fal.board("Mara waits."), approve="plan")
    assert bought(fal) == 0


async def test_without_a_deployment_the_run_is_paused_and_ends_if_nobody_answers(fal, engine):
    with (
        temporary_settings({PREFECT_API_URL: engine}),
        pytest.raises(NotApproved, match=r"^nobody approved this within"),
    ):
        await fal.render(fal.board("Mara waits."), approve="plan", approve_hours=0.0001)
    assert bought(fal) == 0


async def test_a_paused_run_is_answered_in_the_same_form_and_its_process_goes_on(fal, engine):
    with temporary_settings({PREFECT_API_URL: engine}):
        rendering = asyncio.create_task(fal.render(fal.board("Mara waits.", title="Paused here"), approve="plan"))
        async with get_client() as client:
            chosen = FlowRunFilter(name=FlowRunFilterName(any_=["Paused here"]))
            while not await _accepted(client, chosen):
                assert not rendering.done()
        reel = await rendering
    assert (len(reel.clips), bought(fal)) == (1, 1)


async def _accepted(client, chosen):
    """Answer as soon as the form is there."""
    for run in await client.read_flow_runs(flow_run_filter=chosen):
        return (await client.resume_flow_run(run.id, run_input=BUY)).status.value == "ACCEPT"
    return False


async def test_whoever_calls_the_flow_may_ask_in_their_own_way(fal):
    asked = []

    async def ask(question):
        asked.append((question.scenes, question.usd, question.reasons))
        return Answer(decision="approve", by="Ada", max_cost_usd=2 if len(asked) == 1 else 9)

    with asked_by(ask):
        _, count = await fal.counted(fal.board("Mara waits.", "The sea."), approve="plan")
    scenes, usd = ("s01", "s02"), 2.4192
    why = ("it would cost $2.4192, and the budget is $2.00",)
    assert (count, asked) == (2, [(scenes, usd, ()), (scenes, usd, why)])


async def test_what_could_not_be_bought_is_bought_later_under_the_same_approval_and_its_budget(fal):
    board = fal.board("Mara waits.", "The sea.")

    async def ask(question):
        return Answer(decision="approve", by="Ada", max_cost_usd=question.usd)

    fal.fault("refused_4xx", match={"prompt": "sea"}, status=422)
    with asked_by(ask):
        reel, count = await fal.counted(board, approve="plan")
    assert (count, [each.scene for each in reel.failed]) == (1, ["s02"])
    fal.behave()
    with asked_by(_nobody):
        reel, count = await fal.counted(board, approve="plan")
    assert (count, reel.failed) == (1, ())


async def _nobody(question):
    raise AssertionError(f"asked again about {question.hash}")
