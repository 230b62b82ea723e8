"""Whatever goes wrong at a gateway: nothing is bought twice by itself, and what was bought is not lost."""

import pytest

from prefect_storyboard.providers.errors import OutOfCredit, Unauthorized
from tests.flows.gateways import GATEWAYS, opened

LISTS, NO_LISTS = ("fal", "wavespeed"), ("kie", "toapis")
NEW = GATEWAYS[1:]  # what fal's keys do is told elsewhere
ALIVE = "seedance-2"


@pytest.fixture
def gateway():
    """Each test says which."""
    raise NotImplementedError


@pytest.fixture
def studio(engine, tmp_path, gateway):
    with opened(gateway, ALIVE, tmp_path) as studio:
        yield studio


def lose_two_replies(studio):
    """Both jobs are accepted: one reply never comes, the other is a proxy's page."""
    studio.fault("drop_after", match={"route": "submit", "prompt": "storm"}, times=1)
    studio.fault("nginx_502", match={"route": "submit", "prompt": "fog"}, times=1, accept=True)


@pytest.mark.parametrize("gateway", LISTS)
async def test_a_lost_reply_is_found_in_the_gateways_list_and_its_job_is_picked_up(studio):
    lose_two_replies(studio)
    reel, bought = await studio.counted(studio.board("The storm.", "The fog.", "The sea."))
    assert ([clip.scene for clip in reel.clips], bought) == (["s01", "s02", "s03"], 3)
    assert (studio.meter()["posts"], studio.meter()["duplicates"]) == (3, [])
    assert len({clip.request_id for clip in reel.clips}) == 3


@pytest.mark.parametrize(
    ("gateway", "asked_before", "place"), [("fal", 0, "by-endpoint"), ("wavespeed", 2, "predictions")]
)
async def test_a_list_that_lags_behind_is_asked_again(studio, asked_before, place):
    studio.fault("list_lags", match={"route": "platform"}, after=asked_before, times=1, seconds=3600)
    studio.fault("drop_after", match={"route": "submit"}, times=1)
    reel, bought = await studio.counted(studio.board("The storm."))
    assert (len(reel.clips), bought, studio.meter()["posts"]) == (1, 1, 1)
    asked = [request["path"] for request in studio.requests("platform")]
    assert sum(path.endswith(f"/{place}") for path in asked) == 2, asked


@pytest.mark.parametrize("gateway", NO_LISTS)
async def test_where_no_list_can_be_asked_a_lost_scene_stops_until_the_user_says_resubmit(studio, gateway):
    lose_two_replies(studio)
    board = studio.board("The storm.", "The fog.", "The sea.")
    reel, bought = await studio.counted(board)
    assert ([clip.scene for clip in reel.clips], bought) == (["s03"], 3)
    for scene in reel.failed:
        assert f"{gateway} has no list of requests to search" in scene.error
        assert (scene.charged, "on_unknown='resubmit'" in scene.remedy) == (None, True)
    again, bought = await studio.counted(board)
    assert ([scene.scene for scene in again.failed], bought) == (["s01", "s02"], 0)
    assert f"{gateway} has no list" in again.failed[0].error
    whole, bought = await studio.counted(board, on_unknown="resubmit")
    assert (len(whole.clips), bought) == (3, 2)
    assert [order["jobs"] for order in studio.meter()["duplicates"]] == [2, 2], "the user's own word, and no more"


@pytest.mark.parametrize(("gateway", "model"), [("kie", "sora-2"), ("toapis", "sora-2-vvip")])
async def test_a_lost_character_stops_its_own_scenes_and_is_not_created_again_by_itself(studio, gateway, model):
    studio.fault("drop_after", match={"route": "submit", "endpoint": "character"}, times=1)
    board = studio.board("Mara waits.", "Otto waits.", model=model)
    reel, bought = await studio.counted(board)
    assert (len(reel.clips), bought) == (1, 3)
    (failed,) = reel.failed
    assert "could not be created: " in failed.error
    assert f"{gateway} has no list" in failed.error
    assert (await studio.counted(board))[1] == 0
    whole, bought = await studio.counted(board, on_unknown="resubmit")
    assert (len(whole.clips), bought, studio.bought()) == (2, 2, (3, 2))


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_too_many_requests_are_waited_out_and_bought_once(studio):
    studio.fault("rate_limited", match={"route": "submit"}, times=1, retry_after=0.2)
    reel, bought = await studio.counted(studio.board("The storm.", "The sea."))
    assert (len(reel.clips), bought) == (2, 2)
    assert (studio.meter()["posts"], studio.meter()["duplicates"]) == (3, [])


@pytest.mark.parametrize(
    ("gateway", "fault"),
    [("fal", "not_found"), ("kie", "record_null"), ("toapis", "not_found"), ("wavespeed", "not_found")],
)
async def test_a_job_that_the_gateway_does_not_know_yet_is_waited_for(studio, fault):
    studio.fault(fault, match={"route": "status"}, times=1)
    reel, bought = await studio.counted(studio.board("The sea."))
    assert (len(reel.clips), bought) == (1, 1)


FAILURES = {  # the fault, and whether it was charged
    "fal": ({"fault": "no_media"}, False),
    "kie": ({"fault": "task_failed"}, None),
    "wavespeed": ({"fault": "task_failed", "status": 1403}, False),
}


@pytest.mark.parametrize("gateway", FAILURES)
async def test_a_failed_job_is_named_and_bought_again_as_often_as_the_user_allows(studio, gateway):
    fault, charged = FAILURES[gateway]
    studio.fault(**fault, times=1)
    board = studio.board("The wreck.")
    reel, _ = await studio.counted(board)
    assert (reel.clips, reel.failed[0].scene, reel.failed[0].charged) == ((), "s01", charged)
    assert "increase its take" in reel.failed[0].remedy
    again, bought = await studio.counted(board)
    assert (again.failed[0].error, bought) == (f"{reel.failed[0].error} (from an earlier run)", 0)
    whole, bought = await studio.counted(board, attempts=2)
    assert (len(whole.clips), bought) == (1, 1)


@pytest.mark.parametrize("gateway", ["toapis", "wavespeed"])
async def test_a_failure_that_is_refunded_and_may_pass_is_tried_by_the_next_run(studio, gateway):
    studio.fault("task_failed", times=1, message="the server is overloaded, please retry")
    reel, _ = await studio.counted(studio.board("The sea."))
    assert reel.failed[0].charged is False
    assert "run it again" in reel.failed[0].remedy
    reel, bought = await studio.counted(studio.board("The sea."))
    assert (len(reel.clips), bought) == (1, 1)


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_what_moderation_refuses_is_called_so_and_is_not_sent_again(studio, gateway):
    studio.fault("policy_refusal", match={"prompt": "knife"})
    board = studio.board("A knife.", "The sea.")
    reel, bought = await studio.counted(board)
    assert ([clip.scene for clip in reel.clips], bought) == (["s02"], 2)
    (refused,) = reel.failed
    assert "moderation refused" in refused.error
    assert (refused.charged, "Change the prompt" in refused.remedy) == (None if gateway == "kie" else False, True)
    again, bought = await studio.counted(board)
    assert ("moderation refused" in again.failed[0].error, bought) == (True, 0)


@pytest.mark.parametrize("gateway", NEW)
@pytest.mark.parametrize(
    ("key", "error", "remedy"), [("bad", Unauthorized, "Check the API key"), ("empty", OutOfCredit, "Top up")]
)
async def test_a_key_that_opens_nothing_is_one_clear_error_that_does_not_tell_it(studio, key, error, remedy, gateway):
    key = f"{'sk-' if gateway == 'toapis' else ''}{key}-0f-the-studio"
    with pytest.raises(error) as refused:
        await studio.counted(studio.board("The storm.", "The sea."), provider=studio.credentials(key))
    assert remedy in refused.value.remedy
    assert key not in f"{refused.value!r} {refused.value.raw}"
    assert studio.bought() == (0, 0)
