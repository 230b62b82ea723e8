"""Reference clips that last too long beside a scene are refused before anything is bought, by a plan and by a node."""

from pathlib import Path

import pytest

from prefect_storyboard.providers.errors import InvalidRequest
from prefect_storyboard.providers.table import model
from prefect_storyboard.series.preflight import judge_all
from prefect_storyboard.storyboards import Source, shots, validate
from prefect_storyboard.tasks import create_character, generate
from prefect_storyboard.tasks._references import CastMember
from tests.contract.shops import opened


def problems(seconds: int, folder: Path) -> list[tuple[tuple[str | int, ...], str]]:
    """What a plan says of a scene with two characters, each of whose clips is a part of an earlier scene."""
    names = ("Mara", "Otto")
    board = validate(
        {
            "title": "T",
            "model": "wan-3",
            "cast": [{"name": name, "from_scene": "s01", "reference": "clip"} for name in names],
            "scenes": [
                {"id": "s01", "prompt": "Two people.", "seconds": 10, "characters": []},
                {"id": "s02", "prompt": "Mara meets Otto.", "seconds": seconds},
            ],
        }
    )
    made = shots(board, lambda name: model("kie", name), Source("t"))
    cast = {who.name: CastMember(character=who, folder=folder) for who in board.cast}
    return judge_all(board, made, cast, {}, folder).problems


def test_a_plan_names_the_scene(tmp_path: Path) -> None:
    assert problems(20, tmp_path) == []
    ((place, text),) = problems(21, tmp_path)
    assert place == ("scenes", 1, "seconds")
    assert "its clips last 9.8 s: shorten the scene" in text


async def test_a_node_sends_nothing(tmp_path: Path) -> None:
    with opened("kie", tmp_path) as shop:
        clip = str(shop.folder / "mara.mp4")
        mara = await create_character.fn("Mara", clip, model="wan-3", reference="clip", **shop.on)
        with pytest.raises(InvalidRequest, match="takes 30 s of reference clips") as error:
            await generate.fn("Mara waves.", model="wan-3", seconds=30, characters=[mara], **shop.on)
        assert (error.value.field, error.value.sent, error.value.charged) == ("seconds", False, False)
        assert (shop.billed(), shop.requests()) == (0, [])
