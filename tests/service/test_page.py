"""The page in a real browser: its main journeys, on a real service with a worker. Skips where there is no Chromium.

Waits are for what a person would wait for; each fails after a minute with what was there instead.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwnas
from hwnas.api.listings import list_spaces
from hwnas.outputs import save
from hwnas.render import cost_cells
from hwnas.results import CostResult
from hwnas.spaces import get_space
from hwnas.spaces.four_node_cells import live_edges
from hwnas.spaces.nasbench201_cells import OPERATIONS

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
ActionChains, By, Keys = webdriver.ActionChains, webdriver.common.by.By, webdriver.Keys
CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs the packages chromium and chromium-driver")
PATIENCE_S = 60
SIZE = (1400, 1000)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Any]:
    """One browser for all tests here: starting it takes seconds."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    quiet = ("background-networking", "component-update", "sync", "gpu", "dev-shm-usage", "extensions")
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for argument in ("--headless=new", "--no-sandbox", profile, *(f"--disable-{word}" for word in quiet)):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    yield driver
    driver.quit()


@pytest.fixture
def browser(started: Any) -> Iterator[Any]:
    """The browser, at the size of a desk; afterwards nothing may have failed or been forbidden in it."""
    resize(started, *SIZE)
    started.get_log("browser")
    yield started
    severe = [line["message"] for line in started.get_log("browser") if line["level"] == "SEVERE"]
    assert severe == []


@pytest.fixture
def page(browser: Any, site: str) -> Any:
    """The page with the front of its first question."""
    browser.get("about:blank")
    browser.get(site)
    wait(browser, lambda: shown(browser, "within budget"))
    return browser


def resize(browser: Any, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def wait(browser: Any, holds: Callable[[], Any]) -> Any:
    """What `holds` gives once it is true; what the page renews meanwhile does not count."""
    from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
    from selenium.webdriver.support.wait import WebDriverWait

    renewed = [StaleElementReferenceException, NoSuchElementException, IndexError]
    return WebDriverWait(browser, PATIENCE_S, 0.1, ignored_exceptions=renewed).until(lambda _: holds())


def one(browser: Any, selector: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, selector)


def press(browser: Any, selector: str) -> None:
    """Press what may be renewed while it is looked for."""
    wait(browser, lambda: one(browser, selector).click() or True)


def choose(browser: Any, name: str, value: str) -> None:
    one(browser, f"#question select[name={name}] option[value='{value}']").click()


def some(browser: Any, selector: str) -> list[Any]:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def shown(browser: Any, text: str) -> bool:
    return text in one(browser, ".legend").text


def title(browser: Any) -> str:
    return one(browser, "#title").text


def place_of(browser: Any, row: int) -> tuple[float, float]:
    """Where in the window the net in a row of the shown list is drawn, by the axes of the picture."""
    cells = [cell.text for cell in some(browser, f"table.nets tbody tr:nth-child({row}) td")]
    energy = float(cells[2].split(" ")[0])
    accuracy = float(cells[5])
    script = """
        const plot = document.querySelector("#picture .plot"), {xaxis, yaxis} = plot._fullLayout;
        plot.scrollIntoView({block: "center"});
        const box = plot.getBoundingClientRect();
        return [box.left + xaxis._offset + xaxis.d2p(arguments[0]), box.top + yaxis._offset + yaxis.d2p(arguments[1])];
    """
    x, y = browser.execute_script(script, energy, accuracy)
    return x, y


def press_at(browser: Any, x: float, y: float) -> None:
    actions = ActionChains(browser)
    actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
    actions.click().perform()


def test_a_question_gives_a_front(page: Any, site: str) -> None:
    assert title(page) == "nasbench201 on cifar10, jetson-tx2, energy ≤ 20 mJ"
    choose(page, "device", "raspi4")
    assert not one(page, "input[name=budget_mj]").is_enabled(), "its energy was not measured"
    one(page, "input[name=budget_ms]").send_keys("12")
    one(page, "#question button[type=submit]").click()
    wait(page, lambda: title(page) == "nasbench201 on cifar10, raspi4, latency ≤ 12 ms")
    listed = [float(cell.text.split(" ")[0]) for cell in some(page, "table.nets tbody td:nth-child(3)")]
    assert len(listed) == 20 and max(listed) <= 12 and listed == sorted(listed)
    expected = hwnas.pareto("raspi4", budget_ms=12, proxies=["auto", "zen"], dataset="cifar10").fronts[0].nets
    assert [int(button.text) for button in some(page, "table.nets button.link")] == [net.index for net in expected]
    # The address keeps the question.
    address = page.current_url
    page.get("about:blank")
    page.get(address)
    wait(page, lambda: title(page) == "nasbench201 on cifar10, raspi4, latency ≤ 12 ms")
    assert one(page, "input[name=budget_ms]").get_attribute("value") == "12"


def test_a_space_without_a_list_is_searched_by_a_job_whose_front_is_shown(page: Any) -> None:
    choose(page, "space", "fbnet")
    choose(page, "device", "raspi4")
    one(page, "input[name=budget_ms]").send_keys("60")
    one(page, "input[name=proxies][value=zen]").click()
    one(page, "#question details.more summary").click()
    one(page, "input[name=evaluations]").clear()
    one(page, "input[name=evaluations]").send_keys("80")
    one(page, "#question button[type=submit]").click()
    wait(page, lambda: "A search of fbnet takes longer; job" in one(page, "#searching").text)
    assert one(page, "#question button[type=submit]").is_enabled() and "energy ≤ 20 mJ" in title(page)
    wait(page, lambda: title(page) == "fbnet on cifar100, raspi4, latency ≤ 60 ms")
    assert not one(page, "#searching").is_displayed()
    listed = [float(cell.text.split(" ")[0]) for cell in some(page, "table.nets tbody td:nth-child(3)")]
    assert len(listed) == 20 and max(listed) <= 60
    drawn = page.execute_script("return document.querySelector('#picture .plot').data.flatMap((trace) => trace.x)")
    assert min(drawn) == pytest.approx(min(listed), abs=0.06) and max(drawn) <= 60
    some(page, "table.nets button.link")[4].click()
    arch = some(page, "table.nets tbody tr")[4].find_elements(By.TAG_NAME, "code")[0].text
    wait(page, lambda: one(page, "#network .arch").text == arch and len(some(page, "tr.chosen")) == 1)
    # The address keeps the answer; a search that finds nothing says so, and the front stays.
    address = page.current_url
    page.get("about:blank")
    page.get(address)
    wait(page, lambda: title(page) == "fbnet on cifar100, raspi4, latency ≤ 60 ms")
    assert one(page, "input[name=evaluations]").get_attribute("value") == "80"
    budget = one(page, "input[name=budget_ms]")
    budget.clear()
    budget.send_keys("0.001", Keys.ENTER)
    wait(page, lambda: one(page, "#failure").is_displayed())
    assert "no net of fbnet" in one(page, "#failure").text and "latency ≤ 60 ms" in title(page)


def test_a_wrong_question_is_answered_in_words(page: Any) -> None:
    budget = one(page, "input[name=budget_mj]")
    budget.clear()
    budget.send_keys("0.5", Keys.ENTER)
    wait(page, lambda: one(page, "#failure").is_displayed())
    assert "raise the budget to at least that" in one(page, "#failure").text
    assert "energy ≤ 20 mJ" in title(page), "the last answer stays"
    page.get_log("browser")  # the browser reports the refusal as an error of its own


def test_the_budget_is_dragged_with_a_pointer_and_with_keys(page: Any) -> None:
    handle = one(page, ".budget")
    assert handle.accessible_name == "Budget: energy in mJ" and handle.get_attribute("aria-valuenow") == "20"
    ActionChains(page).drag_and_drop_by_offset(handle, -150, 0).perform()
    wait(page, lambda: "energy ≤ 20 mJ" not in title(page))
    budget = float(title(page).rpartition("≤ ")[2].removesuffix(" mJ"))
    assert 5 < budget < 19
    assert float(one(page, "input[name=budget_mj]").get_attribute("value")) == budget
    listed = [float(cell.text.split(" ")[0]) for cell in some(page, "table.nets tbody td:nth-child(3)")]
    assert listed and max(listed) <= budget
    one(page, ".budget").send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    wait(page, lambda: float(title(page).rpartition("≤ ")[2].removesuffix(" mJ")) < budget)


def test_a_point_shows_its_network_which_can_be_taken_along(page: Any, downloads: Path) -> None:
    onnx = pytest.importorskip("onnx")
    if not some(page, "table.nets tbody td:nth-child(6)")[0].text.replace(".", "").isdigit():
        pytest.skip("without true accuracies a point has no place that the list tells")
    index = some(page, "table.nets button.link")[9].text
    press_at(page, *place_of(page, 10))
    wait(page, lambda: one(page, "#network h2").text == f"Network {index}")
    wait(page, lambda: some(page, "#network details.layers"))
    panel = one(page, "#network").text
    assert "energy" in panel and "mJ" in panel and "predicted by" in panel and "score by zen" in panel
    cell = one(page, "#network svg.cell")
    arch = get_space("nasbench201").strings(get_space("nasbench201").vector(np.array([int(index)])))[0]
    assert one(page, "#network .arch").text == arch
    assert cell.accessible_name.count(" to ") == 6
    chosen = [row.get_attribute("data-index") for row in some(page, "tr.chosen")]
    assert chosen == [index]
    one(page, "#onnx").click()
    path = downloads / f"nasbench201-{index}.onnx"
    wait(page, path.is_file)
    onnx.checker.check_model(onnx.load(path))


def test_fronts_are_kept_to_compare(page: Any) -> None:
    keep = some(page, "#answer-actions button")[0]
    keep.click()
    for budget in ("15", "12"):
        field = one(page, "input[name=budget_mj]")
        field.clear()
        field.send_keys(budget, Keys.ENTER)
        wait(page, lambda budget=budget: title(page).endswith(f"≤ {budget} mJ"))
        keep.click()
    wait(page, lambda: len(some(page, "#kept .chip")) == 3)
    assert len(some(page, "#kept .charts .plot")) == 1, "the same axes: one picture"
    choose(page, "device", "raspi4")
    one(page, "#question button[type=submit]").click()
    wait(page, lambda: "raspi4" in title(page))
    keep.click()
    wait(page, lambda: len(some(page, "#kept .charts .plot")) == 2)
    assert not keep.is_enabled(), "four at most"
    some(page, "#kept .chip button")[1].click()
    wait(page, lambda: len(some(page, "#kept .chip")) == 3 and keep.is_enabled())


def test_a_job_is_seen_cancelled_and_resumed(page: Any) -> None:
    pytest.importorskip("torch")
    one(page, "nav a[href='#jobs']").click()
    one(page, "#score-form button").click()
    row = wait(page, lambda: one(page, "tr[data-job]").get_attribute("data-job"))
    one_job = f"tr[data-job='{row}']"
    wait(page, lambda: one(page, f"{one_job}[data-state=running]"))
    wait(
        page,
        lambda: (
            some(page, f"{one_job} progress[max]") and one(page, f"{one_job} progress").get_attribute("value") != "0"
        ),
    )
    assert one(page, "#running").text == "1"
    press(page, f"#cancel-{row}")
    wait(page, lambda: some(page, f"{one_job}[data-state=cancelled]"))
    press(page, f"#resume-{row}")
    wait(page, lambda: some(page, f"{one_job}[data-state=running], {one_job}[data-state=queued]"))
    press(page, f"#cancel-{row}")
    wait(page, lambda: some(page, f"{one_job}[data-state=cancelled]") and not one(page, "#running").is_displayed())


def test_measurements_become_a_device_whose_fit_is_seen(
    page: Any, board: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    space = get_space("nasbench201")
    vectors = space.sample(12, seed=3)
    with (tmp_path / "mine.csv").open("w", newline="") as file:
        rows = zip(space.strings(vectors), board(space, vectors).round(4).tolist(), strict=True)
        csv.writer(file).writerows([("architecture", "latency_ms"), *rows])
    one(page, "nav a[href='#devices']").click()
    one(page, "#device-form input[name=name]").send_keys("desk-board")
    one(page, "#device-form input[type=file]").send_keys(str(tmp_path / "mine.csv"))
    one(page, "#device-form button").click()
    wait(page, lambda: "how well the model fits" in one(page, "#fit").text)
    wait(page, lambda: some(page, "#fit .plot .main-svg"))
    text = one(page, "#fit").text
    assert "median error, each left out" in text and "networks measured\n12" in text
    drawn = page.execute_script("return document.querySelector('#fit .plot').data[1].x")
    assert drawn == pytest.approx(board(space, vectors), abs=1e-4)
    wait(page, lambda: "desk-board" in one(page, "#device-list").text)
    one(page, "nav a[href='#fronts']").click()
    choose(page, "device", "desk-board")
    one(page, "#question button[type=submit]").click()
    wait(page, lambda: "desk-board" in title(page))


def test_a_model_that_cannot_be_predicted_is_refused_in_words(page: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"this is no model")
    one(page, "nav a[href='#model']").click()
    one(page, "#model-form input[type=file]").send_keys(str(tmp_path / "broken.onnx"))
    one(page, "#model-form button").click()
    wait(page, lambda: some(page, "#kernels .failure"))
    assert len(one(page, "#kernels .failure").text) > 20
    page.get_log("browser")


def test_every_part_fits_a_phone_and_every_control_has_a_name(page: Any) -> None:
    resize(page, 360, 740)
    for part in ("fronts", "jobs", "devices", "model"):
        one(page, f"nav a[href='#{part}']").click()
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360, part
        tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        controls = [node for node in tree if focusable(node) and node["role"]["value"] != "RootWebArea"]
        assert len(controls) > 8
        assert [node["role"] for node in controls if not node["name"]["value"].strip()] == [], part


def focusable(node: dict[str, Any]) -> bool:
    found = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", [])}
    return not node["ignored"] and found.get("focusable") is True


def test_the_page_is_used_with_the_keyboard_alone(page: Any) -> None:
    """From the top: the skip link, the parts, then the question in the order of its fields; what has focus is seen."""
    names = []
    for _ in range(9):
        ActionChains(page).send_keys(Keys.TAB).perform()
        focused = page.switch_to.active_element
        names.append(focused.get_attribute("name") or focused.get_attribute("href").rpartition("/")[2])
        assert focused.value_of_css_property("outline-style") != "none", names[-1]
    parts = ["#fronts", "#jobs", "#devices", "#model"]
    assert names == ["#main", *parts, "docs", "space", "device", "dataset"]


def in_page(page: Any, module: str, code: str, *values: Any) -> Any:
    """What `code` returns in the page, with `its` the exports of a module and `values` the arguments."""
    start = f"const done = arguments[arguments.length - 1], values = arguments; import('/page/{module}')"
    return page.execute_async_script(f"{start}.then((its) => done((() => {{ {code} }})()))", *values)


def test_numbers_are_written_as_the_command_line_writes_them(page: Any) -> None:
    rng = np.random.default_rng(0)
    for size in (0.02, 3.0, 250.0, 40_000.0):
        means = [*(size * rng.lognormal(0, 1, 30)).round(3).tolist(), 0.0, None, 0.0004]
        for spread in (None, 0.1):
            costs = [
                CostResult(mean=mean, lower=mean * 0.9, upper=mean * 1.1)
                if spread and mean is not None
                else CostResult(mean=mean, lower=None, upper=None)
                for mean in means
            ]
            plain = [{"mean": cost.mean, "lower": cost.lower, "upper": cost.upper} for cost in costs]
            written = in_page(page, "numbers.js", "return its.costColumn(values[0])", plain)
            assert [cell.replace("–", "-") for cell in written] == cost_cells(costs)


def test_every_cell_is_drawn_as_the_library_reads_it(page: Any) -> None:
    """Operations and live edges of all 15,625 indices."""
    space = get_space("nasbench201")
    (listed,) = [entry for entry in list_spaces() if entry["name"] == space.name]
    code = """
        return [...Array(15625).keys()].map((index) => its.cellOf(index, values[0])).map((cell) =>
            [cell.operations.join(" "), its.liveEdges(cell).map(Number).join("")]);
    """
    drawn = in_page(page, "cell_picture.js", code, listed["cell"])
    vectors = space.all_vectors()
    assert [words for words, _ in drawn] == [" ".join(OPERATIONS[c] for c in row) for row in vectors.tolist()]
    live = live_edges(vectors).astype(int).tolist()
    assert [flags for _, flags in drawn] == ["".join(map(str, row)) for row in live]


def test_a_model_is_shown_kernel_by_kernel_and_names_stay_text(page: Any) -> None:
    evil = "<img src=x onerror=alert(1)>"
    kernel = {
        "name": evil,
        "kind": evil,
        "operators": ["conv", "relu"],
        "shape": [1, 64, 112, 112],
        "macs": 118_013_952,
    }
    measured = {"costs": {"latency_ms": {"mean": 1.5, "lower": 1.2, "upper": 1.9}}, "shares": {"latency_ms": 75.0}}
    model = {"model": "net.onnx", "device": "my-board", "runtime": "onnxruntime", "params": 25_557_032, "macs": 4e9}
    answer = {
        **model,
        "interval_level": 0.9,
        "costs": {"latency_ms": {"mean": 2.0, "lower": 1.6, "upper": 2.5}},
        "overhead": {"latency_ms": 0.1},
        "sources": {"latency_ms": "kernel models of my-board"},
        "kernels": [{**kernel, **measured, "bytes_moved": 1, "outside": 1.5, "outside_feature": "channels"}],
        "uncovered": [{"kind": "einsum", "count": 2, "macs_percent": 3.0, "bytes_percent": 1.0}],
        "notes": [evil],
    }
    one(page, "nav a[href='#model']").click()
    code = "const card = document.getElementById('kernels'); card.hidden = false; its.showKernels(card, values[0]);"
    in_page(page, "model_part.js", f"{code} return null", answer)
    text = one(page, "#kernels").text
    assert "net.onnx on my-board" in text and "2.00 [1.60, 2.50] ms" in text and "118.01" in text and "75.0 %" in text
    assert "2 kernels of kind einsum" in text and "3.0 % of the MACs" in text and "channels × 1.5" in text
    assert text.count(evil) == 2 and some(page, "#kernels img") == []


def test_a_report_works_from_a_file_alone(browser: Any, tmp_path: Path) -> None:
    result = hwnas.pareto("jetson-tx2", budget_mj=20, proxies=["zen", "synflow"], nets=8)
    save(result, tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    wait(browser, lambda: shown(browser, "synflow"))
    assert one(browser, "h1").text == "nasbench201 on cifar10, jetson-tx2, energy ≤ 20 mJ"
    net = result.front("zen").nets[3]
    some(browser, "table.nets button.link")[3].click()
    assert one(browser, "#network h2").text == f"Network {net.index}"
    assert one(browser, "#network .arch").text == net.arch
    one(browser, "#network summary").click()
    assert "stem.0" in one(browser, "#network details").text
    energy = net.costs["energy_mj"]
    assert f"[{energy.lower:.1f}, {energy.upper:.1f}]" in one(browser, "#network").text
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if not name.startswith(("data:", "blob:"))] == []


def test_the_style_sheet_of_plotly_has_the_rules_that_it_would_add(browser: Any, site: str, tmp_path: Path) -> None:
    from hwnas.reports import PAGE_FOLDER

    (tmp_path / "a.html").write_text(
        f'<div id="a"></div><script src="{(PAGE_FOLDER / "plotly-basic.min.js").as_uri()}"></script>'
        "<script>Plotly.newPlot('a', [{y: [1, 2]}], {}, {displayModeBar: false})</script>"
    )
    browser.get((tmp_path / "a.html").as_uri())
    rules = "return [...document.getElementById('plotly.js-style-global').sheet.cssRules].map((rule) => rule.cssText)"
    added = wait(browser, lambda: browser.execute_script(rules))
    browser.get(site)
    assert wait(browser, lambda: browser.execute_script(rules)) == added
    assert len(added) > 50
