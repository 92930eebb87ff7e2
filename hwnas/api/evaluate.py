"""How well proxies order the architectures of a space whose true accuracies are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hwnas import metrics
from hwnas.api.accuracy import true_accuracy
from hwnas.api.columns import ScoreColumn, score_columns
from hwnas.arrays import Array, Float
from hwnas.errors import DataError, UsageError
from hwnas.proxies import PROXIES
from hwnas.proxies.table import find_scores
from hwnas.spaces import get_space


@dataclass(frozen=True, kw_only=True)
class ProxyFigures:
    """Figures of one proxy over n scored architectures.

    spearman, kendall: rank correlation of score and true accuracy over all; higher is better.
    spearman_top5, kendall_top5: over the twentieth with the best accuracy, where a search has to choose.
    picked_percent: true accuracy of the architecture with the highest score, the mean over those that share it.
    source: where the scores are from. note: what to beware of, "" where nothing is known.
    """

    name: str
    n: int
    spearman: float
    kendall: float
    spearman_top5: float
    kendall_top5: float
    picked_percent: float
    source: str
    note: str


@dataclass(frozen=True, kw_only=True)
class EvaluateResult:
    """Figures of proxies on one data set; best_percent is the highest true accuracy of the space."""

    space: str
    dataset: str
    accuracy_source: str
    best_percent: float
    proxies: tuple[ProxyFigures, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def evaluate(*, space: str = "nasbench201", dataset: str | None = None, proxies: Sequence[str] = ()) -> EvaluateResult:
    """Figures of `proxies`, by default of every one that is scored, beside the baselines.

    Architecture by architecture, as papers do. Raises `DataError` where no true accuracies are at hand.
    """
    its_space = get_space(space)
    dataset = its_space.dataset(dataset)
    accuracy = true_accuracy(its_space, dataset)
    if accuracy.percent is None:
        raise DataError(f"expected true accuracies to evaluate proxies with; {accuracy.source}")
    percent = accuracy.percent
    vectors = its_space.all_vectors()
    names = proxies or _scored(its_space.name, dataset)
    columns = score_columns(its_space, dataset, names, vectors=vectors, network_ids=its_space.network_id(vectors))
    return EvaluateResult(
        space=its_space.name,
        dataset=dataset,
        accuracy_source=accuracy.source,
        best_percent=float(np.nanmax(percent)),
        proxies=tuple(proxy_figures(column, percent) for column in columns),
    )


def _scored(space: str, dataset: str) -> list[str]:
    """Proxies that are counts, and those in the table of scores."""
    table = find_scores(space, dataset)
    return [name for name, proxy in PROXIES.items() if proxy.by_architecture or (table and table.complete(name))]


def proxy_figures(column: ScoreColumn, percent: Float[Array, " n"]) -> ProxyFigures:
    """Figures of one column of scores; nets without a score or an accuracy are left out and not counted in n."""
    known = ~np.isnan(column.scores) & ~np.isnan(percent)
    if known.sum() < 100:
        raise UsageError(f"expected at least 100 scored nets to evaluate {column.name!r}, got {known.sum()}")
    scores, truth = column.scores[known], percent[known]
    top = truth >= np.quantile(truth, 0.95)
    return ProxyFigures(
        name=column.name,
        n=int(known.sum()),
        spearman=metrics.spearman(scores, truth),
        kendall=metrics.kendall(scores, truth),
        spearman_top5=metrics.spearman(scores[top], truth[top]),
        kendall_top5=metrics.kendall(scores[top], truth[top]),
        picked_percent=float(truth[scores == scores.max()].mean()),
        source=column.source,
        note=column.note,
    )
