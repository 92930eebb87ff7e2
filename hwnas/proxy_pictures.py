"""Pictures of how good proxies are: correlation by task, likeness of proxies, performance profile, sensitivity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwnas.pictures import BASELINE_COLOUR, COLOURS, drawn
from hwnas.proxies import BASELINES

if TYPE_CHECKING:
    from hwnas.api.evaluate_forms import EvaluateResult, TaskFigures
    from hwnas.api.sensitivity import SensitivityResult


def evaluation_picture(result: EvaluateResult, *, suffix: str = "png") -> bytes:
    """Spearman's rho of each proxy by task; below, how alike those of the first task are, and the profile."""
    tasks = result.tasks
    names = _in_order(tasks)
    height = 1.6 + 0.17 * len(names) * max(1.0, len(tasks) / 3) + 0.22 * len(names)

    def draw(figure: Any) -> None:
        grid = figure.add_gridspec(2, 2, height_ratios=[max(1.0, len(tasks) / 3), 1.3])
        _draw_bars(figure.add_subplot(grid[0, :]), result, names)
        compared = figure.add_subplot(grid[1, 0] if result.over_tasks else grid[1, :])
        _draw_likeness(compared, tasks[0], [name for name in names if tasks[0].of(name)])
        if result.over_tasks:
            _draw_profile(figure.add_subplot(grid[1, 1]), result)

    return drawn(draw, size=(8.4, min(max(height, 3.0 + 0.3 * len(tasks)), 14.0)), suffix=suffix)


def sensitivity_picture(result: SensitivityResult, *, suffix: str = "png") -> bytes:
    """Rank correlation with true accuracy under each setting, one line per proxy."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        places = np.arange(len(result.values))
        for number, row in enumerate(result.rows):
            style = ("-", "--", ":")[number // len(COLOURS) % 3]
            axes.plot(
                places, row.with_truth, style, marker="o", ms=3, color=COLOURS[number % len(COLOURS)], label=row.proxy
            )
        axes.set_xticks(places, [str(value) for value in result.values])
        axes.set_xlabel(result.by.replace("_", " "))
        axes.set_ylabel("Spearman's rho with true accuracy")
        axes.set_title(f"{result.space}, {result.dataset}: {result.nets} nets", fontsize=9, loc="left")
        axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return drawn(draw, size=(7.2, 4.2), suffix=suffix)


def _in_order(tasks: Sequence[TaskFigures]) -> list[str]:
    """Proxies of any task, from the worst mean to the best, so that a horizontal bar chart has the best on top."""
    found: dict[str, list[float]] = {}
    for figures in (figures for task in tasks for figures in task.proxies):
        found.setdefault(figures.name, []).append(figures.spearman if math.isfinite(figures.spearman) else -2.0)
    return sorted(found, key=lambda name: float(np.mean(found[name])))


def _draw_bars(axes: Any, result: EvaluateResult, names: list[str]) -> None:
    thickness = 0.8 / len(result.tasks)
    for number, task in enumerate(result.tasks):
        figures = [task.of(name) for name in names]
        lengths = [math.nan if f is None else f.spearman for f in figures]
        places = np.arange(len(names)) + 0.4 - (number + 0.5) * thickness
        colour, hatch = COLOURS[number % len(COLOURS)], ("", "////", "....")[number // len(COLOURS) % 3]
        axes.barh(
            places, lengths, height=thickness, color=colour, hatch=hatch, edgecolor="white", lw=0, label=task.name
        )
    over, counts = _over(result.tasks)
    labels = [f"{name} ({counts[name]:,})" if counts else name for name in names]
    axes.set_yticks(range(len(names)), labels)
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        if name in BASELINES:
            label.set_color(BASELINE_COLOUR)
            label.set_fontstyle("italic")
    axes.axvline(0, color="black", lw=0.7)
    axes.set_xlabel(f"Spearman's rho with true accuracy over {over} (baselines in italics)")
    few = len(result.tasks) <= 3  # more names than bars leave room for stand beside them
    beside: dict[str, Any] = {} if few else {"bbox_to_anchor": (1.0, 1.0)}
    axes.legend(frameon=False, fontsize=8 if few else 7, loc="lower right" if few else "upper left", **beside)


def _over(tasks: Sequence[TaskFigures]) -> tuple[str, dict[str, int]]:
    """The nets that the bars are over, and how many by proxy where these differ in the one task."""
    counts = {figures.name: figures.n for figures in tasks[0].proxies}
    if len(tasks) > 1:
        return "the nets that a proxy scores", {}
    if len(set(counts.values())) > 1:
        return "the nets counted beside a proxy", counts
    return f"{max(counts.values()):,} nets", {}


def _draw_likeness(axes: Any, task: TaskFigures, names: list[str]) -> None:
    rows = [[p.name for p in task.proxies].index(name) for name in reversed(names)]
    matrix = task.correlations[np.ix_(rows, rows)]
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r")
    axes.set_xticks(range(len(rows)), list(reversed(names)), rotation=90, fontsize=6)
    axes.set_yticks(range(len(rows)), list(reversed(names)), fontsize=6)
    # In lines of their own: a map of few proxies is narrow.
    axes.set_title(f"rho between proxies\n{task.name}\n({task.compared:,} nets)", fontsize=8, loc="left")
    axes.set_anchor("W")
    axes.figure.colorbar(image, cax=axes.inset_axes((1.06, 0.15, 0.04, 0.7)))


def _draw_profile(axes: Any, result: EvaluateResult) -> None:
    over = result.over_tasks
    assert over is not None
    best = sorted(range(len(over.proxies)), key=lambda i: over.mean_rank[i])[: len(COLOURS)]
    for number, i in enumerate(best):
        label = f"{over.proxies[i]} ({over.mean_rank[i]:.1f})"
        axes.step(over.losses, over.profile[i], where="post", color=COLOURS[number], label=label)
    axes.set_xlabel("rho below the best proxy of the task")
    axes.set_ylabel("tasks (%)")
    axes.set_title(f"over {len(over.tasks)} tasks (mean rank)", fontsize=8, loc="left")
    axes.legend(frameon=False, fontsize=7, loc="lower right")
