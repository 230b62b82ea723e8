"""`storyboard page` in a real Chromium: one key picks a take, the library has it, the page shows it; nobody else may."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

from tests.cli.test_cli import board, control, storyboard  # noqa: F401 - a fixture
from tests.ui.test_reel_page import wait

pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>")
ON = ("--provider", "fal", "--library", "library")
COMMAND = [sys.executable, "-m", "prefect_storyboard", "page"]
SHOWN = "return document.querySelector('[data-scene=s02] .shown')?.dataset.take"
READY = re.compile(r"page ready (http://127\.0\.0\.1:\d+/[\w-]{32}/)\n")


@contextmanager
def served(sea: str, folder, engine: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a person starts it, and the address that it prints."""
    command = [*COMMAND, sea, *ON, "--no-open"]
    given = os.environ | {"PREFECT_API_URL": engine}
    with subprocess.Popen(command, cwd=folder, env=given, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            said = [process.stdout.readline()]
            while not (found := READY.fullmatch(said[-1])):
                said.append(process.stdout.readline())
                assert said[-1], said
            yield process, found[1]
        finally:
            process.kill()


def test_a_take_is_picked_with_one_key_and_by_nobody_else(storyboard, sandbox, engine, tmp_path, browser):  # noqa: F811
    sea = board(tmp_path, "The sea.", "The shore.")
    storyboard("run", sea, *ON)
    storyboard("reroll", sea, "s02", "--note", "At night.", *ON)
    storyboard("pick", sea, "s02", "1", *ON)
    billed = control(sandbox, "meter")["jobs_accepted"]
    with served(sea, tmp_path, engine) as (process, address):
        browser.get(address)
        assert browser.execute_script(SHOWN) == "1"
        browser.execute_script("document.querySelector('[data-scene=s02]').focus()")
        ActionChains(browser).send_keys("2").perform()
        patient = WebDriverWait(browser, 600, 0.2)  # the reel is assembled again, on a machine that may be busy
        patient.until(lambda driver: driver.execute_script(SHOWN) == "2")
        assert wait(browser, "return said.textContent") == "s02 shows take 2"
        assert browser.execute_script("return document.activeElement.dataset.scene") == "s02"
        assert wait(browser, "return reel.readyState > 0 && reel.duration") > 2
        browser.execute_script("reel.currentTime = reel.duration - 0.5")
        assert wait(browser, "return !reel.seeking && reel.currentTime > 1")

        at = address.rpartition("/reels/")[0] or address.rstrip("/")
        host = re.search(r"127.0.0.1:\d+", address)[0]
        mine = {"origin": f"http://{host}", "content-type": "application/json"}
        one = json.dumps({"scene": "s02", "take": 1})
        with httpx.Client() as stranger:
            for forged, status in (
                ({"origin": "https://evil.example"}, 403),
                ({"host": "evil.example"}, 421),
                ({"content-type": "text/plain"}, 415),
            ):
                reply = stranger.post(f"{at}/reels/by-the-sea/pick", content=one, headers=mine | forged)
                assert reply.status_code == status
            guessed = f"http://{host}/{'x' * 32}/reels/by-the-sea/pick"
            assert stranger.post(guessed, content=one, headers=mine).status_code == 404
            assert stranger.get(f"{at}/reels/by-the-sea/storyboard.yaml").status_code == 404

        lines = json.loads(storyboard("takes", sea, "--json", *ON)[1])
        assert [(each["take"], each["shown"], each["picked"]) for each in lines if each["scene"] == "s02"] == [
            (1, False, False),
            (2, True, True),
        ]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert control(sandbox, "meter")["jobs_accepted"] == billed


def test_a_board_without_a_reel_is_one_sentence(storyboard, tmp_path):  # noqa: F811
    sea = board(tmp_path, "The sea.")
    code, _, said = storyboard("page", sea, *ON, "--no-open")
    assert code == 1
    assert "library has no page of 'By the Sea'; run the storyboard first" in said
