"""Choosing on the page in a real Chromium: filter, keys, takes side by side, and a pick that is copied or sent."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from prefect_storyboard.media.page import Card, page
from prefect_storyboard.storyboards import Reel, Verdict
from tests.ports import unused_port
from tests.threads import serving
from tests.ui.test_reel_page import FAILED, PROMPTS, lay_out, screen, shoot, stored, wait  # noqa: F401 - a fixture

WORDS = dict(zip(("s01", "s02", "s03", "s04"), PROMPTS, strict=True))


@pytest.fixture(scope="module")
def folder(film, tmp_path_factory) -> Path:
    """Four scenes: s02 is stale, s03 has three takes, s04 is bad, and two are missing."""
    place = lay_out(tmp_path_factory.mktemp("choices"), film, size=(960, 540))
    clips = [stored(path, WORDS[path.parent.name], 0.8) for path in sorted(place.glob("scenes/*/*.mp4"))]
    others = []
    for number, note in ((2, "darker"), (3, "from further away")):
        path = place / "scenes" / "s03" / f"take-{number:03}.mp4"
        shutil.copy(place / "scenes" / "s02" / "take-002.mp4", path)
        others.append(stored(path, WORDS["s03"], 0.8).model_copy(update={"basis": {"note": note}}))
    bad = Verdict(state="bad", reasons=("Its second half is black.",))
    clips[3] = clips[3].model_copy(update={"verdict": bad})
    clips = [
        clip.model_copy(update={"stored_at": clip.stored_at + timedelta(minutes=n)}) for n, clip in enumerate(clips)
    ]
    reel = Reel(title="The Lighthouse", url="reel.mp4", page="index.html", clips=clips, failed=FAILED, cost_usd=5.6)
    cards = [
        Card(
            clip=clip,
            href=clip.url,
            poster=(place / clip.url).with_suffix(".jpg").read_bytes(),
            others=tuple((take, take.url) for take in others) if clip.scene == "s03" else (),
            stale="its prompt has changed; a new one costs $0.80" if clip.scene == "s02" else None,
        )
        for clip in clips
    ]
    (place / "index.html").write_text(page(reel, cards, style="hand-drawn"), encoding="utf-8")
    return place


def scenes(browser) -> list[str]:
    return browser.execute_script("return entries.filter(e => !e.hidden).map(e => e.dataset.scene)")


def press(browser, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def choose(browser, name: str, value: str) -> None:
    browser.execute_script(
        "const it = document.querySelector(`.filter [name=${arguments[0]}]`); it.value = arguments[1];"
        "it.dispatchEvent(new Event('change', {bubbles: true}))",
        name,
        value,
    )


def test_scenes_are_filtered_by_state_and_by_who_is_in_them(browser, serve, folder) -> None:
    browser.get(serve(folder))
    for state, found in (("stale", ["s02"]), ("bad", ["s04"]), ("takes", ["s03"]), ("missing", ["s05", "s06"])):
        choose(browser, "state", state)
        assert scenes(browser) == found
    choose(browser, "state", "")
    choose(browser, "who", "Old Tom")
    assert scenes(browser) == ["s03"]
    assert browser.find_element(By.CSS_SELECTOR, ".filter output").text == "1 of 6"
    choose(browser, "who", "")
    assert len(scenes(browser)) == 6


def test_keys_walk_play_and_copy_the_command_of_a_pick(browser, folder) -> None:
    browser.get((folder / "index.html").as_uri())
    press(browser, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert browser.execute_script("return document.activeElement.dataset.scene") == "s03"
    press(browser, Keys.SPACE)
    wait(browser, "return document.activeElement.querySelector('video').currentTime > 0")
    press(browser, Keys.ARROW_RIGHT)
    wait(browser, "return [...document.querySelectorAll('.takes video')].some(v => !v.paused)")
    press(browser, "9")
    assert browser.execute_script("return said.hidden")
    press(browser, "3")
    assert wait(browser, "return said.hidden ? '' : said.textContent").endswith(
        "storyboard pick BOARD s03 3 --provider fal"
    )


def test_a_page_that_is_served_sends_the_pick_there(browser, folder) -> None:
    picked = []

    async def pick(request: Request) -> PlainTextResponse:
        picked.append(await request.json())
        return PlainTextResponse("take 2 is gone from the library", status_code=409)

    html = (
        (folder / "index.html")
        .read_text(encoding="utf-8")
        .replace("<title>", '<meta name="pick" content="pick"><title>')
    )
    (folder / "served.html").write_text(html, encoding="utf-8")
    routes = [Route("/pick", pick, methods=["POST"]), Mount("/", StaticFiles(directory=folder))]
    port = unused_port()
    config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="error", timeout_graceful_shutdown=1)
    with serving(uvicorn.Server(config)):
        browser.get(f"http://127.0.0.1:{port}/served.html")
        browser.find_element(By.CSS_SELECTOR, '[data-take="2"] .pick').click()
        assert wait(browser, "return said.textContent.startsWith('take 2 is') && said.textContent")
    assert json.dumps(picked) == '[{"scene": "s03", "take": 2}]'


def test_it_fits_the_screen(browser, serve, folder, screen) -> None:  # noqa: F811
    browser.get(serve(folder))
    wait(browser, "return document.querySelector('video').readyState >= 1")
    shoot(browser, f"choices-{screen}")
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
