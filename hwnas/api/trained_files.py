"""What training leaves behind: out-of-fold predictions with intervals, weights, and the model card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float, Integer
from hwnas.pareto import shortlist
from hwnas.predictors.heads import HeadData
from hwnas.predictors.shipped import HeadRecord, as_stored, write_shipped_costs
from hwnas.spaces import Space

if TYPE_CHECKING:
    from hwnas.predictors.conformal import CostIntervals
    from hwnas.predictors.crossfit import FoldResult


def write_trained(
    folder: Path,
    space: Space,
    heads: Sequence[HeadData],
    fold: Integer[Array, " n"],
    results: Sequence[FoldResult],
    *,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Write predictions, weights and card to `folder`; return the figures that users get, by head."""
    from hwnas.predictors.bundle import save_bundle
    from hwnas.predictors.conformal import LEVELS
    from hwnas.predictors.crossfit import out_of_fold
    from hwnas.predictors.evaluation import calibrated, default_figures

    mean = as_stored(out_of_fold(results).T)
    figures, intervals = default_figures(heads, mean.T, fold), calibrated(heads, mean.T, fold)
    for head, covered in zip(heads, selected_coverage(space, heads, mean, fold, intervals), strict=True):
        figures[head.id]["selected_coverage"] = covered
    trained_on = len(results[0].split.train)
    records = [
        HeadRecord(
            device=head.device,
            dataset=head.dataset,
            target=head.target,
            trained_on=trained_on,
            model=_model_name([result.choice[column] for result in results]),
            figures=figures[head.id],
        )
        for column, head in enumerate(heads)
    ]
    write_shipped_costs(
        folder,
        space=space.name,
        heads=records,
        mean=mean,
        fold=fold,
        levels=np.array(LEVELS),
        intervals=intervals,
        card=_card(space, heads, results, seed=seed),
    )
    save_bundle(folder, space.name, [result.regressors for result in results])
    return figures


def selected_coverage(
    space: Space,
    heads: Sequence[HeadData],
    mean: Float[Array, "h n"],
    fold: Integer[Array, " n"],
    intervals: Sequence[CostIntervals],
) -> list[float]:
    """Share (%) of the nets that searches selected whose cost lies in the 90 % interval, for each head.

    A search looks for low predictions, so that the nets it finds are those that were predicted too low. Selected are
    the shortlists of 20 networks by the parameters that reach the output, at nine budgets, the deciles of the cost.
    """
    from hwnas.predictors.conformal import LEVELS

    networks = space.network_id(space.all_vectors())
    params = space.counts(space.vector(networks), dataset=space.datasets[0])["params"].astype(np.float64)
    low, high = LEVELS.index(0.05), LEVELS.index(0.95)
    shares = []
    for column, head in enumerate(heads):
        budgets = np.quantile(mean[column], np.arange(1, 10) / 10)
        costs = mean[column][:, None]
        lists = [shortlist(costs, params, bounds=(float(budget),), k=20, groups=networks) for budget in budgets]
        rows = np.unique(np.concatenate([each.indices for each in lists]))
        rows = rows[~np.isnan(head.costs[rows])]
        predicted = mean[column, rows]
        factors = intervals[column].factors(predicted, fold[rows])
        covered = metrics.coverage(head.costs[rows], predicted * factors[:, low], predicted * factors[:, high])
        shares.append(round(covered, 3))
    return shares


def _model_name(choices: Sequence[str]) -> str:
    """How the folds chose, for people: "GCN and MLP", or the one model that all folds chose."""
    return {"gcn": "GCN", "mlp": "MLP"}.get(choices[0], "GCN and MLP") if len(set(choices)) == 1 else "GCN and MLP"


def _card(space: Space, heads: Sequence[HeadData], results: Sequence[FoldResult], *, seed: int) -> dict[str, Any]:
    """The model card: data, split, seeds, choices."""
    import torch

    first = results[0].split
    return {
        "space": space.name,
        "command": f"hwnas train --space {space.name} --seed {seed}",
        "models": "MLP on flat features, GCN on graphs of operations (BRP-NAS style), and their geometric mean; one "
        "trunk for all heads; per head and fold the one with the smallest mean absolute log error on validation nets",
        "split": f"five random folds of architectures, seed {seed}: in each, {len(first.train)} nets train, "
        f"{len(first.validation)} choose, {len(first.test)} are predicted",
        "intervals": "cross-conformal: for nets of a fold from the errors of the other folds, in groups of equal size "
        "by predicted cost, the two ends apart, in log cost",
        "figures": "mean over the five folds on nets that no model of the fold saw",
        "measured": {head.id: head.measured for head in heads},
        "choice": {head.id: [result.choice[column] for result in results] for column, head in enumerate(heads)},
        "torch": torch.__version__,
    }
