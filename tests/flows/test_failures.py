"""One bad scene does not sink the reel, and the end of the run says what to do."""

from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.states import StateType

from prefect_storyboard.flows import SeriesFailed, storyboard_series
from prefect_storyboard.media.probe import probe
from prefect_storyboard.providers.errors import OutOfCredit, Retired, Unauthorized


async def test_a_refused_scene_costs_nothing_and_the_others_make_the_reel(studio):
    studio.fault("policy_refusal", match={"prompt": "knife"})
    board = studio.board("Mara finds a knife.", "Otto waits.", "The sea.", title="With A Knife")
    state = await storyboard_series(board, studio.credentials(), studio.library, return_state=True)
    assert (state.type, state.name) == (StateType.FAILED, "Failed")
    with pytest.raises(SeriesFailed) as failed:
        await state.aresult()
    reel = failed.value.reel
    assert [clip.scene for clip in reel.clips] == ["s02", "s03"]
    assert [(scene.scene, scene.charged) for scene in reel.failed] == [("s01", False)]
    assert "Change the prompt" in reel.failed[0].remedy
    assert probe(Path(reel.url)).seconds == pytest.approx(8, abs=0.2)
    lines = state.message.splitlines()
    assert lines[0] == "1 of 3 scenes failed; the other 2 are in the library."
    assert lines[1].startswith("  s01: ")
    assert "moderation" in lines[1]
    assert "Change the prompt" in lines[1]
    key = ArtifactFilter(key=ArtifactFilterKey(any_=["with-a-knife-failed"]))
    async with get_client() as client:
        (table,) = await client.read_artifacts(artifact_filter=key)
    assert "s01" in table.data
    assert "Change the prompt" in table.data


async def test_after_the_prompt_is_mended_one_clip_is_bought(studio):
    studio.fault("policy_refusal", match={"prompt": "knife"})
    board = studio.board("Mara finds a knife.", "Otto waits.")
    await studio.fails(board)
    again = await studio.fails(board)
    assert "moderation" in again.failed[0].error
    assert studio.bought() == (2, 2), "a refused prompt was sent a second time"
    board["scenes"][0]["prompt"] = "Mara finds a lamp."
    reel = await studio.render(board)
    assert (reel.bought, studio.bought()) == (1, (2, 3))


async def test_a_failure_that_was_not_charged_and_may_pass_is_tried_by_the_next_run(studio):
    studio.fault("infra_error", times=1)
    board = studio.board("The sea.")
    reel = await studio.fails(board)
    assert (reel.failed[0].charged, reel.failed[0].remedy) == (False, "It was not charged: run it again.")
    assert (await studio.render(board)).bought == 1


async def test_a_failure_for_good_is_bought_again_only_if_the_user_allows_it(studio):
    studio.fault("no_media", times=1)
    board = studio.board("The sea.")
    await studio.fails(board)
    await studio.fails(board)
    assert studio.bought() == (0, 1)
    assert (await studio.render(board, attempts=2)).bought == 1


async def test_a_refused_character_fails_its_scenes_by_name_and_no_others(studio):
    studio.fault("policy_refusal", match={"endpoint": "characters", "prompt": "Mara"})
    reel = await studio.fails(studio.board("Mara wakes.", "Otto waits.", "The sea."))
    assert [clip.scene for clip in reel.clips] == ["s02", "s03"]
    assert "Mara" in reel.failed[0].error, "the scene was not refused: its character was"
    assert "take" not in reel.failed[0].remedy, "a character has no takes"
    assert studio.bought() == (2, 2)


async def test_a_job_that_takes_too_long_stays_open_and_the_next_run_picks_it_up(studio):
    studio.fault("slow_render", seconds=2)
    board = studio.board("The sea.")
    reel = await studio.fails(board, poll_minutes=0.5 / 60)
    assert (reel.failed[0].charged, "Run again" in reel.failed[0].remedy) == (None, True)
    assert len((await studio.render(board)).clips) == 1
    assert studio.bought() == (0, 1)


@pytest.mark.parametrize(
    ("fault", "route"), [("drop_before", "status"), ("nginx_502", "result"), ("truncated", "download")]
)
async def test_a_broken_line_after_the_purchase_is_waited_out(studio, fault, route):
    studio.fault(fault, match={"route": route}, times=1)
    assert len((await studio.render(studio.board("The sea."))).clips) == 1
    assert studio.bought() == (0, 1)


async def test_a_submit_that_was_told_to_come_back_later_is_bought_once(studio):
    studio.fault("rate_limited", match={"route": "submit"}, times=2, retry_after=0.2)
    reel = await studio.render(studio.board("The sea.", "The shore."))
    assert (len(reel.clips), studio.bought()) == (2, (0, 2))


async def test_a_wrong_key_is_one_clear_error_and_buys_nothing(studio):
    with pytest.raises(Unauthorized, match="does not accept the key") as refused:
        await studio.render(studio.board("Mara wakes.", "The sea."), provider=studio.credentials("bad:key"))
    assert "Check the API key" in refused.value.remedy
    assert studio.bought() == (0, 0)


async def test_an_empty_account_is_one_clear_error_and_stops_the_other_scenes(studio):
    board = studio.board(*(f"Wave {number}." for number in range(12)))
    with pytest.raises(OutOfCredit, match="balance") as refused:
        await studio.render(board, provider=studio.credentials("empty:key", in_flight=1))
    assert "Top up" in refused.value.remedy
    assert studio.bought() == (0, 0)
    assert len(studio.requests("submit")) == 1, "who has no credit is not asked twelve times"


async def test_money_that_ends_in_the_middle_keeps_what_was_bought(studio):
    studio.fault("locked", match={"prompt": "Wave 2"})
    board = studio.board("Wave 1.", "Wave 2.", "Wave 3.")
    reel = await studio.fails(board, provider=studio.credentials(in_flight=1))
    assert [clip.scene for clip in reel.clips] == ["s01"]
    assert ["Top up" in scene.remedy for scene in reel.failed] == [True, True]
    studio.behave()
    assert (await studio.render(board)).bought == 2


async def test_a_model_that_the_provider_has_taken_down_is_refused_before_anything_is_bought(studio):
    studio.fault("deprecated", match={"route": "platform"})
    with pytest.raises(Retired, match="sora-2 is not sold any more") as retired:
        await studio.render(studio.board("Mara wakes."))
    assert "seedance-2" in retired.value.remedy
    assert studio.requests("submit") == []
    assert (await studio.render(studio.board("Mara wakes."), allow_retired=True)).bought == 2
