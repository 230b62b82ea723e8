"""A run that draws, asks which stills its clips begin with, and buys motion after that; the meter is the judge."""

import pytest

from prefect_storyboard.blocks import Library
from prefect_storyboard.flows import SeriesFailed
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.series.asking import asked_by
from prefect_storyboard.storyboards.approval import Answer
from tests.flows.deployed import Deployed
from tests.flows.gateways import opened
from tests.flows.test_stills import bought, harbour, rendered

BUY = {"decision": "approve", "by": "Ada", "max_cost_usd": 9.0}
STOP = {"decision": "stop", "by": "Ada"}


@pytest.fixture
def shop(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path, scale=0.5) as branch:
        yield branch


def pair(shop, **facts):
    """Two scenes with a still each, and none that waits for a clip."""
    board = harbour(shop, **facts)
    return board | {"scenes": board["scenes"][:2]}


def deployed(shop, board, **facts):
    shelf = Library(url=shop.library, media_roots=[str((shop.clips / "otto.mp4").resolve().parent)])
    given = {"storyboard": board, "provider": shop.credentials(), "library": shelf, "approve": "stills", **facts}
    return Deployed(given)


def approvals(shop, *names):
    found = Ledger(open_storage(shop.library)).approvals("harbour")
    return [tuple(getattr(each, name) for name in names) for each in found if each.kind == "stills"]


async def test_the_pictures_are_drawn_then_it_asks_and_then_it_buys_motion(shop):
    run = deployed(shop, pair(shop))
    assert (await run.start(), bought(shop)) == ("Suspended", (6, 0)), "four sheets and two stills"
    form = await run.form()
    assert [*form["properties"]] == ["decision", "again", "note", "max_cost_usd", "leave_out", "by"]
    assert form["required"] == ["decision", "by"], "an empty answer approves nothing"
    assert form["properties"]["again"]["items"]["enum"] == ["s01", "s02"]
    assert "**Harbour: motion of 2 scenes for $2.4192; the pictures were $0.48**" in form["text"]
    assert "](data:image/jpeg;base64," in form["text"]
    assert await run.resume() == "REJECT"
    assert await run.resume(**BUY) == "ACCEPT"
    assert (await run.work(), bought(shop)) == ("Completed", (6, 2))
    assert approvals(shop, "by", "max_cost_usd", "run") == [("Ada", 9.0, str(run.id))]
    assert (await deployed(shop, pair(shop)).start(), bought(shop)) == ("Completed", (6, 2)), "nothing is asked"


async def test_a_still_is_drawn_again_with_a_note_and_then_another_one_is_chosen(shop):
    run = deployed(shop, pair(shop))
    await run.start()
    await run.resume(**BUY, again=["s01"], note="From above.", leave_out=["s02"])
    assert (await run.work(), bought(shop)) == ("Suspended", (7, 0))
    assert "From above." in shop.submitted()[-1]["prompt"]
    form = await run.form()
    assert form["properties"]["take_s01"]["default"] == "take 2"
    assert form["properties"]["leave_out"]["default"] == ["s02"], "what was said before is proposed"
    await run.resume(**BUY, take_s01="take 1", leave_out=[])
    assert (await run.work(), bought(shop)) == ("Completed", (7, 2))
    ledger = Ledger(open_storage(shop.library))
    first, second = ledger.take_keys("harbour", "s01", "stills")
    clip = ledger.history(ledger.take_keys("harbour", "s01")[0])[0]
    assert clip.intent.draft.parent_key == first != second, "the clip begins with the still that was chosen"


async def test_a_still_that_goes_on_from_a_clip_is_asked_about_once_that_is_rendered(shop):
    run = deployed(shop, harbour(shop))
    assert (await run.start(), bought(shop)) == ("Suspended", (6, 0))
    assert "- s03 still is drawn, and asked about, once s01 is rendered" in (await run.form())["text"]
    await run.resume(**BUY)
    assert (await run.work(), bought(shop)) == ("Suspended", (7, 2))
    form = await run.form()
    assert form["properties"]["leave_out"]["items"]["const"] == "s03"
    await run.resume(**BUY)
    assert (await run.work(), bought(shop)) == ("Completed", (7, 3))


async def test_scenes_that_are_left_out_and_those_that_need_them_are_not_bought(shop):
    run = deployed(shop, harbour(shop))
    await run.start()
    await run.resume(**BUY, leave_out=["s01"])
    assert (await run.work(), bought(shop)) == ("Failed", (6, 1))
    assert isinstance(run.error, SeriesFailed)
    assert [(each.scene, each.error) for each in run.error.reel.failed] == [
        ("s01", "left out by Ada"),
        ("s03", "its still could not be drawn, because what it goes on from is missing"),
    ]
    assert (await run.work(), bought(shop)) == ("Failed", (6, 1)), "its own run does not ask again"
    assert await deployed(shop, harbour(shop)).start() == "Suspended", "another run asks about what was left out"


async def test_late_double_and_changed_answers_buy_nothing(shop):
    board = pair(shop)
    run = deployed(shop, board)
    await run.start()
    assert [await run.resume(**BUY), await run.resume(**BUY)] == ["ACCEPT", "ABORT"]
    board["scenes"][0] |= {"motion": "She runs."}
    assert (await run.work(), bought(shop)) == ("Suspended", (6, 0)), "the plan is another one"
    await run.resume(**BUY | {"max_cost_usd": 1.0})
    assert (await run.work(), bought(shop)) == ("Suspended", (6, 0))
    assert (await run.form())["text"].startswith("**Not done: it would cost $2.4192, and the budget is $1.00.**")
    await run.resume(**BUY)
    assert (await run.work(), await run.work()) == ("Completed", "Completed")
    assert bought(shop) == (6, 2)
    late = deployed(shop, pair(shop, title="Late"))
    await late.start()
    await late.outlive()
    before = bought(shop)
    assert (await late.resume(**BUY), bought(shop)) == ("REJECT", before)


async def test_a_run_that_is_stopped_has_bought_pictures_only(shop):
    run = deployed(shop, pair(shop))
    await run.start()
    await run.resume(**STOP)
    assert (await run.work(), bought(shop)) == ("Stopped", (6, 0))
    assert str(run.error) == "Ada stopped the run; nothing was bought after that"


async def test_what_was_broken_off_goes_on_under_its_approval(shop):
    board = pair(shop)
    run = deployed(shop, board)
    await run.start()
    shop.fault("refused_4xx", match={"prompt": "Otto"}, status=422)
    await run.resume(**BUY)
    assert (await run.work(), bought(shop)) == ("Failed", (6, 1))
    shop.behave()
    assert (await deployed(shop, board).start(), bought(shop)) == ("Completed", (6, 2)), "nothing is asked"


async def test_a_still_that_could_not_be_drawn_buys_no_clip(shop):
    shop.fault("refused_4xx", match={"prompt": "calls Otto"}, status=422)
    run = deployed(shop, pair(shop))
    assert (await run.start(), bought(shop)[1]) == ("Suspended", 0)
    assert "s02 still could not be drawn" in (await run.form())["text"]
    shop.behave()
    shop.fault("refused_4xx", match={"prompt": "calls Otto"}, status=422)
    await run.resume(**BUY)
    assert (await run.work(), bought(shop)[1]) == ("Failed", 1)
    assert [each.scene for each in run.error.reel.failed] == ["s02"]


async def test_yes_spends_no_more_than_the_budget_with_the_pictures_in_it(shop):
    asked = []

    async def agree(question):
        asked.append(question.max_cost_usd)
        return Answer(decision="approve", by="Ada", max_cost_usd=question.max_cost_usd)

    with asked_by(agree):
        _, counted = await rendered(shop, pair(shop), approve="stills", max_cost_usd=3.0)
    assert (counted, asked) == ((6, 2), [2.52])


async def test_pictures_over_the_budget_are_not_drawn(shop):
    with asked_by(_nobody), pytest.raises(OverBudget):
        await rendered(shop, pair(shop), approve="stills", max_cost_usd=0.1)
    assert bought(shop) == (0, 0)


async def test_a_storyboard_without_stills_says_so_and_buys_nothing(shop):
    with asked_by(_nobody), pytest.raises(ValueError, match=r"^approve: no still is drawn for this storyboard"):
        await rendered(shop, shop.board("Mara waits."), approve="stills")
    assert bought(shop) == (0, 0)


async def test_takes_of_clips_that_begin_with_stills_are_asked_about_as_well(shop):
    run = deployed(shop, pair(shop), approve="takes")
    assert (await run.start(), bought(shop)) == ("Suspended", (6, 2))
    await run.resume(**BUY, again=["s01"])
    assert (await run.work(), bought(shop)) == ("Suspended", (6, 3))


async def _nobody(question):
    raise AssertionError(f"asked about {question.hash}")
