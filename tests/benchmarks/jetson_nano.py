"""The additive kernel model of the Jetson Nano on networks of families that it did not see.

    hwnas data pull jetson-nano-cnn
    python tests/benchmarks/jetson_nano.py

Fitted to networks of plain and mixed kernels, tested on depthwise-separable ones: no network of the fit has a depthwise
convolution, so that these are predicted by the regressor of convolutions, whose features they share. Beside it: random
networks held out of all families, and totals linear in the multiply-accumulates.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwnas.latency.kernels.networks import Networks, count_kernels
from hwnas.latency.kernels.sources.jetson_nano import kernels_of_row, measured_rows
from hwnas.latency.kernels.totals import AdditiveFit, fit_totals
from hwnas.latency.kernels.whole_networks import total_figures
from hwnas.predictors.boosting import positive_least_squares


def main() -> None:
    """Print figures for latency and energy."""
    table, rows = measured_rows()
    networks = count_kernels(kernels_of_row(table, row) for row in rows.tolist())
    family, macs = np.asarray(table["family"])[rows], np.asarray(table["macs"])[rows]
    separable = np.char.startswith(family.astype(str), "dws")
    fold = np.random.default_rng(0).integers(0, 5, len(rows))
    splits = {
        "random fifth": (np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)),
        "separable, not seen": (np.flatnonzero(~separable), np.flatnonzero(separable)),
    }
    for column in ("latency_ms", "energy_mj"):
        totals = np.asarray(table[column])[rows]
        for name, (known, new) in splits.items():
            predicted = borrowed(fit_totals(networks.take(known), totals[known]), networks).totals(networks.take(new))
            show(f"{column}, {name}: kernel model", totals[new], predicted)
            show(f"{column}, {name}: linear in MACs", totals[new], linear(macs, totals, known)[new])


def borrowed(fit: AdditiveFit, networks: Networks) -> AdditiveFit:
    """Depthwise convolutions by the regressor of convolutions where none was seen."""
    if "depthwise_conv" in fit.regressors or "depthwise_conv" not in networks.features:
        return fit
    other = replace(fit.regressors["conv"], kind="depthwise_conv")
    return AdditiveFit(regressors=fit.regressors | {"depthwise_conv": other}, overhead=fit.overhead)


def linear(macs: np.ndarray, totals: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A constant and a time for each multiply-accumulate."""
    terms = np.stack([np.ones(len(macs)), macs], axis=1)
    return np.asarray(terms @ positive_least_squares(terms[known] / totals[known][:, None], np.ones(len(known))))


def show(name: str, true: np.ndarray, predicted: np.ndarray) -> None:
    """One line."""
    figures = ", ".join(f"{key} {value:g}" for key, value in total_figures(true, predicted).items())
    print(f"{name} ({len(true)} networks): {figures}", flush=True)


if __name__ == "__main__":
    main()
