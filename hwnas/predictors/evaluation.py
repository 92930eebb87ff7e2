"""Figures of predictors on test nets over five splits, beside gradient boosting and constant power times latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float, Integer
from hwnas.predictors.boosting import boosting_predictions
from hwnas.predictors.conformal import LEVELS, CostIntervals, bins_for, cost_intervals
from hwnas.predictors.crossfit import METHODS, FoldResult, out_of_fold
from hwnas.predictors.heads import HeadData

Figures = dict[str, list[float]]  # figure -> one value per split


def point_figures(true: Float[Array, " n"], predicted: Float[Array, " n"]) -> dict[str, float]:
    """Rank correlations, and errors in percent, of predictions of n measured nets."""
    return {
        "spearman": metrics.spearman(true, predicted),
        "kendall": metrics.kendall(true, predicted),
        "median_ape": metrics.median_ape(true, predicted),
        "mape": metrics.mape(true, predicted),
        "within_10": metrics.within(true, predicted),
    }


def interval_figures(
    true: Float[Array, " n"], predicted: Float[Array, " n"], factors: Float[Array, "n l"]
) -> dict[str, float]:
    """Coverage of the 90 % interval, overall and of the tenth of nets with the lowest predictions, and of its one-sided
    90 % bound; width relative to the truth, interval score."""
    at = dict(zip(LEVELS, factors.T, strict=True))
    lower, upper = predicted * at[0.05], predicted * at[0.95]
    cheap = predicted <= np.quantile(predicted, 0.1)
    return {
        "coverage": metrics.coverage(true, lower, upper),
        "cheapest_coverage": metrics.coverage(true[cheap], lower[cheap], upper[cheap]),
        "upper_coverage": metrics.coverage(true, np.zeros_like(true), predicted * at[0.9]),
        "relative_width": metrics.relative_width(true, lower, upper),
        "interval_score": metrics.interval_score(true, lower, upper, confidence=0.9),
    }


def calibrated(
    heads: Sequence[HeadData], mean: Float[Array, "n h"], fold: Integer[Array, " n"]
) -> tuple[CostIntervals, ...]:
    """Intervals of each head from out-of-fold predictions; nets without one (NaN) calibrate nothing."""
    bins, levels = bins_for(np.stack([head.costs for head in heads], axis=1)), np.array(LEVELS)
    return tuple(
        cost_intervals(head.costs, mean[:, column], fold, levels=levels, bins=bins) for column, head in enumerate(heads)
    )


def default_figures(
    heads: Sequence[HeadData], mean: Float[Array, "n h"], fold: Integer[Array, " n"]
) -> dict[str, dict[str, float]]:
    """Figures of what users get, by head: means over the splits, on test nets.

    mean: out-of-fold predictions, ms or mJ.
    """
    figures: dict[str, dict[str, float]] = {}
    for column, (head, intervals) in enumerate(zip(heads, calibrated(heads, mean, fold), strict=True)):
        values: Figures = {}
        for number in range(int(fold.max()) + 1):
            rows = np.flatnonzero((fold == number) & ~np.isnan(head.costs))
            predicted = mean[rows, column]
            _append(values, _figures(head.costs[rows], predicted, intervals.factors(predicted, fold[rows])))
        figures[head.id] = {name: round(float(np.mean(splits)), 5) for name, splits in values.items()}
    return figures


def _figures(true: Float[Array, " n"], predicted: Float[Array, " n"], factors: Float[Array, "n l"]) -> dict[str, float]:
    return point_figures(true, predicted) | interval_figures(true, predicted, factors)


def evaluate(
    heads: Sequence[HeadData],
    results: Sequence[FoldResult],
    *,
    features: Float[Array, "n f"],
    seed: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, dict[str, Figures]]:
    """Figures by head and method ("default" is what each split chose), one value per split.

    features: of all nets, the input of boosting, which is fitted on training and validation nets together, as it leaves
    nothing to choose or calibrate.
    """
    figures: dict[str, dict[str, Figures]] = {head.id: {} for head in heads}
    fold = np.zeros(len(features), dtype=np.int64)
    for number, result in enumerate(results):
        fold[result.split.test] = number
    intervals = calibrated(heads, out_of_fold(results), fold)
    latencies = {(head.device, head.dataset): head.costs for head in heads if head.target == "latency"}
    for number, result in enumerate(results):
        fitted = np.concatenate([result.split.train, result.split.validation])
        for column, head in enumerate(heads):
            rows = result.split.test[~np.isnan(head.costs[result.split.test])]
            true = head.costs[rows]
            candidates = {method: result.predictions[method][rows, column] for method in METHODS}
            default = candidates[result.choice[column]]
            candidates["boosting"] = boosting_predictions(features, head.costs, fitted, seed=seed)[rows]
            if head.target == "energy":
                candidates["constant_power"] = _constant_power(
                    head.costs, latencies[head.device, head.dataset], fitted
                )[rows]
            for method, predicted in candidates.items():
                _append(figures[head.id].setdefault(method, {}), point_figures(true, predicted))
            own = _figures(true, default, intervals[column].factors(default, fold[rows]))
            _append(figures[head.id].setdefault("default", {}), own)
            progress(number * len(heads) + column + 1, len(results) * len(heads))
    return figures


def _constant_power(
    energy_mj: Float[Array, " n"], latency_ms: Float[Array, " n"], fitted: Integer[Array, " m"]
) -> Float[Array, " n"]:
    """Measured latency times the median power of the fitted nets: knows more than a predictor does."""
    power_w = np.nanmedian(energy_mj[fitted] / latency_ms[fitted])
    return np.asarray(power_w * latency_ms)


def _append(into: Figures, values: Mapping[str, float]) -> None:
    for name, value in values.items():
        into.setdefault(name, []).append(round(float(value), 5))
