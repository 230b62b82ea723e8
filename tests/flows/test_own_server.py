"""The fifth gateway: any server of the /v1/videos API, which is given files in forms and keeps its results behind a key."""

from pathlib import Path
from typing import Any

import pytest

from prefect_storyboard.flows import plan_storyboard
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.providers.openai.served import ServedModel
from tests.flows.gateways import Branch, opened

H3 = "MiniMaxAI/MiniMax-H3"  # as vLLM-Omni serves it; our table does not know it


@pytest.fixture(scope="module")
def server(engine, tmp_path_factory):
    with opened("openai", H3, tmp_path_factory.mktemp("server")) as branch:
        yield branch


def described(server: Branch, **facts: Any):
    """The account, whose operator says what the server renders."""
    return server.credentials(models={H3: ServedModel(dialect="vllm-omni", seconds=(4, 8), **facts)})


def alone(server: Branch, **facts: Any) -> dict[str, Any]:
    """One character in a scene, a scene that goes on from it, and one of nobody."""
    board = server.board("Mara winds the clockwork.", "She opens the door.", "Far out a boat turns.", **facts)
    board["scenes"][1] |= {"characters": ["Mara"], "continues": "s01"}
    board["cast"] = board["cast"][:1]
    return board


async def test_a_model_that_no_table_knows_is_a_reel_and_the_second_run_buys_nothing(server):
    board, account = alone(server, title="Own"), described(server, usd_per_second=0.0)
    reel, bought = await server.counted(board, provider=account)
    assert ([clip.scene for clip in reel.clips], bought, reel.cost_usd) == (["s01", "s02", "s03"], 3, 0)
    again, bought = await server.counted(board, provider=account)
    assert (bought, [clip.sha256 for clip in again.clips]) == (0, [clip.sha256 for clip in reel.clips])


async def test_a_character_and_a_frame_are_files_of_the_form_and_nothing_is_uploaded(server):
    await server.counted(alone(server, title="Own"), provider=described(server))
    first, second, third = sorted(server.submitted(), key=lambda body: body["prompt"][:3] == "Far")[:3]
    assert all(body["input_reference"].endswith((";image/png", ";image/jpeg")) for body in (first, second))
    assert "shows Mara" in first["prompt"]
    assert "input_reference" not in third
    assert {request["route"] for request in server.requests()} <= {"submit", "status", "result", "platform"}


async def test_an_unknown_price_is_told_and_a_budget_refuses_it(server):
    board = alone(server, title="Unpriced", style="ink")
    plan = await plan_storyboard.fn(board, described(server), server.library)
    assert [scene.usd for scene in plan.scenes] == [None, None, None]
    with pytest.raises(OverBudget):
        await server.counted(board, provider=described(server), max_cost_usd=5)


async def test_two_characters_have_no_room_in_one_picture(server):
    with pytest.raises(Exception, match="takes 1 characters a scene"):
        await plan_storyboard.fn(server.board("Mara and Otto wind the clockwork."), described(server), server.library)


async def test_a_board_without_a_model_is_told_what_the_servers_own_list_has(server):
    with pytest.raises(Exception, match=f"(?s)names no model.*{H3} +price unknown.*sora-2"):
        await plan_storyboard.fn(alone(server, model=None), server.credentials(), server.library)


async def test_no_file_of_the_library_holds_the_key(server):
    assert server.leaks() == []
    assert all("sk-" not in path.read_text() for path in Path(server.library).rglob("*.json"))
