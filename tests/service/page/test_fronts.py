"""Questions and their fronts on the page, in a real browser, on a real service with a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import hwnas
from hwnas.service.forms import ParetoBody
from hwnas.service.fronts import front_id
from hwnas.spaces import get_space

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
ActionChains, By, Keys = webdriver.ActionChains, webdriver.common.by.By, webdriver.Keys


def test_a_question_gives_a_front(page: Any, site: str) -> None:
    assert page.title() == "nasbench201 on cifar10, jetson-tx2, energy ≤ 20 mJ"
    page.choose("device", "raspi4")
    assert not page.one("input[name=budget_mj]").is_enabled(), "its energy was not measured"
    page.one("input[name=budget_ms]").send_keys("12")
    page.one("#question button[type=submit]").click()
    page.wait(lambda: page.title() == "nasbench201 on cifar10, raspi4, latency ≤ 12 ms")
    listed = [float(cell.text.split(" ")[0]) for cell in page.some("table.nets tbody td:nth-child(3)")]
    assert len(listed) == 20 and max(listed) <= 12 and listed == sorted(listed)
    expected = hwnas.pareto("raspi4", budget_ms=12, proxies=["auto", "zen"], dataset="cifar10").fronts[0].nets
    assert [int(button.text) for button in page.some("table.nets button.link")] == [net.index for net in expected]
    # The address keeps the question.
    address = page.current_url
    page.get("about:blank")
    page.get(address)
    page.wait(lambda: page.title() == "nasbench201 on cifar10, raspi4, latency ≤ 12 ms")
    assert page.one("input[name=budget_ms]").get_attribute("value") == "12"


def test_a_space_without_a_list_is_searched_by_a_job_whose_front_is_shown(page: Any) -> None:
    page.choose("space", "fbnet")
    page.choose("device", "raspi4")
    page.one("input[name=budget_ms]").send_keys("60")
    assert not page.some("input[name=proxies]:checked"), "what would now be computed for hours was not ticked here"
    assert "None ticked: FLOPs, at once" in page.one("#question fieldset .about").text
    page.one("#question details.more summary").click()
    page.one("input[name=evaluations]").clear()
    page.one("input[name=evaluations]").send_keys("600")
    page.one("#question button[type=submit]").click()
    page.wait(lambda: ", a search of fbnet on cifar100 for raspi4: " in page.one("#underway").text)
    assert page.one("#question button[type=submit]").is_enabled() and "energy ≤ 20 mJ" in page.title()
    page.wait(lambda: page.title() == "fbnet on cifar100, raspi4, latency ≤ 60 ms")
    assert not page.one("#underway").is_displayed()
    listed = [float(cell.text.split(" ")[0]) for cell in page.some("table.nets tbody td:nth-child(3)")]
    assert len(listed) == 20 and max(listed) <= 60
    drawn = page.execute_script("return document.querySelector('#picture .plot').data.flatMap((trace) => trace.x)")
    assert min(drawn) == pytest.approx(min(listed), abs=0.06) and max(drawn) <= 60
    page.some("table.nets button.link")[4].click()
    arch = page.some("table.nets tbody tr")[4].find_elements(By.TAG_NAME, "code")[0].text
    page.wait(lambda: page.one("#network .arch").text == arch and len(page.some("tr.chosen")) == 1)
    # The address keeps the answer; a search that finds nothing says so, and the front stays.
    address = page.current_url
    page.get("about:blank")
    page.get(address)
    page.wait(lambda: page.title() == "fbnet on cifar100, raspi4, latency ≤ 60 ms")
    assert page.one("input[name=evaluations]").get_attribute("value") == "600"
    assert not page.some("input[name=proxies]:checked")
    budget = page.one("input[name=budget_ms]")
    budget.clear()
    budget.send_keys("0.001", Keys.ENTER)
    page.wait(lambda: page.one("#failure").is_displayed())
    assert "no net of fbnet" in page.one("#failure").text and "latency ≤ 60 ms" in page.title()


def test_devices_that_a_space_has_come_first_and_others_are_said_not_to_be_measured_there(page: Any) -> None:
    groups = """return [...document.querySelectorAll('#question select[name=device] optgroup')].map((group) =>
        [group.label, [...group.children].map((option) => option.value)])"""
    (known, here), (unknown, others) = page.execute_script(groups)
    assert (known, unknown) == ("known in nasbench201", "not measured there")
    assert "jetson-tx2" in here and "tesla-m60" in others and not {*here} & {*others}
    page.choose("space", "fbnet")
    assert "not measured in fbnet" in page.some("#question .about")[1].text
    (known, here), (_, others) = page.execute_script(groups)
    assert known == "known in fbnet" and "pixel3" in here and "jetson-tx2" in others
    assert page.one("#question select[name=device]").get_attribute("value") == "jetson-tx2", "what was chosen stays"


def test_numbers_of_the_picture_have_units_and_lie_over_no_mark(page: Any) -> None:
    assert "reference point\nenergy 20 mJ, accuracy " in page.one("#sources").text
    assert page.one("#sources").text.split("reference point\n")[1].split("\n")[0].endswith(" %")
    drawn = "const plot = document.querySelector('.frame .plot'); return plot._fullLayout.width - plot.clientWidth"
    for width in (1400, 390):
        page.resize(width, 1000)
        page.wait(lambda: abs(page.execute_script(drawn)) < 1)
        label, area = page.one(".budget-label").rect, page.one(".frame .nsewdrag").rect
        assert label["y"] + label["height"] <= area["y"] + 1
        assert label["x"] >= 0 and label["x"] + label["width"] <= width


def test_a_wrong_question_is_answered_in_words(page: Any) -> None:
    budget = page.one("input[name=budget_mj]")
    budget.clear()
    budget.send_keys("0.5", Keys.ENTER)
    page.wait(lambda: page.one("#failure").is_displayed())
    assert "raise the budget to at least that" in page.one("#failure").text
    assert "energy ≤ 20 mJ" in page.title(), "the last answer stays"
    assert f"Below is still the answer to: {page.title()}" in page.one("#failure").text
    page.get_log("browser")  # the browser reports the refusal as an error of its own


def test_the_budget_is_dragged_with_a_pointer_and_with_keys(page: Any) -> None:
    handle = page.one(".budget")
    assert handle.accessible_name == "Budget: energy in mJ" and handle.get_attribute("aria-valuenow") == "20"
    ActionChains(page.driver).drag_and_drop_by_offset(handle, -150, 0).perform()
    page.wait(lambda: "energy ≤ 20 mJ" not in page.title())
    budget = float(page.title().rpartition("≤ ")[2].removesuffix(" mJ"))
    assert 5 < budget < 19
    assert float(page.one("input[name=budget_mj]").get_attribute("value")) == budget
    listed = [float(cell.text.split(" ")[0]) for cell in page.some("table.nets tbody td:nth-child(3)")]
    assert listed and max(listed) <= budget
    page.one(".budget").send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.wait(lambda: float(page.title().rpartition("≤ ")[2].removesuffix(" mJ")) < budget)


def test_an_earlier_answer_does_not_take_the_line_out_of_ones_hand(page: Any) -> None:
    """Keys move it; before it is put down, what was asked before is drawn once more."""
    code = """
        const axis = { range: [0, 100], _offset: 0, _length: 500, c2p: (x) => 5 * x, p2c: (x) => x / 5 };
        const told = (window.told = []), energy = { id: "energy_mj", unit: "mJ", bound: 20 };
        const handle = its.makeBudgetHandle(document.body, { _fullLayout: { xaxis: axis, yaxis: axis } }, (value) =>
            told.push(value));
        handle.place(energy);
        document.body.lastChild.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
        handle.place(energy);
        return null;
    """
    page.in_page("budget_handle.js", code)
    assert page.wait(lambda: page.execute_script("return window.told")) == [19]


def place_of(browser: Any, row: int) -> tuple[float, float]:
    """Where in the window the net in a row of the shown list is drawn, by the axes of the picture."""
    cells = [cell.text for cell in browser.some(f"table.nets tbody tr:nth-child({row}) td")]
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


def test_a_point_shows_its_network_which_can_be_taken_along(page: Any, downloads: Path) -> None:
    onnx = pytest.importorskip("onnx")
    if not page.some("table.nets tbody td:nth-child(6)")[0].text.replace(".", "").isdigit():
        pytest.skip("without true accuracies a point has no place that the list tells")
    index = page.some("table.nets button.link")[9].text
    page.press_at(*place_of(page, 10))
    page.wait(lambda: page.one("#network h2").text == f"Network {index}")
    page.wait(lambda: page.some("#network details.layers"))
    panel = page.one("#network").text
    assert "energy" in panel and "mJ" in panel and "predicted by" in panel and "score by zen" in panel
    cell = page.one("#network svg.cell")
    arch = get_space("nasbench201").strings(get_space("nasbench201").vector(np.array([int(index)])))[0]
    assert page.one("#network .arch").text == arch
    assert cell.accessible_name.count(" to ") == 6
    chosen = [row.get_attribute("data-index") for row in page.some("tr.chosen")]
    assert chosen == [index]
    page.one("#onnx").click()
    path = downloads / f"nasbench201-{index}.onnx"
    page.wait(path.is_file)
    onnx.checker.check_model(onnx.load(path))


def test_fronts_are_kept_to_compare(page: Any) -> None:
    keep = page.some("#answer-actions button")[0]
    keep.click()
    for budget in ("15", "12"):
        field = page.one("input[name=budget_mj]")
        field.clear()
        field.send_keys(budget, Keys.ENTER)
        page.wait(lambda budget=budget: page.title().endswith(f"≤ {budget} mJ"))
        keep.click()
    page.wait(lambda: len(page.some("#kept .chip")) == 3)
    assert len(page.some("#kept .charts .plot")) == 1, "the same axes: one picture"
    page.choose("device", "raspi4")
    page.one("#question button[type=submit]").click()
    page.wait(lambda: "raspi4" in page.title())
    keep.click()
    page.wait(lambda: len(page.some("#kept .charts .plot")) == 2)
    assert not keep.is_enabled(), "four at most"
    page.some("#kept .chip button")[1].click()
    page.wait(lambda: len(page.some("#kept .chip")) == 3 and keep.is_enabled())


def test_further_costs_are_asked_for_and_the_address_keeps_them(page: Any, site: str) -> None:
    page.one("#question details.more summary").click()
    add = page.one("#question .further + button")
    add.click()
    page.some("select[name=cost]")[0].find_element(By.CSS_SELECTOR, "[value=params]").click()
    assert not page.some("select[name=cost_device]")[0].is_enabled(), "parameters are of no device"
    page.some("input[name=cost_bound]")[0].send_keys("600000")
    add.click()
    page.some("select[name=cost]")[1].find_element(By.CSS_SELECTOR, "[value=latency_ms]").click()
    page.some("select[name=cost_device]")[1].find_element(By.CSS_SELECTOR, "[value=raspi4]").click()
    page.ask()
    page.wait(lambda: "params ≤ 6e+5" in page.title() or "params ≤ 600000" in page.title())
    asked = ParetoBody(
        device="jetson-tx2",
        dataset="cifar10",
        budget_mj=20.0,
        proxies=["auto", "zen"],
        objectives=["params=600000", "latency_ms.raspi4"],
    )
    front = httpx.get(f"{site}/v1/fronts/{front_id(asked)}").json()
    assert [objective["id"] for objective in front["objectives"]][1:] == ["params", "latency_ms.raspi4"]
    shown = [int(button.text) for button in page.some("table.nets")[0].find_elements(By.CSS_SELECTOR, "button.link")]
    assert shown == [net["index"] for net in front["fronts"][0]["nets"]]
    address = page.current_url
    page.get("about:blank")
    page.get(address)
    page.wait(lambda: page.shown("within budget"))
    assert page.some("input[name=cost_bound]")[0].get_attribute("value") == "600000"
    assert page.some("select[name=cost_device]")[1].get_attribute("value") == "raspi4"
    page.one("#question details.more summary").click()
    page.some("button[aria-label='Remove this cost']")[0].click()
    assert [cost.get_attribute("value") for cost in page.some("select[name=cost]")] == ["latency_ms"]
    assert page.switch_to.active_element.text == "Add a cost", "the keyboard stays in the form"


def test_the_address_of_a_front_that_is_no_longer_kept_says_so(page: Any, site: str) -> None:
    gone = ParetoBody(device="raspi4", space="fbnet", budget_ms=77.0, proxies=["zen"], seed=4, evaluations=300)
    page.get("about:blank")
    page.get(f"{site}#fronts/{front_id(gone)}")
    page.wait(lambda: page.one("#failure").is_displayed())
    assert "that was pruned since" in page.one("#failure").text and "asks the question" in page.one("#failure").text
    fields = ("space", "device", "budget_ms", "budget_mj", "evaluations", "seed")
    assert [page.one(f"[name={name}]").get_attribute("value") for name in fields] == [
        *("fbnet", "raspi4", "77", "", "300", "4")
    ]
    page.get("about:blank")
    page.get(f"{site}#fronts/nothing")
    page.wait(lambda: page.one("#failure").is_displayed())
    assert "expected the `id` of an answer" in page.one("#failure").text
    page.get_log("browser")  # the browser reports each refusal as an error of its own
