"""How `hwnas proxies` shows what it found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwnas.cli.console import print_json, print_table

if TYPE_CHECKING:
    from hwnas.api.evaluate_forms import EvaluateResult, OverTasks, TaskFigures
    from hwnas.api.sensitivity import SensitivityResult

_NEEDS = {(False, False): "-", (True, False): "images", (True, True): "images, labels"}


def listing(proxies: Sequence[dict[str, Any]], combinations: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """One line per proxy, then one per combination."""
    if as_json:
        print_json({"proxies": list(proxies), "combinations": list(combinations)})
        return
    rows = [
        (proxy["name"], proxy["title"], _NEEDS[proxy["uses_data"], proxy["uses_labels"]], proxy["source"])
        for proxy in proxies
    ]
    print_table(("proxy", "what", "needs", "source"), rows)
    print("Higher is better for every proxy.")
    print()
    parts = [(c["name"], c["title"], ", ".join(c["components"]), c["source"]) for c in combinations]
    print_table(("combination", "what", "made of", "source"), parts)
    print("They rank networks within their space; zen+flops, or any other two or more, is a sum of ranks.")


def evaluation(answer: EvaluateResult, *, as_json: bool, out: Path | None) -> None:
    """A table per task and one over all of them; then what the columns are, and where scores and truth are from."""
    if out is not None:
        from hwnas.proxy_outputs import save_evaluation

        save_evaluation(answer, out)
    if as_json:
        print_json(answer.to_dict())
        return
    for task in answer.tasks:
        _task(task)
    if answer.over_tasks is not None:
        _over_tasks(answer.over_tasks)
    print("nets: of known accuracy that the proxy scores, which the figures beside are over;")
    print("rho: Spearman's rank correlation with true accuracy, over these and over the best 5 %; tau: Kendall's;")
    print("found 10 %: share of the best tenth that is among the tenth with the best scores (chance: 10 %);")
    print("in 64: nets of the best 5 % among the 64 with the best scores (chance: 3.2);")
    print("near: how often the best-scored net one change away is the best of them (%); picked: accuracy of the")
    print("net with the best score (%); paper: rho that the proxy's paper reports. All figures: --json.")


def sensitivity(answer: SensitivityResult, *, as_json: bool, out: Path | None) -> None:
    """One line per proxy, two columns per setting."""
    if out is not None:
        from hwnas.proxy_outputs import save_sensitivity

        save_sensitivity(answer, out)
    if as_json:
        print_json(answer.to_dict())
        return
    values = [str(value) for value in answer.values]
    rows = [
        (row.proxy, *(_number(v) for v in row.with_truth), *(_number(v) for v in row.with_first[1:]))
        for row in answer.rows
    ]
    heading = ("proxy", *(f"rho {v}" for v in values), *(f"{values[0]}~{v}" for v in values[1:]))
    title = f"{answer.space}, {answer.dataset}: {answer.by}, {answer.nets} nets"
    print_table(heading, rows, numeric=range(1, len(heading)), title=title)
    print("rho: Spearman with true accuracy; a~b: Spearman between the scores under two settings.")
    print(f"truth: {answer.accuracy_source}")


def _task(task: TaskFigures) -> None:
    heading = ("proxy", "nets", "rho", "top 5 %", "tau", "found 10 %", "in 64", "near", "picked", "paper")
    rows = [
        (
            p.name,
            f"{p.n:,}",
            *(_number(v) for v in (p.spearman, p.spearman_top5, p.kendall)),
            _number(p.overlap_top10, 1),
            _number(p.hits_first64, 1),
            _number(p.best_neighbour, 1),
            _number(p.picked_percent, 2),
            _number(p.published, 2),
        )
        for p in sorted(task.proxies, key=lambda p: -p.spearman if math.isfinite(p.spearman) else math.inf)
    ]
    print_table(heading, rows, numeric=range(1, len(heading)), title=f"{task.space}, {task.dataset}")
    chance = next((p.best_neighbour_chance for p in task.proxies if math.isfinite(p.best_neighbour_chance)), None)
    near = "" if chance is None else f"near by chance: {chance:.1f} %; "
    print(f"best {task.best_percent:.2f} %; {near}truth: {task.accuracy_source}")
    for source in dict.fromkeys(p.source for p in task.proxies):
        print(f"{', '.join(p.name for p in task.proxies if p.source == source)}: {source}")
    for note in dict.fromkeys(p.note for p in task.proxies if p.note):
        print(f"note: {', '.join(p.name for p in task.proxies if p.note == note)}: {note}")
    print()


def _over_tasks(over: OverTasks) -> None:
    shown = [over.losses.index(loss) for loss in (0.0, 0.04, 0.1, 0.2)]
    order = sorted(range(len(over.proxies)), key=lambda i: over.mean_rank[i])
    rows = [
        (over.proxies[i], f"{over.mean_rank[i]:.1f}", *(f"{over.profile[i][j]:.0f} %" for j in shown)) for i in order
    ]
    heading = ("proxy", "mean rank", *(f"within {over.losses[j]:.2f}" for j in shown))
    print_table(heading, rows, numeric=range(1, len(heading)), title=f"over {len(over.tasks)} tasks")
    print(
        f"of the {len(order)} proxies that are scored on all of them: mean rank, 1 being the best; within: share of the"
    )
    print("tasks on which rho is at most so far below that of the best of these.")


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
