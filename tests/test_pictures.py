"""Pictures: the kinds of files, what is drawn, and that the same result gives the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hwnas
from hwnas.errors import UsageError
from hwnas.pictures import _ARROWHEAD, _draw, add_legend, picture
from hwnas.results import ParetoResult

figure = pytest.importorskip("matplotlib.figure", reason="needs the extra plot")


@pytest.fixture
def known(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> ParetoResult:
    """A result that is compared with made-up accuracies."""
    from hwnas.api import study
    from hwnas.api.accuracy import Accuracy

    percent = np.random.default_rng(0).uniform(60, 94, 15_625)
    monkeypatch.setattr(study, "true_accuracy", lambda *_: Accuracy(percent=percent, source="made up"))
    return hwnas.pareto("tx2", budget_mj=20, proxies=["zen", "synflow"], nets=8)


def drawn(result: ParetoResult):
    """The axes of the picture, before they become bytes."""
    axes = figure.Figure().subplots()
    _draw(axes, result)
    return axes


def legend(axes) -> list[str]:
    return axes.get_legend_handles_labels()[1]


def test_each_kind_of_file_is_what_its_name_says_and_the_same_each_time(known: ParetoResult) -> None:
    for suffix, start in (("png", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF-")):
        content = picture(known, suffix=suffix)
        assert content.startswith(start) and content == picture(known, suffix=suffix)
        assert len(content) < 500_000, "the candidates are one image, not 15,625 shapes"


def test_with_accuracies_all_fronts_share_one_axis(known: ParetoResult) -> None:
    axes = drawn(known)
    assert axes.get_xlabel() == "energy per inference (mJ)" and axes.get_ylabel() == "test accuracy (%)"
    assert "cifar10 on jetson-tx2" in axes.get_title(loc="left") and "predicted by GCN" in axes.get_title(loc="left")
    names = legend(axes)
    assert names[:3] == ["over budget", "within budget", "reference front (predicted cost)"]
    assert [name.split(",")[0] for name in names[3:6]] == ["params", "zen", "synflow"]
    share = known.front("zen").comparison.relative_hypervolume
    assert names[4] == f"zen, 8 nets (hypervolume {share:.2f})" and names[6:] == ["budget 20 mJ", "median of the space"]


def test_nets_below_the_axes_are_counted(known: ParetoResult) -> None:
    low = drawn(known).get_ylim()[0]
    front = known.front("zen")
    nets = (*(replace(net, accuracy_percent=low - 20) for net in front.nets[:3]), *front.nets[3:])
    fronts = tuple(replace(one, nets=nets) if one.name == "zen" else one for one in known.fronts)
    axes = drawn(replace(known, fronts=fronts))
    (name,) = [name for name in legend(axes) if name.startswith("zen")]
    assert name.startswith("zen, 8 nets, 3 below (hypervolume")
    (arrows,) = [line for line in axes.lines if line.get_marker() == _ARROWHEAD]
    assert arrows.get_xdata().tolist() == [net.costs["energy_mj"].mean for net in nets[:3]]
    assert set(arrows.get_ydata()) == {axes.get_ylim()[0]}


def test_a_net_that_lies_a_little_below_lengthens_the_axis(known: ParetoResult) -> None:
    low, high = drawn(known).get_ylim()
    front = known.front("zen")
    near = replace(front.nets[0], accuracy_percent=low - 0.15 * (high - low))
    fronts = tuple(replace(one, nets=(near, *one.nets[1:])) if one.name == "zen" else one for one in known.fronts)
    axes = drawn(replace(known, fronts=fronts))
    assert axes.get_ylim()[0] < near.accuracy_percent < low and "below" not in "".join(legend(axes))


@pytest.mark.parametrize(
    ("budget", "right", "far"), [(0.9, 1.03, ""), (1.0, 1.05, ""), (1.9, 1.05, ""), (2.1, 0, "far")]
)
def test_the_budget_is_in_the_picture_unless_it_is_far_beyond_all_costs(
    known: ParetoResult, budget: float, right: float, far: str
) -> None:
    assert known.candidates is not None
    most = float(known.candidates.costs["energy_mj"].max())
    (energy, *_) = known.objectives
    axes = drawn(replace(known, objectives=(replace(energy, bound=budget * most),)))
    (said,) = [name for name in legend(axes) if name.startswith("budget")]
    if far:
        assert said.endswith(", beyond the picture") and axes.get_xlim()[1] == pytest.approx(1.03 * most)
    else:
        assert "beyond" not in said and axes.get_xlim()[1] == pytest.approx(max(1.03, right * budget) * most)


def test_the_highest_cost_is_no_half_marker_at_the_edge(known: ParetoResult) -> None:
    assert known.candidates is not None
    (energy, *_) = known.objectives
    axes = drawn(replace(known, objectives=(replace(energy, bound=None),)))
    assert axes.get_xlim()[1] == pytest.approx(1.03 * known.candidates.costs["energy_mj"].max())


def test_points_lie_where_the_result_says(known: ParetoResult) -> None:
    axes = drawn(known)
    (zen,) = [line for line in axes.lines if str(line.get_label()).startswith("zen")]
    nets = known.front("zen").nets
    assert zen.get_xdata().tolist() == [net.costs["energy_mj"].mean for net in nets]
    assert zen.get_ydata().tolist() == [net.accuracy_percent for net in nets]
    (budget,) = [line for line in axes.lines if line.get_label() == "budget 20 mJ"]
    assert set(budget.get_xdata()) == {20.0} and budget.get_linestyle() == "--"
    (steps,) = [line for line in axes.lines if "reference front" in str(line.get_label())]
    assert (np.diff(steps.get_ydata()) >= 0).all() and steps.get_color() == "black"
    assert steps.get_ydata()[-1] == max(net.accuracy_percent for net in known.front("truth").nets)
    low, high = axes.get_ylim()
    assert low < known.reference_point["accuracy_percent"] < high


def test_without_accuracies_the_height_is_the_score_of_the_first_proxy(shipped: Path) -> None:
    result = hwnas.pareto("raspi4", proxies=["synflow", "zen"], nets=5)
    axes = drawn(result)
    assert axes.get_ylabel() == "score by synflow" and axes.get_xlabel() == "latency per inference (ms)"
    assert legend(axes) == ["all architectures", "synflow, 5 nets"]
    (line,) = [line for line in axes.lines if line.get_label() == "synflow, 5 nets"]
    assert line.get_ydata().tolist() == [net.score for net in result.front("synflow").nets]


def test_infinite_scores_and_counts_can_be_drawn(shipped: Path) -> None:
    result = hwnas.pareto("tx2", objectives=["params=200000", "energy_mj"], nets=5)
    assert drawn(result).get_xlabel() == "params (parameters)"
    assert picture(result).startswith(b"\x89PNG")


def test_objectives_that_a_plane_cannot_show_are_named(shipped: Path) -> None:
    result = hwnas.pareto("tx2", budget_mj=20, objectives=["params=200000", "latency_ms"], nets=5)
    axes = figure.Figure(figsize=(6.4, 4.6), layout="constrained").subplots()
    _draw(axes, result)
    axes.figure.canvas.draw()
    assert "objectives that are not drawn: params <= 200000, latency_ms " in " ".join(axes.get_title("left").split())
    assert axes._left_title.get_window_extent().x1 <= axes.figure.bbox.x1, "the title is cut off"


def test_a_result_without_candidates_is_refused(known: ParetoResult) -> None:
    with pytest.raises(UsageError, match="expected a result with its candidates"):
        picture(replace(known, candidates=None))


def test_no_net_within_the_budget_by_measured_cost(known: ParetoResult) -> None:
    """With `--source predicted` lists are chosen by one cost and judged by another, which no net may meet."""
    (*others, truth) = known.fronts
    assert truth.role == "reference"
    nothing = replace(known, fronts=(*others, replace(truth, nets=())))
    assert "reference front (predicted cost)" not in legend(drawn(nothing))
    assert picture(nothing).startswith(b"\x89PNG")


@pytest.mark.parametrize("bound", [20.0, None])
def test_no_net_that_can_be_drawn(shipped: Path, bound: float | None) -> None:
    """A proxy for which every net is minus infinity."""
    result = hwnas.pareto("tx2", budget_mj=bound, nets=5)
    assert result.candidates is not None
    zen = replace(result.fronts[0], nets=tuple(replace(net, score=None) for net in result.fronts[0].nets))
    candidates = replace(result.candidates, scores={**result.candidates.scores, "zen": np.full(15_625, -np.inf)})
    nothing = replace(result, candidates=candidates, fronts=(zen, *result.fronts[1:]))
    assert legend(drawn(nothing)) == ([] if bound is None else ["budget 20 mJ"])
    assert picture(nothing).startswith(b"\x89PNG")


def test_one_net_that_can_be_drawn_or_none_near_the_budget(known: ParetoResult) -> None:
    assert known.candidates is not None
    costs = known.candidates.costs["energy_mj"]
    for row in (int(costs.argmin()), int(costs.argmax())):
        percent = np.full(15_625, np.nan)
        percent[row] = 95.0
        axes = drawn(replace(known, candidates=replace(known.candidates, accuracy_percent=percent)))
        assert np.diff(axes.get_ylim()) > 0


def test_a_legend_is_not_wider_than_its_figure() -> None:
    from matplotlib.figure import Figure

    for letters, columns in ((8, 3), (30, 2), (50, 1)):
        figure = Figure(figsize=(6.4, 4.6), layout="constrained")
        axes = figure.subplots()
        for number in range(6):
            axes.plot([0, 1], [0, number], label=f"{number} {'x' * letters}")
        add_legend(figure)
        (legend,) = figure.legends
        assert legend._ncols == columns
        assert columns == 1 or legend.get_window_extent().width <= figure.bbox.width
