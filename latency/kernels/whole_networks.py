"""A kernel model from networks that were measured whole: fits, what they predict of held-out networks, and energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float
from hwnas.latency.kernels.networks import Networks
from hwnas.latency.kernels.totals import AdditiveFit, TotalsSettings, fit_totals

FOLDS: Final = 4


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOut:
    """What fits without them predict of all networks, fold by fold."""

    predicted: Float[Array, " n"]
    figures: dict[str, float]


def held_out_totals(
    networks: Networks, totals: Float[Array, " n"], *, settings: TotalsSettings | None = None, seed: int = 0
) -> HeldOut:
    """Totals of each network by a fit to the other folds."""
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(networks))
    predicted = np.full(len(networks), np.nan)
    for number in range(FOLDS):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        fit = fit_totals(networks.take(inside), totals[inside], settings=settings)
        predicted[outside] = predict_known(fit, networks.take(outside))
    return HeldOut(predicted=predicted, figures=total_figures(totals, predicted))


def predict_known(fit: AdditiveFit, networks: Networks) -> Float[Array, " m"]:
    """Totals; NaN for a network with a kernel of a kind that the fit never saw."""
    unknown = [kind for kind in networks.features if kind not in fit.regressors]
    mask = np.zeros(networks.kernels)
    for kind in unknown:
        mask[networks.offsets[kind] : networks.offsets[kind] + len(networks.features[kind])] = 1
    lacking = networks.totals(mask) > 0
    known = np.flatnonzero(~lacking)
    predicted = np.full(len(networks), np.nan)
    predicted[known] = fit.totals(networks.take(known))
    return predicted


def total_figures(true: Float[Array, " n"], predicted: Float[Array, " n"]) -> dict[str, float]:
    """Errors in percent and rank correlation of the networks, or kernels, that were predicted."""
    known = np.isfinite(predicted)
    true, predicted = true[known], predicted[known]
    return {
        "median_ape": round(metrics.median_ape(true, predicted), 2),
        "mape": round(metrics.mape(true, predicted), 2),
        "within_10": round(metrics.within(true, predicted), 1),
        "spearman": round(metrics.spearman(true, predicted), 4),
    }
