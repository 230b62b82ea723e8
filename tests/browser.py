"""A real Chromium for the tests that look at a page: their conftest imports the fixture `browser`."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM, CHROMEDRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
    " --autoplay-policy=no-user-gesture-required --hide-scrollbars"
)
ARTIFACTS = Path(__file__).parents[1] / "test-artifacts"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium that records its console and its network; a CI without it fails."""
    missing = [str(path) for path in (CHROMIUM, CHROMEDRIVER) if not path.exists()]
    if missing:
        reason = f"the page is tested in a real browser; install {' and '.join(missing)}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(str(CHROMEDRIVER)))
    yield driver
    driver.quit()


def picture(browser: Chrome, name: str, **options: Any) -> None:
    """Keep a picture of the screen, or of what the options of Page.captureScreenshot say."""
    ARTIFACTS.mkdir(exist_ok=True)
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
    (ARTIFACTS / f"{name}.png").write_bytes(base64.b64decode(taken))
