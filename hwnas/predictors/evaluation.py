"""Figures of predictors on test nets over five splits, beside gradient boosting and constant power times latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float, Integer
from hwnas.predictors.boosting import boosting_predictions
from hwnas.predictors.conformal import LEVELS
from hwnas.predictors.crossfit import METHODS, FoldResult
from hwnas.predictors.heads import HeadData

FIGURES: Final = ("spearman", "kendall", "median_ape", "mape", "within_10")
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
    true: Float[Array, " n"], predicted: Float[Array, " n"], factors: Float[Array, " l"]
) -> dict[str, float]:
    """Coverage of the 90 % interval and of its one-sided 90 % bound, width relative to the truth, interval score."""
    at = dict(zip(LEVELS, factors, strict=True))
    lower, upper = predicted * at[0.05], predicted * at[0.95]
    return {
        "coverage": metrics.coverage(true, lower, upper),
        "upper_coverage": metrics.coverage(true, np.zeros_like(true), predicted * at[0.9]),
        "relative_width": metrics.relative_width(true, lower, upper),
        "interval_score": metrics.interval_score(true, lower, upper, confidence=0.9),
    }


def default_figures(heads: Sequence[HeadData], results: Sequence[FoldResult]) -> dict[str, dict[str, float]]:
    """Figures of what users get, by head: means over the splits, on test nets."""
    figures: dict[str, dict[str, float]] = {}
    for column, head in enumerate(heads):
        values: Figures = {}
        for result in results:
            rows = result.split.test[~np.isnan(head.costs[result.split.test])]
            predicted = result.predictions[result.choice[column]][rows, column]
            _append(values, _figures(head.costs[rows], predicted, result.factors[column]))
        figures[head.id] = {name: round(float(np.mean(splits)), 5) for name, splits in values.items()}
    return figures


def _figures(true: Float[Array, " n"], predicted: Float[Array, " n"], factors: Float[Array, " l"]) -> dict[str, float]:
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
            own = _figures(true, default, result.factors[column])
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
