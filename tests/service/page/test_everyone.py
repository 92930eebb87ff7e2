"""The page for everyone: on a phone, with the keyboard, with names for screen readers."""

from __future__ import annotations

from typing import Any

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
ActionChains, Keys = webdriver.ActionChains, webdriver.Keys


def test_every_part_fits_a_phone_and_every_control_has_a_name(page: Any) -> None:
    page.resize(360, 740)
    for part in ("fronts", "jobs", "devices", "model"):
        page.one(f"nav a[href='#{part}']").click()
        # Pictures take their new size a moment after the window has it.
        page.wait(lambda: page.execute_script("return document.documentElement.scrollWidth") <= 360)
        tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        controls = [node for node in tree if focusable(node) and node["role"]["value"] != "RootWebArea"]
        assert len(controls) > 8
        assert [node["role"] for node in controls if not node["name"]["value"].strip()] == [], part


def test_on_a_phone_the_head_keeps_together_and_a_job_can_be_cancelled(page: Any) -> None:
    pytest.importorskip("torch")
    page.resize(390, 740)
    page.one("nav a[href='#jobs']").click()
    page.wait(lambda: page.one("#score-form input").send_keys("4000") or True)  # a job that no other test asks for
    page.one("#score-form button").click()
    row = page.unfinished_job()
    page.wait(lambda: page.some(f"tr[data-job='{row}'][data-state=running]"))
    name, docs = page.one(".bar .brand").rect, page.one(".bar .docs").rect
    assert docs["y"] < name["y"] + name["height"] and name["y"] < docs["y"] + docs["height"]
    inside = """
        const at = document.getElementById(arguments[0]).getBoundingClientRect();
        const card = document.querySelector("#job-list .scroll");
        return [at.left >= 0, at.right <= card.getBoundingClientRect().right + 0.5, card.scrollLeft];
    """
    assert page.execute_script(inside, f"cancel-{row}") == [True, True, 0]
    page.press(f"#cancel-{row}")
    page.wait(lambda: page.some(f"tr[data-job='{row}'][data-state=cancelled]"))


def focusable(node: dict[str, Any]) -> bool:
    found = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", [])}
    return not node["ignored"] and found.get("focusable") is True


def test_the_page_is_used_with_the_keyboard_alone(page: Any) -> None:
    """From the top: the skip link, the parts, then the question in the order of its fields; what has focus is seen."""
    names = []
    for _ in range(9):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        focused = page.switch_to.active_element
        names.append(focused.get_attribute("name") or focused.get_attribute("href").rpartition("/")[2])
        assert focused.value_of_css_property("outline-style") != "none", names[-1]
    parts = ["#fronts", "#jobs", "#devices", "#model"]
    assert names == ["#main", *parts, "docs", "space", "device", "dataset"]
