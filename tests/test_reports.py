"""The report in one file: complete, self-contained, the same each time, and safe with any name in it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hwnas
from hwnas.outputs import save
from hwnas.pictures import COLOURS
from hwnas.reports import PAGE_FOLDER, one_script, report, report_data
from hwnas.results import Candidates, ParetoResult
from hwnas.spaces import get_space

# What `plotly.js-basic-dist-min` 4.1.1 has as `package/plotly-basic.min.js`.
PLOTLY_SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"


@pytest.fixture
def result(shipped: Path) -> ParetoResult:
    return hwnas.pareto("tx2", budget_mj=20, proxies=["zen", "synflow"], nets=6)


def data_of(text: str) -> dict:
    """What the scripts of a report would read."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(found)


def test_plotly_is_the_published_file() -> None:
    content = (PAGE_FOLDER / "plotly-basic.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == PLOTLY_SHA256
    assert b"plotly.js (basic - minified) v4.1.1" in content[:200]
    assert "plotly.js 4.1.1" in (PAGE_FOLDER.parents[2] / "NOTICE").read_text()


def test_the_file_needs_nothing_else(result: ParetoResult, tmp_path: Path) -> None:
    save(result, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text == report(result), "the same result gives the same file"
    ours = text.replace((PAGE_FOLDER / "plotly-basic.min.js").read_text(encoding="utf-8"), "")
    assert not re.search(r"<(script|link|img|iframe)[^>]*\s(src|href)=", ours)
    assert not re.search(r"^\s*(import|export)\b", ours, re.M) and "@import" not in ours and "url(" not in ours
    assert "default-src 'none'" in ours and "connect-src" not in ours
    assert len(text) < 4_000_000


def test_the_data_are_the_answer(result: ParetoResult) -> None:
    data = data_of(report(result))
    assert data["result"] == json.loads(result.to_json())
    columns, candidates = data["candidates"], result.candidates
    assert candidates is not None
    assert columns["index"] == list(range(15_625)) and columns["feasible"] == candidates.feasible.tolist()
    assert np.allclose(columns["costs"]["energy_mj"], candidates.costs["energy_mj"], rtol=6e-4)
    zen = np.array(columns["scores"]["zen"], dtype=float)
    finite = np.isfinite(candidates.scores["zen"])
    assert not finite.all() and np.array_equal(np.isfinite(zen), finite), "minus infinity is null"
    assert columns["accuracy_percent"] is None
    listed = {net.index: net.arch for front in result.fronts for net in front.nets}
    assert {int(index): drawing["arch"] for index, drawing in data["drawings"].items()} == listed


def test_any_cell_can_be_drawn_from_its_index(result: ParetoResult) -> None:
    """The page reads an index as digits in base 5; so do the strings of the benchmark."""
    cell = report_data(result)["cell"]
    space = get_space("nasbench201")
    for index in (0, 1, 1462, 15_624):
        digits = [int(digit) for digit in np.base_repr(index, 5).zfill(6)]
        words = [f"{cell['operations'][d]}~{start}" for d, (start, _) in zip(digits, cell["edges"], strict=True)]
        written = "|{}|+|{}|{}|+|{}|{}|{}|".format(*words)
        assert space.index(space.parse([written])).tolist() == [index]


def test_fewer_rows_are_spread_evenly() -> None:
    n = 100
    columns = Candidates(
        costs={"energy_mj": np.arange(n) / 3},
        scores={"zen": np.where(np.arange(n) == 0, -np.inf, np.arange(n, dtype=float))},
        accuracy_percent=np.full(n, np.nan),
        feasible=np.arange(n) < 50,
    ).columns(most=4, digits=3)
    assert columns["index"] == [0, 33, 66, 99] and columns["feasible"] == [True, True, False, False]
    assert columns["costs"]["energy_mj"] == [0.0, 11.0, 22.0, 33.0]
    assert columns["scores"]["zen"] == [None, 33.0, 66.0, 99.0] and columns["accuracy_percent"] == [None] * 4


def test_without_candidates_there_are_still_fronts(result: ParetoResult) -> None:
    data = data_of(report(replace(result, candidates=None)))
    assert data["candidates"] is None and data["result"]["fronts"]


def test_a_name_cannot_become_markup(result: ParetoResult) -> None:
    evil = '</script><script>alert("1")</script><!--'
    text = report(replace(result, notes=(evil,), device=evil))
    assert evil not in text and data_of(text)["result"]["notes"] == [evil]
    assert "&lt;/script&gt;" in text, "the title"


def test_a_script_has_each_module_once_after_what_it_needs() -> None:
    script = one_script("report.js")
    names = re.findall(r"^// (\w+\.js)$", script, re.M)
    assert len(names) == len(set(names)) and names[-1] == "report.js"
    for name in names:
        needed = re.findall(r'from "\./(\w+\.js)"', (PAGE_FOLDER / name).read_text(encoding="utf-8"))
        assert all(names.index(other) < names.index(name) for other in needed)
    defined = re.findall(r"^(?:async )?(?:function|const|let) (\w+)", script, re.M)
    assert sorted(set(defined)) == sorted(defined), "one name for one thing: modules share a scope here"


def test_colours_are_those_of_the_pictures() -> None:
    style = (PAGE_FOLDER / "look.css").read_text(encoding="utf-8")
    light = re.findall(r"--series-\d: (#\w+);", style)[:6]
    assert [colour.upper() for colour in light] == [colour.upper() for colour in COLOURS]


def test_files_of_the_page_are_short_enough_to_read_and_set_text_as_text() -> None:
    for path in sorted(PAGE_FOLDER.glob("*.*s")):
        if "plotly" in path.name:
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        assert len(lines) <= 300, path.name
        assert path.suffix == ".css" or max(map(len, lines)) <= 120, path.name
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in text, f"{path.name}: {word}"


def test_the_page_has_no_inline_script_or_style() -> None:
    text = (PAGE_FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", text)
    assert not re.search(r"https?://", text)
    for name in re.findall(r'(?:src|href)="/page/([^"]+)"', text):
        assert (PAGE_FOLDER / name).is_file(), name
