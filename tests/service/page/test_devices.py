"""The page's part "Devices": measurements become a device; what is wrong or in doubt is said in words of the page."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from hwnas.devices.card import Kind
from hwnas.latency.methods import METHODS
from hwnas.spaces import get_space


@pytest.fixture
def measured(tmp_path: Path, board: Callable[..., np.ndarray]) -> Callable[..., Path]:
    """`measured(name, factor=f, energy=e)`: twelve networks on a made-up board, latencies times f, energies e of it."""
    space = get_space("nasbench201")

    def write(name: str, *, factor: float = 1.0, energy: float | None = None, chance: bool = False) -> Path:
        vectors = space.sample(12, seed=11)
        latency = board(space, vectors)
        if chance:
            latency = np.random.default_rng(0).uniform(2, 30, 12)
        columns: list[Sequence[Any]] = [space.strings(vectors), (latency * factor).tolist()]
        columns += [] if energy is None else [(latency * energy).tolist()]
        with (tmp_path / name).open("w", newline="") as file:
            head = ("architecture", "latency_ms", "energy_mj")[: len(columns)]
            csv.writer(file).writerows([head, *zip(*columns, strict=True)])
        return tmp_path / name

    return write


def upload(page: Any, name: str, path: Path) -> str:
    """What the page says once a device was asked for."""
    page.execute_script("document.getElementById('fit').replaceChildren()")
    for field, value in (("name", name), ("measurements", str(path))):
        page.one(f"#device-form input[name={field}]").clear()
        page.one(f"#device-form input[name={field}]").send_keys(value)
    page.one("#device-form button.main").click()
    said = page.wait(lambda: page.one("#device-form button.main").is_enabled() and page.one("#fit").text)
    page.get_log("browser")  # a refusal is an error to the browser
    return str(said)


@pytest.fixture
def devices(page: Any) -> Any:
    """The page at its devices."""
    page.one("nav a[href='#devices']").click()
    return page


def test_seconds_are_not_taken_for_milliseconds_until_somebody_says_so(
    devices: Any, measured: Callable[..., Path]
) -> None:
    path = measured("in seconds.csv", factor=1e-3)
    said = upload(devices, "clock-board", path)
    assert said.startswith("in seconds.csv: expected latencies in ms")
    assert "is the unit s? name the column latency_s, or say by “Unit of latencies: ms”" in said and "--" not in said
    devices.one("#device-form select[name=unit] option[value=s]").click()
    said = upload(devices, "clock-board", path)
    assert said.startswith("in seconds.csv: expected “Unit of latencies: ms”, as the column latency_ms says, got s")
    path.write_text(path.read_text().replace("latency_ms", "latency_s"))
    assert "clock-board: how well the model fits" in upload(devices, "clock-board", path)
    devices.wait(lambda: devices.some("#fit .plot .main-svg"))
    drawn = devices.execute_script("return document.querySelector('#fit .plot').data[1]")
    assert np.median(np.array(drawn["y"]) / np.array(drawn["x"])) == pytest.approx(1, rel=0.2)  # both in ms


def test_energies_in_joule_are_asked_about_where_the_page_has_the_field(
    devices: Any, measured: Callable[..., Path]
) -> None:
    path, more = measured("mine.csv", energy=5e-3), "#device-form details"
    assert devices.one(more).get_attribute("open") is None
    assert "name the column energy_j, or say by “Unit of energies: mJ”" in upload(devices, "joule-board", path)
    assert devices.one(more).get_attribute("open") == "true"
    devices.one("#device-form select[name=energy_unit] option[value=J]").click()
    path.write_text(path.read_text().replace("energy_mj", "energy"))
    assert "energy\n5.00 W times the latency (measured)" in upload(devices, "joule-board", path)
    assert "If the name is taken: add to its measurements" in upload(devices, "joule-board", measured("mine.csv"))


def test_a_name_that_is_taken_gets_more_measurements_a_title_and_a_kind(
    devices: Any, measured: Callable[..., Path]
) -> None:
    name = f"grown-{'board' * 10}"
    upload(devices, name, measured("first.csv"))
    devices.one("#device-form summary").send_keys(" ")  # the keyboard unfolds it
    devices.one("#device-form select[name=taken] option[value=add]").click()
    devices.one("#device-form select[name=kind] option[value=phone]").click()
    devices.one("#device-form input[name=title]").send_keys("A phone of ours")
    assert name in upload(devices, name, measured("second.csv", factor=1.01))
    assert "A phone of ours" in devices.one("#device-list").text
    width = "const box = document.querySelector('#device-list .scroll'); return box.scrollWidth - box.clientWidth"
    assert devices.execute_script(width) <= 0, "a long name hides no column"


def test_doubts_stand_above_the_figures_and_everybody_sees_them(devices: Any, measured: Callable[..., Path]) -> None:
    said = upload(devices, "dice-board", measured("dice.csv", chance=True))
    assert said.index("In doubt: do not choose networks by dice-board") < said.index("networks measured")
    doubt = "no better than chance"
    assert said.count(doubt) == 1 and doubt in devices.one("#fit .warning").text
    devices.refresh()
    assert "leave-one-out error" in devices.wait(lambda: devices.one("#device-list").text)
    devices.press("button[aria-label='How well the model fits of dice-board']")
    assert doubt in devices.wait(lambda: devices.one("#fit .warning").text)
    devices.wait(lambda: devices.some("#fit .plot .main-svg"))
    devices.press("button[aria-label='Remove dice-board']")
    devices.switch_to.alert.accept()
    devices.wait(lambda: "dice-board" not in devices.one("#device-list").text)
    assert not devices.one("#fit").is_displayed()
    devices.wait(lambda: devices.some("#question option[value=dice-board]") == [])


def test_several_rounds_of_some_networks_are_said_to_be_of_some(devices: Any) -> None:
    figures = {"nets": 12, "spearman": 0.9, "median_error_percent": 5.0, "within_10_percent": 90.0}
    answer = {
        **{"device": "some-board", "space": "nasbench201", "dataset": "cifar10", "nets": 12, "known_devices": 17},
        **{"method": "latent", "width_percent": 20.0, "repeat_error_percent": 3.0, "repeat_error_nets": 4},
        **{"left_out": {**figures, "coverage_percent": None}, "checked": None, "suspects": [], "doubts": []},
        **{"energy": {"source": "not measured", "reason": "no meter", "suspects": []}, "notes": ["--batch-size does"]},
    }
    show = "its.showFit(document.getElementById('fit'), values[0], {measured: []}); return null"
    devices.in_page("device_fit.js", show, answer)
    said = devices.one("#fit").text
    assert "3.00 %, of the 4 of 12 networks with several rounds" in said and "“Images per run” does" in said
    assert devices.some("#fit .warning") == []
    devices.in_page("device_fit.js", show, {**answer, "repeat_error_nets": 12})
    assert "of the 12 of 12" not in devices.one("#fit").text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("measurements-2.csv, row 2: which unit? (--unit)", "b.csv, row 2: which unit? (“Unit of latencies”)"),
        ("measurements-3.json: no", "measurements-3.json: no"),
        (
            "is it rather --unit s --energy-unit uJ? say so by --unit and --energy-unit",
            "is it rather “Unit of latencies: s” and “Unit of energies: µJ”? say so by “Unit of latencies” and “Unit "
            "of energies”",
        ),
        ("with --unit us --replace", "with “Unit of latencies: µs” and “If the name is taken: replace the device”"),
        ("compare `--method alone` under another --name", "compare “Model: alone” under another “Name”"),
        ("first: `hwnas devices a --remove`, --names, x--add", None),
        ("make them by `hwnas plan --batch-size 4 --name x`", None),
    ],
)
def test_options_become_fields_and_files_have_their_own_names(page: Any, said: str, shown: str | None) -> None:
    code = "return its.pageWords(values[0], [{name: 'a.csv'}, {name: 'b.csv'}])"
    assert page.in_page("page_words.js", code, said) == (shown or said)
    code = "return its.pageWords('measurements-2.csv, row 2: no', values[0], 'my-board')"
    assert page.in_page("page_words.js", code, []) == "file 2 of my-board, row 2: no"
    assert page.in_page("page_words.js", code, [{}, {"name": "b.csv"}]) == "b.csv, row 2: no"


def test_a_job_that_failed_names_no_file_of_the_servers(devices: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("architecture,latency_ms\n1,2\n2,-3\n3,4\n")
    assert "mine.csv, row 3: expected a latency above 0" in upload(devices, "minus-board", tmp_path / "mine.csv")
    devices.refresh()
    devices.one("nav a[href='#jobs']").click()
    (row,) = devices.wait(
        lambda: [one.text for one in devices.some("tr[data-job]") if "the device minus-board" in one.text]
    )
    assert "file 1 of minus-board, row 3: expected a latency above 0" in row and "measurements-1" not in row


def test_the_form_offers_what_the_service_takes(devices: Any) -> None:
    values = (
        "return [...document.querySelectorAll(`#device-form select[name=${arguments[0]}] option`)].map(o => o.value)"
    )
    assert {*devices.execute_script(values, "kind")} == {"", *get_args(Kind)} - {"not stated"}
    assert devices.execute_script(values, "method") == ["", *METHODS]
    assert devices.execute_script(values, "unit")[0] == devices.execute_script(values, "energy_unit")[0] == ""
