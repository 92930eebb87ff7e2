"""The page in a real browser, on a real service with a worker. Skips where there is no Chromium.

Waits are for what a person would wait for; each fails after a minute with what was there instead.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 60
SIZE = (1400, 1000)


class Browser:
    """A browser as a person uses it; what it does not have is the driver's."""

    def __init__(self, driver: Any) -> None:
        from selenium.webdriver import ActionChains

        self.driver, self._actions = driver, ActionChains

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)

    def one(self, selector: str) -> Any:
        """The first element that a selector finds."""
        return self.driver.find_element("css selector", selector)

    def some(self, selector: str) -> list[Any]:
        """All that a selector finds."""
        return list(self.driver.find_elements("css selector", selector))

    def wait(self, holds: Callable[[], Any]) -> Any:
        """What `holds` gives once it is true; what the page renews meanwhile does not count."""
        from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
        from selenium.webdriver.support.wait import WebDriverWait

        renewed = [StaleElementReferenceException, NoSuchElementException, IndexError]
        return WebDriverWait(self.driver, PATIENCE_S, 0.1, ignored_exceptions=renewed).until(lambda _: holds())

    def unfinished_job(self) -> str:
        """Id of a job that waits or runs, once the list has one; above it may be those of tests before."""
        rows = "tr[data-job][data-state=queued], tr[data-job][data-state=running]"
        return str(self.wait(lambda: self.one(rows).get_attribute("data-job")))

    def press(self, selector: str) -> None:
        """Press what may be renewed while it is looked for."""
        self.wait(lambda: self.one(selector).click() or True)

    def press_at(self, x: float, y: float) -> None:
        """Press a place of the window."""
        actions = self._actions(self.driver)
        actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
        actions.click().perform()

    def choose(self, name: str, value: str) -> None:
        """Choose in a list of the question."""
        self.one(f"#question select[name={name}] option[value='{value}']").click()

    def write(self, name: str, *keys: str) -> None:
        """Write into a field of the question, in place of what stands there."""
        field = self.one(f"#question input[name={name}]")
        field.clear()
        field.send_keys(*keys)

    def ask(self) -> None:
        """Press the button of the question."""
        self.one("#question button[type=submit]").click()

    def shown(self, text: str) -> bool:
        """Whether the legend has it."""
        return text in self.one(".legend").text

    def title(self) -> str:
        """What the answer is called."""
        return str(self.one("#title").text)

    def resize(self, width: int, height: int) -> None:
        """As on a screen of so many points."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def in_page(self, module: str, code: str, *values: Any) -> Any:
        """What `code` returns in the page, with `its` the exports of a module and `values` the arguments."""
        start = f"const done = arguments[arguments.length - 1], values = arguments; import('/page/{module}')"
        return self.driver.execute_async_script(f"{start}.then((its) => done((() => {{ {code} }})()))", *values)


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser puts files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Browser]:
    """One browser for all tests here: starting it takes seconds."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    chromedriver = shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.skip("needs the packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    quiet = ("background-networking", "component-update", "sync", "gpu", "dev-shm-usage", "extensions")
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for argument in ("--headless=new", "--no-sandbox", profile, *(f"--disable-{word}" for word in quiet)):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    yield Browser(driver)
    driver.quit()


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache and home for what a page is compared with, as its service has."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))


@pytest.fixture
def browser(started: Browser) -> Iterator[Browser]:
    """The browser, at the size of a desk; afterwards nothing may have failed or been forbidden in it."""
    started.resize(*SIZE)
    started.get_log("browser")
    yield started
    severe = [line["message"] for line in started.get_log("browser") if line["level"] == "SEVERE"]
    assert severe == []


@pytest.fixture
def page(browser: Browser, site: str) -> Browser:
    """The page with the front of its first question."""
    browser.get("about:blank")
    browser.get(site)
    browser.wait(lambda: browser.shown("within budget"))
    return browser
