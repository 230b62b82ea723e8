"""The Prefect UI as a person uses it: fill the form, watch the run, look at what it leaves. Pictures go to test-artifacts/."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockTypeUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName, LogFilter, LogFilterFlowRunId
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from prefect_storyboard.blocks import FalCredentials, Library, RenderSettings
from tests.browser import picture

from .studio_server import KEY, ROOT

SERIES = "storyboard-series/series"
TITLES = """\
Storyboard
Provider
Library (Optional)
Model (Optional)
Max cost in USD (Optional)
Quality (Optional)
Values (Optional)
Render settings (Optional)""".splitlines()
BEACON = """\
title: Beacon
scenes:
  - id: s01
    prompt: "Beacon: the lamp is lit."
  - id: s02
    prompt: "Beacon: its light goes round."
"""
# Prefect's own: its icons, its pictures of states, its statistics, a renderer without a graphics card, the task that it
# looks for on the page of a flow's artifact, and SQLite's refusal under load, after which `submit` tries again.
NOT_OURS = (
    *("/favicon", ".svg", "amplitude.com", "Amplitude", "WebGL", "vendor-pixi", "flow-run-graph"),
    *("/api/task_runs/filter", "status of 503", "Unknown error while creating flow run"),
)
BUSY = (NoSuchElementException, StaleElementReferenceException, ElementClickInterceptedException)
MISTYPED = "title: Fog\nscenes:\n  - id: s01\n    promt: It is grey.\n"


@dataclass
class Ui:
    """What a person does with a page: look, click, type. Everything is waited for."""

    browser: Chrome
    base: str

    def open(self, path: str) -> None:
        self.browser.get(f"{self.base}/v2/{path}")

    def see(self, path: str, seconds: float = 120) -> WebElement:
        return self._wait(seconds).until(lambda page: page.find_element(By.XPATH, path), path)

    def read(self, path: str, attribute: str = "innerText") -> str:
        """Looked up and read in one step: what was found a moment ago may have been drawn anew."""
        return str(self._wait(120).until(lambda page: page.find_element(By.XPATH, path).get_attribute(attribute), path))

    def click(self, path: str) -> None:
        """Click, also where the page is just being drawn anew."""

        def clicked(page: Chrome) -> bool:
            page.find_element(By.XPATH, path).click()
            return True

        self._wait(120).until(clicked, path)

    def choose(self, label: str, option: str) -> None:
        self.click(f"//button[@aria-label='{label}' and starts-with(., 'Select')]")
        self.click(f"//*[@role='option'][.='{option}']")

    def tab(self, name: str) -> None:
        self.click(f"//*[@role='tab'][.='{name}']")

    def type(self, text: str) -> None:
        """Into the first field."""
        self.see("(//form//textarea)[1]").send_keys(text)

    def submit(self) -> str:
        """Press until the server has taken it: with SQLite under load it asks to try again. The path of the run."""
        link, toast = "//a[contains(@href, '/runs/flow-run/')]", "//*[@data-sonner-toast]"
        while True:
            # Not with the mouse: a toast beneath it stays, and is in the way.
            self.browser.execute_script("arguments[0].click()", self.see("//button[.='Submit']"))
            if "Unknown error" not in self.read(f"{link} | {toast}"):
                return self.read(link, "href").partition("/v2/")[2]
            self._wait(60).until(lambda page: not page.find_elements(By.XPATH, toast), "the toast goes")

    def images(self) -> dict[str, int]:
        """The width of each picture of the page, once all have come or failed."""
        shown = "const all = [...document.querySelectorAll('main img[src]')]; return all.length && all.every(i => i.complete)"
        self._wait(60).until(lambda page: page.execute_script(shown), "pictures")
        found = "return [...document.querySelectorAll('main img[src]')].map(i => [i.src, i.naturalWidth])"
        return dict(self.browser.execute_script(found))

    def shoot(self, name: str) -> None:
        """The whole page: on a screen that is high enough, so that nothing is drawn twice or in the wrong place."""
        _screen(self.browser, self.browser.execute_script("return document.documentElement.scrollHeight"))
        drawn = "return !document.querySelector('main .animate-pulse') && [...document.images].every(i => i.complete)"
        self._wait(60).until(lambda page: page.execute_script(drawn), "the page is drawn anew")
        picture(self.browser, f"ui-{name}")
        _screen(self.browser)

    def complaints(self) -> str:
        """What the console says and Prefect does not owe us an excuse for."""
        told = [entry["message"] for entry in self.browser.get_log("browser")]
        return "\n".join(message for message in told if not any(part in message for part in NOT_OURS))

    def _wait(self, seconds: float) -> WebDriverWait[Chrome]:
        return WebDriverWait(self.browser, seconds, 0.1, BUSY)


def _screen(browser: Chrome, height: int = 900) -> None:
    size = {"width": 1280, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture
def ui(studio, browser, logos) -> Iterator[Ui]:
    _screen(browser)
    browser.get_log("browser")
    yield Ui(browser, studio.api.removesuffix("/api"))
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture
async def logos(studio) -> AsyncIterator[None]:
    """The published logos, from the folder that is published: a test asks nobody but this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Logos, directory=str(ROOT / "docs" / "logos")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for block, name in {FalCredentials: "fal", Library: "library", RenderSettings: "settings"}.items():
        await _logo(block, f"http://127.0.0.1:{server.server_port}/{name}.png")
    yield
    for block in (FalCredentials, Library, RenderSettings):
        await _logo(block, block._logo_url and str(block._logo_url))
    server.shutdown()
    server.server_close()


class _Logos(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


async def _logo(block, url: str | None) -> None:
    async with get_client() as client:
        kind = await client.read_block_type_by_slug(block.get_block_type_slug())
        update = kind.model_dump(include={"documentation_url", "description", "code_example"})
        await client.update_block_type(kind.id, BlockTypeUpdate(**update, logo_url=url))


async def open_form(ui: Ui) -> None:
    """As one gets there: the deployment, Run, Custom run."""
    async with get_client() as client:
        deployment = await client.read_deployment_by_name(SERIES)
    ui.open(f"deployments/deployment/{deployment.id}")
    ui.click("//main//button[starts-with(., 'Run') and not(@role='tab')]")
    ui.click("//*[@role='menuitem'][.='Custom run']")
    ui.see("//label[.='Render settings (Optional)']")


async def called(name: str) -> UUID:
    """Wait for the run of that name: the page lists older runs of the deployment beside the newest."""
    chosen = FlowRunFilter(name=FlowRunFilterName(any_=[name]))
    deadline = time.monotonic() + 240
    async with get_client() as client:
        while not (found := await client.read_flow_runs(flow_run_filter=chosen)):
            assert time.monotonic() < deadline, f"no run is called {name}"
            await asyncio.sleep(0.3)
    return found[0].id


async def logged(run: UUID, line: str) -> None:
    """Wait for a line of the run's log, which comes with some lag."""
    chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
    deadline = time.monotonic() + 120
    async with get_client() as client:
        while not any(line in log.message for log in await client.read_logs(log_filter=chosen)):
            assert time.monotonic() < deadline, f"nobody has logged {line}"
            await asyncio.sleep(0.3)


@pytest.fixture
async def shared() -> AsyncIterator[None]:
    """Render settings that somebody has saved."""
    await RenderSettings(fit="nearest", attempts=2).asave("shared", overwrite=True)
    yield
    await RenderSettings.adelete("shared")


async def test_a_series_from_the_form_to_the_reel(studio, shared, ui):
    await open_form(ui)
    titles = [label.text for label in ui.browser.find_elements(By.XPATH, "//form//label")]
    assert titles[titles.index("Storyboard") :][: len(TITLES)] == TITLES
    assert not any("Attempts" in title or "Wait" in title for title in titles)
    ui.type(BEACON)
    ui.tab("fal.ai")
    ui.choose("Select a block", "production")
    ui.tab("Saved library")
    ui.choose("Select a block", "main")
    ui.tab("What is sold")
    ui.choose("Select What is sold", "seedance-2-fast")
    ui.tab("Saved settings")
    ui.choose("Select a block", "shared")
    ui.see("(//main//img)[3]")
    assert set(ui.images().values()) == {256}
    ui.shoot("form")
    path = ui.submit()
    run = UUID(path.rpartition("/")[2].partition("?")[0])

    ui.open(path)
    ui.see("//main//*[.='Completed']", 240)
    await logged(run, "s02 take 1 stored")
    ui.open(path)  # the page of a run that is over does not ask for its last lines again
    ui.see("//main//*[contains(., 's02 take 1 stored')]")
    ui.shoot("run")
    seen = await studio.state(run)
    assert (seen.name, seen.state_name) == ("Beacon", "Completed")
    assert set(seen.parameters["provider"]) == set(seen.parameters["library"]) == {"$ref"}
    assert (seen.parameters["storyboard"], seen.parameters["model"]) == (BEACON, "seedance-2-fast")
    assert set(seen.parameters["settings"]) == {"$ref"}
    meter = studio.meter("Beacon")
    assert (meter["jobs"], len(meter["billed"]), meter["leaks"]) == (2, 2, 0)

    ui.tab("Artifacts")
    cards = [f"//main//a[contains(., 'beacon-{kind}')]" for kind in ("progress", "scenes", "cost", "status", "reel")]
    pages = [ui.see(card).get_attribute("href").partition("/v2/")[2] for card in cards]
    assert len(ui.browser.find_elements(By.XPATH, "//main//a[contains(@href, '/artifacts/artifact/')]")) == len(pages)
    ui.shoot("artifacts")
    told = ("Progress: 100%", "stored", "$0.9676", "current", "scenes/s02/take-001.mp4")
    for page, says in zip(pages, told, strict=True):
        ui.open(page)
        ui.see(f"//main//*[contains(., '{says}')]")
    posters = ui.images()
    assert [(url[:23], width) for url, width in posters.items()] == [("data:image/jpeg;base64,", 900)]
    ui.shoot("reel")
    assert ui.complaints() == ""


async def test_a_form_without_a_storyboard_is_not_sent(studio, ui):
    await open_form(ui)
    ui.click("//button[.='Submit']")
    ui.see("//form//*[.=\"'storyboard' is a required property\"]")
    ui.shoot("form-empty")


async def test_a_mistake_in_the_storyboard_is_told_once_and_clearly_and_nothing_is_bought(studio, ui):
    await open_form(ui)
    ui.type(MISTYPED)
    ui.submit()
    run = await called("Fog")
    await studio.reaches(run, "Failed")
    ui.open(f"runs/flow-run/{run}")
    ui.see("//main//*[.='Failed']")
    ui.tab("Details")
    told = ui.see("//main//*[contains(., 'did you mean prompt')][not(*)]").text
    assert told == (
        "storyboard:3: scenes[0].prompt: is missing: What happens, in your own words and with the characters' names. "
        "storyboard:4: scenes[0].promt: is not a known key; did you mean prompt?"
    )
    ui.shoot("failed")
    ui.tab("Logs")
    ui.see("//main//*[contains(., 'did you mean prompt')]")
    assert "Traceback" not in ui.read("//main")
    assert studio.submits("grey") == []
    assert ui.complaints() == ""


async def test_the_blocks_have_logos_and_hide_the_key(studio, ui):
    async with get_client() as client:
        saved = {block.name: block for block in await client.read_block_documents()}
    ui.open("blocks")
    ui.see("//main//a[.='production']")
    assert len(ui.images()) == 3
    assert set(ui.images().values()) == {256}
    ui.shoot("blocks")
    ui.open("blocks/catalog/fal-credentials")
    ui.see("//main//*[contains(., 'An account at fal.ai.')]")
    found = ui.browser.find_elements(By.XPATH, "//main//a[contains(., 'Documentation')]")
    url = FalCredentials._documentation_url  # none before the project has a home
    assert [link.get_attribute("href") for link in found] == ([str(url)] if url else [])
    assert set(ui.images().values()) == {256}
    ui.shoot("catalog")
    ui.open(f"blocks/block/{saved['production'].id}")
    ui.see("//main//*[.='********']")
    assert set(ui.images().values()) == {256}
    assert KEY.partition(":")[2] not in ui.browser.page_source
    ui.shoot("block")
    assert ui.complaints() == ""
