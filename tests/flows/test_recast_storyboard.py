"""A series whose model ended moves to another one: told first, billed as told, and the old takes stay."""

from pathlib import Path

import pytest
import yaml

from prefect_storyboard.cli.recast import render
from prefect_storyboard.flows import recast_storyboard
from prefect_storyboard.flows.recast import recast_planned
from prefect_storyboard.sandbox.server import environment
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.gateways import opened

pytestmark = pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")


@pytest.fixture
def kie(engine, tmp_path):
    with opened("kie", "sora-2", tmp_path) as found:
        yield found


def board(branch):
    """Mara from a file, and a scene that names a model of its own."""
    made = branch.board("Mara rows a boat.", "She lands.", seconds=10)
    made["scenes"][1] |= {"model": "sora-2-pro", "characters": ["Mara"]}
    return made


async def moved(branch, made):
    return await recast_storyboard.fn(made, branch.credentials(), "seedance-2.5", branch.library)


async def test_it_is_told_and_billed_as_told_and_the_old_takes_stay(kie):
    old, _ = await kie.counted(board(kie))
    before = {clip.url: Path(clip.url).read_bytes() for clip in old.clips}
    told = await recast_planned(board(kie), kie.credentials(), "seedance-2.5", kie.library)
    assert [(change.before.usd, change.kept_take) for change in told.changes] == [
        (clip.cost_usd, 1) for clip in old.clips
    ]
    assert [change.before.characters["Mara"] for change in told.changes] == [
        clip.characters[0].mention for clip in old.clips
    ]
    spent = sum(bill["usd"] or 0 for bill in kie.meter()["billed"])
    new = await moved(kie, board(kie))
    bills = [bill["usd"] for bill in kie.meter()["billed"]]
    assert sum(each or 0 for each in bills) - spent == pytest.approx(sum(change.after.usd for change in told.changes))
    assert [(clip.model, clip.take) for clip in new.clips] == [("seedance-2.5", 2)] * 2
    assert {url: Path(url).read_bytes() for url in before} == before
    sent = [body["input"]["prompt"] for body in kie.submitted()[-2:]]
    assert sorted(sent) == sorted(change.after.prompt for change in told.changes)
    again = await moved(kie, board(kie))
    assert (again.bought, again.clips) == (0, new.clips)


async def test_a_cast_without_its_media_says_what_is_needed_and_buys_nothing(kie):
    await kie.counted(board(kie))
    jobs = kie.meter()["jobs_accepted"]
    lost = board(kie)
    lost["cast"][0]["clip"] = str(kie.folder / "gone.mp4")
    with pytest.raises(StoryboardError, match=r"seedance-2\.5 at kie is shown 1 to 3 pictures") as error:
        await moved(kie, lost)
    assert "this library has Mara as" in str(error.value)
    assert kie.meter()["jobs_accepted"] == jobs


async def test_the_command_line_renders_what_was_agreed_and_says_how_it_ended(kie, monkeypatch, capsys):
    for name, value in environment(kie.base).items():
        monkeypatch.setenv(name, value)
    path = kie.folder / "board.yaml"
    path.write_text(yaml.safe_dump(kie.board("A boat.", cast=[], seconds=10)))
    assert await render(str(path), "kie", "seedance-2.5", kie.library) == 0
    assert await render(str(path), "kie", "seedance-2.5", kie.library) == 0
    assert [order["endpoint"] for order in kie.meter()["orders"]] == ["bytedance/seedance-2-5"]
    assert "again  $0.00: everything is in the library" in capsys.readouterr().out
