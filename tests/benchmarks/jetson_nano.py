"""The additive kernel model of the Jetson Nano on networks of families that it did not see.

    hwnas data pull jetson-nano-cnn
    python tests/benchmarks/jetson_nano.py

Fitted to networks of plain and mixed kernels, tested on depthwise-separable ones: no network of the fit has a depthwise
convolution, so that these are predicted by the regressor of convolutions, whose features they share. Beside it: random
networks held out of all families, and totals linear in the multiply-accumulates. Then the nine known networks (VGG,
ResNet-50, MobileNetV2, ...), none of which is in the fit: it knows convolutions and dense layers alone, so that sums,
pools and concatenations are not in the totals, and the share of the multiply-accumulates that it covers is printed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from nano_networks import NETWORKS

from hwnas.data import Table
from hwnas.graphs import kernels_of
from hwnas.latency.kernels.model import KernelModel
from hwnas.latency.kernels.networks import Networks, count_kernels
from hwnas.latency.kernels.sources.jetson_nano import RUNTIME, kernels_of_row, measured_rows
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
        known_networks(table, column, borrowed(fit_totals(networks, totals), networks))


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


def known_networks(table: Table, column: str, fit: AdditiveFit) -> None:
    """A line for each known network, and figures of all."""
    target = "latency" if column == "latency_ms" else "energy"
    model = KernelModel(
        device="jetson-nano", runtime=RUNTIME, target=target, regressors=fit.regressors, overhead=fit.overhead
    )
    rows = {name: number for number, name in enumerate(table["name"].tolist()) if name in NETWORKS}
    measured = np.array([float(table[column][rows[name]]) for name in NETWORKS])
    predicted = []
    for name, true in zip(NETWORKS, measured.tolist(), strict=True):
        kernels = kernels_of(NETWORKS[name](), RUNTIME)
        answer = model.predict(kernels)
        work = np.array([kernel.macs for kernel in kernels], dtype=float)
        covered = 100 * work[answer.covered].sum() / work.sum()
        outside = float(answer.outside[answer.covered].max())
        predicted.append(answer.total)
        error = 100 * (answer.total / true - 1)
        print(
            f"{column}, {name}: measured {true:.1f}, predicted {answer.total:.1f} ({error:+.1f} %), "
            f"{covered:.1f} % of the multiply-accumulates covered, outside by a factor of {outside:.1f}"
        )
    show(f"{column}, the nine known networks: kernel model", measured, np.array(predicted))


if __name__ == "__main__":
    main()
