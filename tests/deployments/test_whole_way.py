"""The whole way of a reel: approve, render, look, pick, render again, edit, see what is stale, export, run once more.

Every step is killed on the way, and done again. Pictures go to test-artifacts/.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import opentimelineio as otio
import pytest
import yaml
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from prefect_storyboard.jobs.settle import jobs
from prefect_storyboard.ledger import Ledger, open_storage
from prefect_storyboard.series.looking import looked_up, takes_of
from prefect_storyboard.series.status import SceneStatus
from prefect_storyboard.series.takes import TakeLine

from .studio_server import ACCOUNT, BIN, StudioServer, wait_for
from .test_approved import DIALOG, open_form, select, send, waits, write
from .test_ui import Ui, logos, ui  # noqa: F401 - fixtures

TITLE, SLUG = "Night ferry", "night-ferry"
SCENES = {
    "s01": "Mara waits on the quay.",
    "s02": "she steps on board.",
    "s03": "the ferry turns.",
    "s04": "its lamps go out.",
    "s05": "it rains.",
    "s06": "Mara sees the other shore.",
}
PRICE = 0.9676  # of four seconds of any of them


@dataclass
class Way:
    """A board in a file, what a person types about it, and what they have approved of until now."""

    studio: StudioServer
    approved: list[float] = field(default_factory=list)
    jobs: int = 0

    @property
    def path(self) -> Path:
        return self.studio.folder / "night-ferry.yaml"

    @property
    def ledger(self) -> Ledger:
        return Ledger(open_storage(self.studio.library(TITLE)))

    def write(self, **prompts: str) -> None:
        scenes = [
            {"id": name, "prompt": f"{TITLE}: {prompt}", "caption": f"Caption of {name}"}
            for name, prompt in (SCENES | prompts).items()
        ]
        scenes[1]["continues"], scenes[2]["takes"] = "s01", 2
        cast = [{"name": "Mara", "clip": "mara.mp4"}]
        board = {"title": TITLE, "model": "seedance-2-fast", "aspect": "16:9", "cast": cast, "scenes": scenes}
        self.path.write_text(yaml.safe_dump(board))

    async def run(self, approve: str) -> UUID:
        return await self.studio.start(TITLE, str(self.path), provider=ACCOUNT, approve=approve, max_cost_usd=30.0)

    async def waits(self, approve: str) -> UUID:
        """A run that asks, and waits for the answer."""
        run = await self.run(approve)
        await waits(self.studio, run)
        return run

    async def completes(self, run: UUID) -> None:
        ended = await self.studio.reaches(run, "Completed", "Failed", "Crashed", "Suspended", seconds=240)
        assert ended.state_name == "Completed", ended.state.message

    async def killed_run(self, run: UUID, moment: Callable[[], object]) -> None:
        """Kill the processes of a run when the moment has come."""
        wait_for(moment, 120, "the moment to kill the run")
        for process in self.studio.processes(run):
            os.kill(process, signal.SIGKILL)
        await self.studio.reaches(run, "Crashed", seconds=120)

    def approve(self, usd: float, *, jobs: int) -> None:
        self.approved.append(usd)
        self.jobs += jobs

    def command(self, name: str, *words: str) -> list[str]:
        library = ("--provider", ACCOUNT, "--library", self.studio.library(TITLE))
        return [str(BIN / "storyboard"), name, str(self.path), *words, *library]

    def type(self, name: str, *words: str) -> str:
        """A command, as a person types it, to its end."""
        return self.studio.run(*self.command(name, *words))

    @contextmanager
    def begun(self, name: str, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """A command that is killed at the end of the `with` block, and the file of what it prints."""
        said = self.studio.folder / f"{name}.said"
        with (
            said.open("w") as log,
            subprocess.Popen(
                self.command(name, *words), env=self.studio.env, cwd=self.studio.folder, stdout=log, stderr=log
            ) as process,
        ):
            try:
                yield process, said
            finally:
                process.kill()
        assert process.returncode == -signal.SIGKILL, said.read_text()

    def killed(self, moment: Callable[[], object], name: str, *words: str) -> None:
        """Begin a command, and kill it when the moment has come."""
        with self.begun(name, *words) as (process, _):
            wait_for(lambda: moment() or process.poll() is not None, 120, f"the moment to kill {name}")

    def submits(self) -> int:
        return len(self.studio.submits(TITLE))

    def renders_the_first_six(self) -> bool:
        """All jobs that wait for no other one are bought, and each is on record: a lost answer has tests of its own."""
        return self.submits() >= 6 and all(each.request_id for each in jobs(self.ledger))

    def has_picked_the_second(self) -> bool:
        return [each.take for each in self.ledger.choices(SLUG) if each.kind == "picked"][-1:] == [2]

    async def status(self) -> dict[str, SceneStatus]:
        found = await looked_up(str(self.path), ACCOUNT, self.studio.library(TITLE))
        return {each.scene: each for each in found}

    async def takes(self) -> tuple[TakeLine, ...]:
        return await takes_of(str(self.path), ACCOUNT, self.studio.library(TITLE))

    async def shown(self) -> dict[str, int]:
        return {each.scene: each.take for each in await self.takes() if each.shown}

    async def check(self) -> None:
        """The meter has billed what was approved; each bill is a clip of the library, and no job is open."""
        meter = self.studio.meter(TITLE)
        billed = {bill["request_id"]: bill["usd"] for bill in meter["billed"]}
        assert (meter["jobs"], len(meter["billed"]), meter["leaks"]) == (self.jobs, self.jobs, 0)
        assert round(sum(billed.values()), 4) == round(sum(self.approved), 4)
        assert jobs(self.ledger) == []
        clips = [each.clip for each in await self.takes() if each.clip]
        assert {clip.request_id: clip.cost_usd for clip in clips} == billed
        assert all(Path(clip.url).is_file() for clip in clips)


async def test_a_reel_from_its_approval_to_the_editor_is_billed_as_approved_and_kills_change_nothing(
    studio,
    ui,  # noqa: F811
):
    way = Way(studio)
    way.write()
    await _approve_and_render(way, ui)
    await way.check()
    await _look(way, ui)
    await way.check()
    assert ui.complaints() == ""
    await _pick(way, ui)
    ui.complaints()  # of the page whose server was killed
    await way.check()
    await _render_again(way)
    await way.check()
    await _edit(way)
    await way.check()
    await _export(way)
    await way.check()
    await _run_once_more(way, ui)
    await way.check()
    assert ui.complaints() == ""


async def _approve_and_render(way: Way, page: Ui) -> None:
    """The plan is approved in the form, its run is killed while it renders, and the next run goes on without asking."""
    way.studio.fault("slow_render", TITLE, seconds=6)
    run = await way.waits("plan")
    assert way.submits() == 0
    open_form(page, run)
    page.shoot("way-plan")
    way.approve(asked_for(page), jobs=7)
    answer(page)
    await way.killed_run(run, way.renders_the_first_six)
    await way.completes(await way.run("plan"))
    assert (await way.shown()).keys() == SCENES.keys()


async def _look(way: Way, page: Ui) -> None:
    """The takes are looked at in the form, and take 1 of s03 is chosen; the run is killed when that is on record."""
    run = await way.waits("takes")
    open_form(page, run)
    page.shoot("way-takes")
    select(page, "s03: which take", "take 1")
    answer(page)
    await way.killed_run(run, lambda: [each for each in way.ledger.approvals(SLUG) if each.kind == "takes"])
    await way.completes(await way.run("takes"))
    assert (await way.shown())["s03"] == 1


async def _pick(way: Way, page: Ui) -> None:
    """Take 2 of s03 is picked on the page with a key; its server is killed before it answers, and asked again."""
    with way.begun("page") as (_, said):
        press_two(page, address(said))
        wait_for(way.has_picked_the_second, 120, "the choice on record")
    assert (await way.shown())["s03"] == 2
    with way.begun("page") as (_, said):
        press_two(page, address(said))
        page.see("//*[starts-with(., 's03 shows take 2')]", 240)
        page.shoot("way-page")
    assert (await way.shown())["s03"] == 2


def address(said: Path) -> str:
    """Where the page is served."""
    found = wait_for(lambda: re.search(r"page ready (\S+)", said.read_text()), 120, "the page")
    return str(found[1])


def press_two(page: Ui, url: str) -> None:
    page.browser.get(url)
    page.see("//*[@data-scene='s03']")
    ActionChains(page.browser).send_keys(Keys.ARROW_DOWN * 3, "2").perform()


async def _render_again(way: Way) -> None:
    """The order of s05 is killed after its POST, and the same words are the same order."""
    price = (await way.status())["s05"].usd
    words = ("s05", "--note", "Heavier.", "--max-cost", str(price))
    way.approve(price, jobs=1)
    way.studio.fault("slow", "Heavier.", seconds=10, times=1)
    way.killed(lambda: way.submits() == way.jobs, "reroll", *words)
    way.type("reroll", *words)
    assert (await way.shown()) == dict.fromkeys(SCENES, 1) | {"s03": 2, "s05": 2}


async def _edit(way: Way) -> None:
    """Another prompt of s01 makes it and what continues it stale, and buys nothing."""
    way.write(s01="Mara runs along the quay.")
    for scene, each in (await way.status()).items():
        assert (each.state == "stale") is (scene in {"s01", "s02"}), each
        assert each.usd == PRICE, each


async def _export(way: Way) -> None:
    for to in ("otio", "srt"):
        way.type("export", "--to", to, "-o", f"cut.{to}")
    cut = otio.adapters.read_from_file(str(way.studio.folder / "cut.otio"))
    (track,) = cut.video_tracks()
    urls = [Path(unquote(each.media_reference.target_url)) for each in track]
    assert {each.parent.name: each.stem for each in urls} == {
        scene: f"take-{number:03}" for scene, number in (await way.shown()).items()
    }
    assert all((way.studio.folder / each).is_file() for each in urls)
    captions = (way.studio.folder / "cut.srt").read_text(encoding="utf-8")
    assert re.findall("Caption of (s..)", captions) == list(SCENES)


async def _run_once_more(way: Way, page: Ui) -> None:
    """The edited scene is approved and bought; the one that continues it is kept, as stale."""
    run = await way.waits("plan")
    open_form(page, run)
    page.shoot("way-edited")
    way.approve(asked_for(page), jobs=1)
    assert way.approved[-1] == PRICE
    way.studio.fault("slow", "runs along", seconds=10, times=1)
    answer(page)
    await way.killed_run(run, lambda: way.submits() == way.jobs)
    await way.completes(await way.run("plan"))
    assert (await way.shown()) == dict.fromkeys(SCENES, 1) | {"s01": 2, "s03": 2, "s05": 2}
    assert [scene for scene, each in (await way.status()).items() if each.state != "current"] == ["s02"]


def asked_for(page: Ui) -> float:
    """What the form says that all of it costs."""
    return float(re.search(r"All of it costs \$(\d+\.\d+)", page.read(DIALOG))[1])


def answer(page: Ui) -> None:
    select(page, "Decision", "approve")
    write(page, "Your name", "Ada")
    send(page)


@pytest.fixture(autouse=True)
def _behaved(studio):
    yield
    studio._call("faults", method="DELETE")
