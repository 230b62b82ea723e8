"""The page in a real Chromium: it plays, it seeks, it calls nobody. Pictures of it go to test-artifacts/."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from prefect_storyboard.media.frames import poster
from prefect_storyboard.media.page import Card, page
from prefect_storyboard.media.probe import probe
from prefect_storyboard.media.reel import Part, assemble
from prefect_storyboard.storyboards import Casting, Clip, FailedScene, Reel
from tests.browser import picture

SCREENS = {"wide": (1280, 900), "phone": (390, 844)}
CAST = (Casting(character="Mara", id="mzsdaag.ab"), Casting(character="Old Tom", id="mzsdaag.cd"))
PROMPTS = (
    "Mara climbs the spiral stairs with a lantern. Her shadow climbs beside her.",
    "She opens the gallery door into the storm & holds on. <script>document.title = 'owned'</script>",
    "Old Tom waits below with the boat, one hand on the rope, and counts the seconds between the flashes.",
    "Night. The light goes round.",
)
FAILED = (
    FailedScene(
        scene="s05",
        error="The provider refused the prompt: it names a real person.",
        charged=False,
        remedy="Change the prompt of s05 and run again; the other scenes are not bought again.",
    ),
    FailedScene(
        scene="s06",
        error="The reply to the request was lost; the provider may have accepted it.",
        charged=None,
        remedy="Look it up in the provider's dashboard, then: storyboard adopt 3f9c… <request id>, or storyboard abandon 3f9c…",
    ),
)


@pytest.fixture(scope="module")
def lighthouse(film, tmp_path_factory) -> Path:
    """A landscape reel with something of everything: prices known and not, failed scenes, a warning."""
    folder = tmp_path_factory.mktemp("lighthouse")
    return lay_out(
        folder, film, size=(960, 540), failed=FAILED, unpriced=1, warnings=("Sora 2 was retired on 2026-09-24.",)
    )


@pytest.fixture(scope="module")
def advert(film, tmp_path_factory) -> Path:
    """A portrait reel in which all went well."""
    return lay_out(tmp_path_factory.mktemp("advert"), film, size=(540, 960))


def lay_out(folder: Path, film, *, size: tuple[int, int], **facts) -> Path:
    clips = []
    for number, prompt in enumerate(PROMPTS):
        path = folder / "scenes" / f"s{number + 1:02}" / f"take-{1 + number % 2:03}.mp4"
        path.parent.mkdir(parents=True)
        film(path, number, size=size, seconds=2 + number % 2)
        poster(path, path.with_suffix(".jpg"))
        clips.append(stored(path, prompt, cost=None if number == 3 and facts else 0.8))
    assembled = assemble([Part(folder / clip.url, clip.scene) for clip in clips], folder / "reel.mp4")
    reel = Reel(
        title="The Lighthouse",
        url="reel.mp4",
        page="index.html",
        clips=clips,
        seconds=assembled.seconds,
        cost_usd=sum(clip.cost_usd or 0 for clip in clips),
        bought_usd=0.8,
        bought=2,
        **facts,
    )
    cards = [Card(clip=c, href=c.url, poster=(folder / c.url).with_suffix(".jpg").read_bytes()) for c in clips]
    text = page(reel, cards, poster=cards[0].poster, style="hand-drawn, warm evening light")
    (folder / "index.html").write_text(text, encoding="utf-8")
    return folder


def stored(path: Path, prompt: str, cost: float | None) -> Clip:
    facts, scene = probe(path), path.parent.name
    return Clip(
        scene=scene,
        take=int(path.stem[-3:]),
        url=f"scenes/{scene}/{path.name}",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        bytes=path.stat().st_size,
        seconds=facts.seconds,
        width=facts.width,
        height=facts.height,
        job_key=hashlib.sha256(scene.encode()).hexdigest(),
        cost_usd=cost,
        provider="fal",
        model="sora-2",
        request_id="764cabcf-b745-4b3e-ae38-1200304cf45b",
        prompt=prompt,
        characters=[cast for cast in CAST if cast.character in prompt],
        stored_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    )


def wait(browser, script: str, *arguments):
    """Wait until the script returns something true, and give it."""
    return WebDriverWait(browser, 20, 0.05).until(lambda driver: driver.execute_script(script, *arguments))


def requests(browser) -> Iterator[str]:
    """Every URL that the network was asked for since the last call."""
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def open_page(browser, url: str) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(url)
    wait(browser, "return [...document.querySelectorAll('video')].every(video => video.readyState >= 1)")


def play(browser, video) -> int:
    """Play until at least ten more frames were decoded and shown; then pause."""
    browser.execute_script("arguments[0].muted = true; arguments[0].currentTime = 0; arguments[0].play()", video)
    frames = "return arguments[0].getVideoPlaybackQuality().totalVideoFrames"
    before = browser.execute_script(frames, video)
    wait(browser, f"{frames} >= arguments[1] + 10 && arguments[0].currentTime > 0.2", video, before)
    browser.execute_script("arguments[0].pause()", video)
    return browser.execute_script(frames, video) - before


@pytest.mark.parametrize("shape", ["lighthouse", "advert"])
def test_the_reel_and_every_take_play_and_nobody_else_is_asked(browser, serve, shape, request) -> None:
    base = serve(request.getfixturevalue(shape))
    open_page(browser, base)
    videos = browser.find_elements(By.TAG_NAME, "video")
    assert len(videos) == 1 + len(PROMPTS)
    for video in videos:
        assert play(browser, video) >= 10
        assert browser.execute_script("return arguments[0].readyState >= 2 && !arguments[0].error", video)
    assert browser.get_log("browser") == []
    asked = {url for url in requests(browser) if not url.startswith("data:")}
    assert asked >= {f"{base}reel.mp4", f"{base}scenes/s01/take-001.mp4"}
    assert {url for url in asked if not url.startswith(base)} == set()
    assert browser.title == "The Lighthouse"


def test_it_works_from_disk(browser, lighthouse) -> None:
    open_page(browser, (lighthouse / "index.html").as_uri())
    for video in browser.find_elements(By.TAG_NAME, "video"):
        assert play(browser, video) >= 10
    assert browser.get_log("browser") == []


def test_a_click_on_a_scene_seeks_the_reel_to_it(browser, serve, lighthouse) -> None:
    open_page(browser, serve(lighthouse))
    chapters = browser.find_elements(By.CSS_SELECTOR, ".chapters a")
    assert [float(chapter.get_attribute("data-start")) for chapter in chapters] == [0, 2, 5, 7]
    chapters[2].click()
    wait(browser, "return reel.currentTime >= 5 && reel.currentTime < 7 && !reel.seeking")
    assert current(browser) == ["s03"]


def test_the_keyboard_does_the_same(browser, serve, lighthouse) -> None:
    open_page(browser, serve(lighthouse))
    browser.find_elements(By.CSS_SELECTOR, ".chapters a")[1].send_keys(Keys.ENTER)
    wait(browser, "return reel.currentTime >= 2 && reel.currentTime < 5 && !reel.seeking")
    assert current(browser) == ["s02"]


def test_the_scene_that_plays_is_marked_as_the_reel_moves_on(browser, serve, lighthouse) -> None:
    open_page(browser, serve(lighthouse))
    assert current(browser) == []
    browser.execute_script("reel.muted = true; reel.currentTime = 1.7; reel.play()")
    wait(browser, "return reel.currentTime > 1.75 && reel.currentTime < 2 || reel.currentTime > 2.3")
    wait(browser, "return document.querySelector('[aria-current] b')?.textContent === 's02'")
    assert current(browser) == ["s02"]


def test_one_film_at_a_time(browser, serve, lighthouse) -> None:
    open_page(browser, serve(lighthouse))
    first, second = browser.find_elements(By.TAG_NAME, "video")[:2]
    for video in (first, second):
        browser.execute_script("arguments[0].muted = true; arguments[0].play()", video)
        wait(browser, "return arguments[0].currentTime > 0", video)
    assert browser.execute_script("return [arguments[0].paused, arguments[1].paused]", first, second) == [True, False]


def test_without_a_clip_there_is_no_player_and_no_error(browser, serve, tmp_path) -> None:
    reel = Reel(title="Nothing yet", url=None, page=None, clips=(), failed=FAILED)
    (tmp_path / "index.html").write_text(page(reel, []), encoding="utf-8")
    open_page(browser, serve(tmp_path))
    assert browser.find_elements(By.TAG_NAME, "video") == []
    assert browser.get_log("browser") == []


@pytest.fixture(params=SCREENS)
def screen(browser, request) -> Iterator[str]:
    width, height = SCREENS[request.param]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": request.param == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    yield request.param
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("shape", ["lighthouse", "advert"])
def test_it_fits_the_screen(browser, serve, shape, screen, request) -> None:
    open_page(browser, serve(request.getfixturevalue(shape)))
    browser.execute_script("reel.muted = true; document.querySelectorAll('.chapters a')[1].click()")
    wait(browser, "return reel.currentTime > 2.5")
    browser.execute_script("reel.pause()")
    wait(
        browser, "return [...document.querySelectorAll('video')].every(v => v.readyState >= 2 && v.networkState === 1)"
    )
    shoot(browser, f"{shape}-{screen}")
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def shoot(browser, name: str) -> None:
    """Keep a picture of the whole page and one of the screen, with the controls at rest, not half faded."""
    browser.execute_script("for (const video of document.querySelectorAll('video')) video.controls = false")
    browser.execute_script("for (const video of document.querySelectorAll('video')) video.controls = true")
    picture(browser, f"{name}-whole", captureBeyondViewport=True)
    picture(browser, name)


def current(browser) -> list[str]:
    return [mark.text for mark in browser.find_elements(By.CSS_SELECTOR, "[aria-current] b")]
