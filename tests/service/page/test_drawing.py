"""What the page writes and draws is what the library says, and a report shows the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwnas
from hwnas.api.accuracy import Accuracy
from hwnas.api.listings import list_spaces
from hwnas.outputs import save
from hwnas.pictures import _draw
from hwnas.render import cost_cells
from hwnas.results import CostResult
from hwnas.spaces import get_space
from hwnas.spaces.four_node_cells import live_edges
from hwnas.spaces.nasbench201_cells import OPERATIONS


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
            written = page.in_page("numbers.js", "return its.costColumn(values[0])", plain)
            assert [cell.replace("–", "-") for cell in written] == cost_cells(costs)


def test_every_cell_is_drawn_as_the_library_reads_it(page: Any) -> None:
    """Operations and live edges of all 15,625 indices."""
    space = get_space("nasbench201")
    (listed,) = [entry for entry in list_spaces() if entry["name"] == space.name]
    code = """
        return [...Array(15625).keys()].map((index) => its.cellOf(index, values[0])).map((cell) =>
            [cell.operations.join(" "), its.liveEdges(cell).map(Number).join("")]);
    """
    drawn = page.in_page("cell_picture.js", code, listed["cell"])
    vectors = space.all_vectors()
    assert [words for words, _ in drawn] == [" ".join(OPERATIONS[c] for c in row) for row in vectors.tolist()]
    live = live_edges(vectors).astype(int).tolist()
    assert [flags for _, flags in drawn] == ["".join(map(str, row)) for row in live]


def test_a_report_works_from_a_file_alone(browser: Any, tmp_path: Path) -> None:
    result = hwnas.pareto("jetson-tx2", budget_mj=20, proxies=["zen", "synflow"], nets=8)
    save(result, tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    browser.wait(lambda: browser.shown("synflow"))
    assert browser.one("h1").text == "nasbench201 on cifar10, jetson-tx2, energy ≤ 20 mJ"
    net = result.front("zen").nets[3]
    browser.some("table.nets button.link")[3].click()
    assert browser.one("#network h2").text == f"Network {net.index}"
    assert browser.one("#network .arch").text == net.arch
    browser.one("#network summary").click()
    assert "stem.0" in browser.one("#network details").text
    energy = net.costs["energy_mj"]
    assert f"[{energy.lower:.1f}, {energy.upper:.1f}]" in browser.one("#network").text
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if not name.startswith(("data:", "blob:"))] == []


def test_a_report_of_a_searched_space_shows_the_scores_of_the_lists(browser: Any, tmp_path: Path) -> None:
    result = hwnas.pareto("titan-rtx", space="fbnet", budget_ms=8.5, evaluations=60, proxies=["params"], nets=3)
    save(result, tmp_path / "searched.html")
    browser.get((tmp_path / "searched.html").as_uri())
    browser.wait(lambda: browser.shown("params"))
    assert "latency against score by params; version" in browser.one(".head .note").text
    for row, net in enumerate(result.front("params").nets):
        browser.some("table.nets button.link")[row].click()
        assert net.score is not None
        browser.wait(lambda arch=net.arch: browser.one("#network .arch").text == arch)
        told = browser.one("#network .facts").text
        assert f"score by params\n{net.score:,.0f}" in told and "not scored" not in told


def test_axes_end_where_those_of_the_pictures_end(page: Any, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = pytest.importorskip("matplotlib.figure", reason="needs the extra plot")
    percent = np.random.default_rng(0).uniform(60, 94, 15_625)
    monkeypatch.setattr("hwnas.api.study.true_accuracy", lambda *_: Accuracy(percent=percent, source="made up"))
    code = """
        const [result, candidates] = values, axes = its.axesOf(result);
        return its.ranges(result, axes, its.cloudOf(candidates, axes), its.shownFronts(result));
    """
    for budget in (8.0, 20.0, 55.0, 300.0):
        result = hwnas.pareto("tx2", budget_mj=budget, proxies=["zen"], nets=8)
        assert result.candidates is not None
        axes = figure.Figure().subplots()
        _draw(axes, result)
        found = page.in_page(
            "front_points.js", code, result.to_dict(), result.candidates.columns(most=20_000, digits=9)
        )
        np.testing.assert_allclose(found["x"], axes.get_xlim(), rtol=1e-6)
        np.testing.assert_allclose(found["y"], axes.get_ylim(), rtol=1e-6)


def test_nets_below_the_picture_are_counted_and_can_be_pressed(browser: Any, tmp_path: Path) -> None:
    result = hwnas.pareto("jetson-tx2", budget_mj=20, proxies=["flops"], nets=8)
    front = result.front("flops")
    known = front.nets[2].accuracy_percent is not None  # with the extra truth
    low = replace(front.nets[2], score=-1e9, accuracy_percent=1.0 if known else None)
    fronts = tuple(replace(f, nets=(*f.nets[:2], low, *f.nets[3:])) if f is front else f for f in result.fronts)
    save(replace(result, fronts=fronts), tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    browser.wait(lambda: browser.shown(" below"))
    nets = 1 + sum(net.accuracy_percent is not None and net.accuracy_percent < 50 for net in front.nets)
    assert browser.shown(f"8 nets, {nets} below")
    place = browser.execute_script(
        """
        const plot = document.querySelector(".plot"), box = plot.getBoundingClientRect(), layout = plot._fullLayout;
        return [box.left + layout.xaxis._offset + layout.xaxis.c2p(arguments[0]),
            box.top + layout.yaxis._offset + layout.yaxis._length];
        """,
        low.costs["energy_mj"].mean,
    )
    browser.press_at(place[0], place[1] - 4)
    browser.wait(lambda: browser.one("#network h2").text == f"Network {low.index}")


def test_the_budget_of_a_searched_space_is_in_the_picture(browser: Any, tmp_path: Path) -> None:
    """What a search looked at may all lie within the budget; it is named only where it is far beyond."""
    result = hwnas.pareto("titan-rtx", space="fbnet", budget_ms=8.5, evaluations=60, proxies=["params"], nets=3)
    assert result.candidates is not None
    most = np.nanmax(result.candidates.costs["latency_ms"][~np.isnan(result.candidates.scores["params"])])
    for budget, says in ((1.1 * most, False), (9 * most, True)):
        (objective,) = result.objectives
        save(replace(result, objectives=(replace(objective, bound=float(budget)),)), tmp_path / "report.html")
        browser.get((tmp_path / "report.html").as_uri())
        browser.wait(lambda: browser.shown("3 nets"))
        assert browser.shown("beyond the picture") == says
        right = browser.execute_script("return document.querySelector('.plot')._fullLayout.xaxis.range[1]")
        assert (right > budget) != says and right > most


def test_a_search_that_listed_nothing_is_not_told_of_as_costs_that_judge(browser: Any, tmp_path: Path) -> None:
    result = hwnas.pareto("titan-rtx", space="fbnet", budget_ms=8.5, evaluations=60, proxies=["params"], nets=3)
    save(replace(result, fronts=tuple(replace(front, nets=()) for front in result.fronts)), tmp_path / "none.html")
    browser.get((tmp_path / "none.html").as_uri())
    browser.wait(lambda: browser.shown("0 nets"))
    said = [part.text for part in browser.some(".card .note")]
    assert "No network: none that the search looked at keeps the budget." in said
    assert browser.one("#network h2").text == "No network chosen"


def test_the_style_sheet_of_plotly_has_the_rules_that_it_would_add(browser: Any, site: str, tmp_path: Path) -> None:
    from hwnas.reports import PAGE_FOLDER

    (tmp_path / "a.html").write_text(
        f'<div id="a"></div><script src="{(PAGE_FOLDER / "plotly-basic.min.js").as_uri()}"></script>'
        "<script>Plotly.newPlot('a', [{y: [1, 2]}], {}, {displayModeBar: false})</script>"
    )
    browser.get((tmp_path / "a.html").as_uri())
    rules = "return [...document.getElementById('plotly.js-style-global').sheet.cssRules].map((rule) => rule.cssText)"
    added = browser.wait(lambda: browser.execute_script(rules))
    browser.get(site)
    assert browser.wait(lambda: browser.execute_script(rules)) == added
    assert len(added) > 50
