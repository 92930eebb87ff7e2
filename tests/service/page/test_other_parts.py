"""The page's parts beside the fronts: jobs, devices, models."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.spaces import get_space


def test_a_job_is_seen_cancelled_and_resumed(page: Any) -> None:
    pytest.importorskip("torch")
    page.one("nav a[href='#jobs']").click()
    page.one("#score-form button").click()
    row = page.unfinished_job()
    one_job = f"tr[data-job='{row}']"
    page.wait(lambda: page.one(f"{one_job}[data-state=running]"))
    page.wait(
        lambda: page.some(f"{one_job} progress[max]") and page.one(f"{one_job} progress").get_attribute("value") != "0",
    )
    assert page.one("#running").text == "1"
    page.press(f"#cancel-{row}")
    page.wait(lambda: page.some(f"{one_job}[data-state=cancelled]"))
    page.press(f"#resume-{row}")
    page.wait(lambda: page.some(f"{one_job}[data-state=running], {one_job}[data-state=queued]"))
    page.press(f"#cancel-{row}")
    page.wait(lambda: page.some(f"{one_job}[data-state=cancelled]") and not page.one("#running").is_displayed())


def test_measurements_become_a_device_whose_fit_is_seen(
    page: Any, board: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    space = get_space("nasbench201")
    vectors = space.sample(12, seed=3)
    with (tmp_path / "mine.csv").open("w", newline="") as file:
        rows = zip(space.strings(vectors), board(space, vectors).round(4).tolist(), strict=True)
        csv.writer(file).writerows([("architecture", "latency_ms"), *rows])
    page.one("nav a[href='#devices']").click()
    page.one("#device-form input[name=name]").send_keys("desk-board")
    page.one("#device-form input[type=file]").send_keys(str(tmp_path / "mine.csv"))
    page.one("#device-form button").click()
    page.wait(lambda: "how well the model fits" in page.one("#fit").text)
    page.wait(lambda: page.some("#fit .plot .main-svg"))
    text = page.one("#fit").text
    assert "median error, each left out" in text and "networks measured\n12" in text
    drawn = page.execute_script("return document.querySelector('#fit .plot').data[1].x")
    assert drawn == pytest.approx(board(space, vectors), abs=1e-4)
    page.wait(lambda: "desk-board" in page.one("#device-list").text)
    page.one("nav a[href='#fronts']").click()
    page.choose("device", "desk-board")
    page.one("#question button[type=submit]").click()
    page.wait(lambda: "desk-board" in page.title())


def test_a_model_that_cannot_be_predicted_is_refused_in_words(page: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"this is no model")
    page.one("nav a[href='#model']").click()
    page.one("#model-form input[type=file]").send_keys(str(tmp_path / "broken.onnx"))
    page.one("#model-form button").click()
    page.wait(lambda: page.some("#kernels .failure"))
    assert len(page.one("#kernels .failure").text) > 20
    page.get_log("browser")


def test_a_device_whose_costs_are_known_by_kernel_alone_says_so(page: Any) -> None:
    page.one("nav a[href='#devices']").click()
    cells = "return [...document.querySelectorAll('#device-list tbody tr')].map((row) => [...row.cells].map((cell) => "
    listed = {row[0]: row[2] for row in page.wait(lambda: page.execute_script(f"{cells}cell.textContent))"))}
    assert (listed["tesla-m60"], listed["jetson-tx2"]) == ("by kernel", "latency, energy")


def test_only_devices_that_can_answer_are_offered_and_the_file_keeps_its_name(page: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from hwnas.graphs.onnx_file import onnx_bytes

    space = get_space("nas-bench-macro")
    (tmp_path / "my own.onnx").write_bytes(onnx_bytes(space.graph(space.sample(1, seed=0)[0], dataset="cifar10")))
    page.one("nav a[href='#model']").click()
    offered = "#model-form select[name=device] option"
    page.wait(lambda: page.some(offered))
    assert [option.text for option in page.some(offered)] == ["gtx-1080-ti", "tesla-m60", "tesla-p100", "tesla-v100"]
    page.one("#model-form input[type=file]").send_keys(str(tmp_path / "my own.onnx"))
    page.one("#model-form button").click()
    page.wait(lambda: page.some("#kernels h2"))
    assert page.one("#kernels h2").text == "my own.onnx on gtx-1080-ti"
    assert "/" not in page.one("#kernels h2").text


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
        "uncovered": [
            {"kind": "einsum", "count": 2, "macs_percent": 3.0, "bytes_percent": 1.0, "lack": "no model"},
            {"kind": "relu", "count": 1, "macs_percent": 0.0, "bytes_percent": 0.0, "lack": "shape not known"},
        ],
        "lower_bound": False,
        "macs_lower_bound": False,
        "notes": [evil],
    }
    page.one("nav a[href='#model']").click()
    code = "const card = document.getElementById('kernels'); card.hidden = false; its.showKernels(card, values[0]);"
    page.in_page("model_part.js", f"{code} return null", answer)
    text = page.one("#kernels").text
    assert "net.onnx on my-board" in text and "2.00 [1.60, 2.50] ms" in text and "118.01" in text and "75.0 %" in text
    assert "2 kernels of kind einsum" in text and "3.0 % of the MACs" in text and "channels × 1.5" in text
    assert "1 kernel of kind relu, shape not known: how much work" in text
    assert text.count(evil) == 2 and page.some("#kernels img") == [] and "at least" not in text
    page.in_page("model_part.js", f"{code} return null", {**answer, "lower_bound": True, "macs_lower_bound": True})
    text = page.one("#kernels").text
    assert "at least 2.00 ms" in text and "at least 4,000 million" in text
