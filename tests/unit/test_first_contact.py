"""First contact: a board to start from, and a plan before there is a key."""

from datetime import UTC, datetime

import pytest
import yaml

from prefect_storyboard.blocks import account_to_plan_for
from prefect_storyboard.blocks.credentials import BY_PROVIDER
from prefect_storyboard.cli.init import next_steps, write
from prefect_storyboard.flows.plan import planned
from prefect_storyboard.providers.errors import NotSent
from prefect_storyboard.storyboards import Job

GATEWAYS = sorted(BY_PROVIDER)
JOB = Job(provider="", endpoint="sora-2", request_id="1", submitted_at=datetime.now(UTC))


@pytest.fixture
def board(tmp_path):
    return write(tmp_path / "new")


async def plan_of(board, gateway, tmp_path):
    return await planned(str(board), await account_to_plan_for(gateway, {}), str(tmp_path / "library"))


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_new_board_is_planned_at_every_gateway_without_a_key(board, gateway, tmp_path):
    plan = await plan_of(board, gateway, tmp_path)
    assert [scene.state for scene in plan.scenes] == ["new", "new"]
    assert [scene.characters for scene in plan.scenes] == [("Mara",), ("Mara",)]


async def test_a_plan_without_a_key_costs_what_the_table_says(board, tmp_path):
    plan = await plan_of(board, "fal", tmp_path)
    assert [scene.usd for scene in plan.scenes] == [scene.model.price("text", 4, "720p") for scene in plan.scenes]
    assert plan.scenes[0].usd


async def test_a_plan_with_a_key_uses_it():
    account = await account_to_plan_for("fal", {"FAL_KEY": "id:secret"})
    assert account.api_key.get_secret_value() == "id:secret"


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_an_account_without_a_key_asks_nothing(gateway):
    async with BY_PROVIDER[gateway].keyless().session() as session:
        with pytest.raises(NotSent, match="no API key is set"):
            await session.provider.status(JOB)


def test_a_board_that_is_there_is_left_alone(board):
    board.write_text("mine")
    with pytest.raises(ValueError, match="already exists"):
        write(board.parent)
    assert board.read_text() == "mine"


def test_the_next_steps_name_the_board_and_what_it_costs_nothing_to_try(board):
    assert f"storyboard plan {board} --provider fal" in next_steps(board)


def test_the_new_board_names_only_what_is_beside_it(board):
    facts = yaml.safe_load(board.read_text())
    assert all((board.parent / member["clip"]).is_file() for member in facts["cast"])
