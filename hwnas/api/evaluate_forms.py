"""What an evaluation of proxies gives: figures by proxy, by task, and over tasks."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from hwnas.arrays import Array, Float
from hwnas.results import SCHEMA_VERSION
from hwnas.version import __version__


@dataclass(frozen=True, kw_only=True)
class ProxyFigures:
    """Figures of one proxy over n nets that are scored and whose true accuracies are known, each net counting once.

    spearman, kendall: rank correlation of score and true accuracy over all nets, and over the tenth and the twentieth
    with the best accuracy, where a search has to choose.
    overlap_top10: share of the truly best tenth among the tenth with the best scores, in percent; chance is 10.
    hits_first64: nets of the best twentieth among the 64 with the best scores; chance is 3.2.
    best_neighbour: how often, of the nets one change away from a net, the best by score is the best, in percent;
    best_neighbour_chance: how often a random one is. NaN where few neighbours are known.
    picked_percent: true accuracy of the net with the highest score, the mean over those that share it.
    published: Spearman's rho that the paper reports for the same space and data set; NaN where it reports none.
    params_spearman, flops_spearman: that of the baselines over the same n nets; NaN where it is not given. Rows beside
    are over nets of their own: those of baselines over all, those of a proxy over the sample that it scores.
    source: where the scores are from. note: what to beware of, "" where nothing is known.

    A figure over fewer than ten nets is NaN.
    """

    name: str
    role: str
    n: int
    spearman: float
    kendall: float
    spearman_top10: float
    kendall_top10: float
    spearman_top5: float
    kendall_top5: float
    overlap_top10: float
    hits_first64: float
    best_neighbour: float
    best_neighbour_chance: float
    picked_percent: float
    published: float
    params_spearman: float
    flops_spearman: float
    source: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what is not known is None."""
        return {column.name: _plain(getattr(self, column.name)) for column in fields(self)}


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskFigures:
    """Figures of proxies on one data set of one space.

    best_percent: the highest true accuracy. correlations: Spearman's rho between the proxies, in their order, over the
    `compared` nets that all of them score.
    """

    space: str
    dataset: str
    accuracy_source: str
    best_percent: float
    proxies: tuple[ProxyFigures, ...]
    correlations: Float[Array, "p p"]
    compared: int

    @property
    def name(self) -> str:
        """`space/dataset`."""
        return f"{self.space}/{self.dataset}"

    def of(self, proxy: str) -> ProxyFigures | None:
        """Figures of one proxy, None where it is not scored here."""
        return next((figures for figures in self.proxies if figures.name == proxy), None)


@dataclass(frozen=True, kw_only=True)
class OverTasks:
    """Proxies that are scored on every one of several tasks, over these tasks, by Spearman's rho over all nets.

    mean_rank: place among these proxies, 1 being the best, mean over tasks.
    profile: share of the tasks, in percent, on which a proxy is at most `losses` below the best of them.
    """

    tasks: tuple[str, ...]
    proxies: tuple[str, ...]
    mean_rank: tuple[float, ...]
    losses: tuple[float, ...]
    profile: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class EvaluateResult:
    """Figures of proxies on one or more tasks, and over them where there are several."""

    tasks: tuple[TaskFigures, ...]
    over_tasks: OverTasks | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "hwnas_version": __version__,
            "tasks": [
                {
                    "space": task.space,
                    "dataset": task.dataset,
                    "accuracy_source": task.accuracy_source,
                    "best_percent": task.best_percent,
                    "proxies": [figures.to_dict() for figures in task.proxies],
                    "correlations": [[_plain(float(value)) for value in row] for row in task.correlations],
                    "compared": task.compared,
                }
                for task in self.tasks
            ],
            "over_tasks": None if self.over_tasks is None else asdict(self.over_tasks),
        }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
