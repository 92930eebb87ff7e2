"""Pictures of a result. The one file of matplotlib.

All architectures lie behind as dots, grey where the budgets hold and lighter where they do not; each front is a line
with its own colour and marker, the true front black steps, a budget a dashed line, an interval a thin bar. A net below
the axes is an arrowhead on their lower end.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import MissingExtraError, UsageError
from hwnas.results import FrontResult, ObjectiveResult, ParetoResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito 2008: told apart with every kind of colour vision; black is kept for the truth.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
BASELINE_COLOUR: Final = "#666666"
_DATE: Final = {"svg": "Date", "pdf": "CreationDate"}
# Where nothing better is known, the vertical axis starts at this percentile: below it are nets that do not learn.
_FLOOR_PERCENTILE: Final = 5.0
# Listed nets below are taken in where they lengthen the axis by no more than this share.
_TAKEN_IN: Final = 0.25
# A budget of more than so many times the highest cost would squeeze all networks into the left half.
_FAR: Final = 2.0
_ARROWHEAD: Final = 7  # matplotlib's CARETDOWN, whose tip is the point


def picture(result: ParetoResult, *, suffix: str = "png") -> bytes:
    """The fronts of a result as the bytes of a `png`, `svg` or `pdf` file.

    Horizontal is the first objective, vertical the true accuracy where it is known, else the score by the first proxy.
    Raises `MissingExtraError` without matplotlib, `UsageError` for a result without its candidates.
    """
    if result.candidates is None:
        raise UsageError("expected a result with its candidates, got one without; ask `hwnas.pareto` for it again")

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _draw(axes, result)
        if axes.get_legend_handles_labels()[1]:
            add_legend(figure)

    return drawn(draw, size=(6.4, 4.6), suffix=suffix)


def add_legend(figure: Figure) -> None:
    """Below the axes, where it hides no network, in at most three columns, as many as the figure is wide enough for."""
    for columns in (3, 2, 1):
        legend = figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=8, numpoints=1)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def drawn(draw: Callable[[Figure], None], *, size: tuple[float, float], suffix: str) -> bytes:
    """What `draw` makes of an empty figure of `size` inches, as a file. Raises `MissingExtraError`."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("a picture", "plot") from None
    # Without a salt the ids in an svg are random.
    style = rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "hwnas"})
    with style:
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        file = io.BytesIO()
        # No date: the same result gives the same bytes.
        figure.savefig(file, format=suffix, dpi=200, metadata={} if suffix == "png" else {_DATE[suffix]: None})
    return file.getvalue()


def _draw(axes: Axes, result: ParetoResult) -> None:
    """Everything, from back to front."""
    objective = result.objectives[0]
    fronts = [front for front in result.fronts if front.role == "proxy"]
    truths = [front for front in result.fronts if front.role in ("truth", "reference")]
    if not truths:
        fronts = fronts[:1]  # scores of different proxies have no common axis
    params = [front for front in result.fronts if front.name == "params" and front.role == "baseline" and truths]
    cloud = _draw_candidates(axes, result, fronts[0], known=bool(truths))
    listed = [_points(front, objective, by_score=not truths)[:, [0, 3]] for front in (*truths, *params, *fronts)]
    _set_ranges(axes, result, cloud, np.concatenate(listed), known=bool(truths))
    for front in truths:
        _draw_truth(axes, front, objective)
    for front in params:
        _draw_front(axes, front, objective, colour=BASELINE_COLOUR, marker="x")
    for number, front in enumerate(fronts):
        colour, marker = COLOURS[number % len(COLOURS)], _MARKERS[number % len(_MARKERS)]
        _draw_front(axes, front, objective, colour=colour, marker=marker, by_score=not truths)
    _label(axes, result, objective, vertical="accuracy (%)" if truths else f"score by {fronts[0].name}")


def _draw_candidates(axes: Axes, result: ParetoResult, front: FrontResult, *, known: bool) -> Float[Array, "n 2"]:
    """All architectures as dots; the cost and height of each that has both."""
    candidates, objective = result.candidates, result.objectives[0]
    assert candidates is not None  # checked by `picture`
    costs = candidates.costs[objective.id]
    heights = candidates.accuracy_percent if known else candidates.scores[front.name]
    assert heights is not None  # known only with accuracies
    shown = np.isfinite(costs) & np.isfinite(heights)
    groups = ((~candidates.feasible, "#e6e6e6", "over budget"), (candidates.feasible, "#bdbdbd", "within budget"))
    for number, (group, colour, label) in enumerate(groups):
        mask = group & shown
        if mask.any():
            name = label if any(o.bound is not None for o in result.objectives) else "all architectures"
            # As an image also in svg and pdf: 15,625 dots make a file of 2 MB.
            axes.plot(costs[mask], heights[mask], ".", ms=2, mew=0, color=colour, rasterized=True, zorder=number)
            axes.plot([], [], ".", ms=7, mew=0, color=colour, label=name)
    return np.stack([costs[shown], heights[shown]], axis=1)


def _set_ranges(
    axes: Axes, result: ParetoResult, cloud: Float[Array, "n 2"], listed: Float[Array, "m 2"], *, known: bool
) -> None:
    """Set the axes to what matters: all listed nets, the budget and somewhat beyond, above the broken nets."""
    if not len(cloud):  # a proxy that scores every net as minus infinity: the axes stay empty
        return
    costs = np.concatenate([cloud, listed])[:, 0]
    right = _right_end(float(costs.max()), result.objectives[0].bound)
    axes.set_xlim(max(0.0, costs.min() - 0.03 * right), right)
    heights = cloud[cloud[:, 0] <= right, 1]
    if not len(heights):  # no net that can be drawn is near the budget
        return
    low, high = _range(heights, result.reference_point.get("accuracy_percent") if known else None)
    high = max(high, listed[:, 1].max(initial=high))
    near = listed[listed[:, 1] >= low - _TAKEN_IN * (high - low), 1]
    low = min(low, near.min(initial=low))
    axes.set_ylim(low - 0.02 * (high - low), high + 0.05 * (high - low))


def _right_end(most: float, bound: float | None) -> float:
    """Where the horizontal axis ends: beyond the highest cost or the budget; one that is far away is left out."""
    if bound is None or bound > _FAR * most:
        return 1.03 * most
    return min(1.25 * bound, max(1.03 * most, 1.05 * bound))


def _range(heights: Float[Array, " n"], reference: float | None) -> tuple[float, float]:
    """Heights worth showing: around the accuracy that counts in comparisons, else all but the lowest few."""
    high = float(heights.max())
    low = float(np.percentile(heights, _FLOOR_PERCENTILE))
    if reference is not None and high > reference:
        low = max(float(heights.min()), reference - 1.5 * (high - reference))
    return (low, high) if low < high else (high - 1.0, high)


def _draw_truth(axes: Axes, front: FrontResult, objective: ObjectiveResult) -> None:
    """The best accuracy that each cost buys, as steps."""
    points = _points(front, objective, by_score=False)[:, [0, 3]]
    if not len(points):  # no net is within the budget by the costs that judge
        return
    order = np.lexsort((-points[:, 1], points[:, 0]))
    costs, best = points[order, 0], np.maximum.accumulate(points[order, 1])
    right = objective.bound if objective.bound is not None else costs.max(initial=0.0)
    judged_apart = " (measured cost)" if not objective.measured else ""
    label = f"true front{judged_apart}" if front.role == "truth" else "reference front (predicted cost)"
    axes.step([*costs, right], [*best, *best[-1:]], where="post", color="black", lw=1.4, label=label, zorder=3)


def _draw_front(
    axes: Axes, front: FrontResult, objective: ObjectiveResult, *, colour: str, marker: str, by_score: bool = False
) -> None:
    """The listed nets, with intervals as bars, and as steps the best that each cost buys."""
    points = _points(front, objective, by_score=by_score)
    if not len(points):
        return
    cost, lower, upper, height = points.T
    axes.step(cost, np.maximum.accumulate(height), where="post", color=colour, lw=0.9, alpha=0.8, zorder=4)
    if (upper > lower).any():
        ends = [cost - lower, upper - cost]
        axes.errorbar(cost, height, xerr=ends, fmt="none", ecolor=colour, elinewidth=0.5, zorder=4)
    face = colour if marker == "x" else "white"
    low = axes.get_ylim()[0]
    below = height < low
    if below.any():
        axes.plot(cost[below], np.full(below.sum(), low), marker=_ARROWHEAD, ls="", color=colour, ms=6, zorder=5)
    label = _label_of(front, below=int(below.sum()))
    axes.plot(cost, height, marker, color=colour, mfc=face, ms=4.5, mew=1.1, label=label, zorder=5)


def _label_of(front: FrontResult, *, below: int) -> str:
    """below: how many of its nets lie under the axes."""
    share = front.comparison.relative_hypervolume
    nets = f"{front.name}, {len(front.nets)} nets" + (f", {below} below" if below else "")
    return nets + ("" if share is None else f" (hypervolume {share:.2f})")


def _points(front: FrontResult, objective: ObjectiveResult, *, by_score: bool) -> Float[Array, "n 4"]:
    """Cost, its lower and upper end, and the height of each net that has both cost and height."""
    rows = []
    for net in front.nets:
        cost, height = net.costs[objective.id], net.score if by_score else net.accuracy_percent
        if cost.mean is not None and height is not None:
            lower = cost.mean if cost.lower is None else cost.lower
            upper = cost.mean if cost.upper is None else cost.upper
            rows.append((cost.mean, lower, upper, height))
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _label(axes: Axes, result: ParetoResult, objective: ObjectiveResult, *, vertical: str) -> None:
    name = objective.id.partition(".")[0].removesuffix(f"_{objective.unit.lower()}")
    if objective.bound is not None:
        budget = f"budget {objective.bound:g} {objective.unit}"
        if objective.bound > axes.get_xlim()[1] and not axes.get_autoscalex_on():  # else empty axes grow to it
            budget += ", beyond the picture"
        axes.axvline(objective.bound, color="black", lw=0.9, ls="--", label=budget, zorder=2)
    what = "" if objective.unit.lower() == name else f" ({objective.unit})"
    of_device = "" if objective.device is None else " per inference"
    axes.set_xlabel(f"{name}{of_device}{what}")
    axes.set_ylabel(vertical if "score" in vertical else f"test {vertical}")
    device = "" if objective.device is None else f" on {objective.device}"
    others = [o.id if o.bound is None else f"{o.id} <= {o.bound:g}" for o in result.objectives[1:]]
    also = [f"objectives that are not drawn: {', '.join(others)}"] if others else []
    lines = [f"{result.space}, {result.dataset}{device}", *also, objective.source]
    axes.set_title("\n".join(map(_wrapped, lines)), fontsize=9, loc="left")
    if "accuracy_percent" in result.reference_point:
        median = result.reference_point["accuracy_percent"]
        axes.axhline(median, color="black", lw=0.7, ls=":", label="median of the space", zorder=2)


def _wrapped(text: str, width: int = 80) -> str:
    return "\n".join(textwrap.wrap(text, width))
