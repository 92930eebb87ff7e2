"""Kernel models fitted to totals of a space's networks beside a GCN that is trained on the same networks.

    hwnas data pull hw-nas-bench help-fbnet
    python tests/benchmarks/kernel_totals.py [--space fbnet] [--devices raspi4 pixel3] [--networks 1200]

Four folds: both see the same three quarters and are judged on the other one. The kernel model takes a network apart and
can go on to other widths, depths and resolutions; the GCN knows the space alone. Beside both a total that is linear in
the multiply-accumulates, and, where architectures are operations on edges, two sums that know more than any kernel
model: a cost for each operation on each edge, and one for each pair of them.
"""

from __future__ import annotations

import argparse
from typing import Final

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float, Integer
from hwnas.latency.kernels.sources.spaces import DATASETS, measured_space
from hwnas.latency.kernels.totals import fit_totals
from hwnas.latency.kernels.whole_networks import FOLDS, predict_known, total_figures
from hwnas.predictors.regressor import fit_regressor
from hwnas.spaces import get_space

RIDGE: Final = 1e-3
TABLES: Final = {"nasbench201": "hw-nas-bench-cifar10", "fbnet": "help-fbnet"}


def edge_terms(vectors: Integer[Array, "n v"]) -> Float[Array, "n t"]:
    """One for each operation on each edge."""
    return (
        np.stack([vectors[:, edge] == kind for edge in range(vectors.shape[1]) for kind in np.unique(vectors)], axis=1)
        * 1.0
    )


def pairs(vectors: Integer[Array, "n v"]) -> Float[Array, "n t"]:
    """One for each pair of operations on edges."""
    terms = edge_terms(vectors)
    first, second = np.triu_indices(terms.shape[1])
    return terms[:, first] * terms[:, second]


def main() -> None:
    """Print a line for each device, target and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", choices=TABLES, default="nasbench201")
    parser.add_argument("--devices", nargs="+", default=["jetson-tx2"])
    parser.add_argument("--networks", type=int, default=1200)
    options = parser.parse_args()
    measured, space = (
        measured_space(options.space, TABLES[options.space], count=options.networks),
        get_space(options.space),
    )
    macs = space.counts(measured.vectors, dataset=DATASETS[options.space])["macs"].astype(float)
    fold = np.random.default_rng(0).integers(0, FOLDS, len(measured.vectors))
    for (device, target), costs in measured.costs.items():
        if device not in options.devices:
            continue
        known = np.isfinite(costs) & (costs > 0)
        work = {"linear in MACs": np.stack([np.ones(len(macs)), macs], axis=1)}
        if options.space == "nasbench201":
            work |= {"sum over edges": edge_terms(measured.vectors), "sum over pairs of edges": pairs(measured.vectors)}
        predicted = {name: np.full(len(costs), np.nan) for name in ("kernel model", "gcn", *work)}
        for number in range(FOLDS):
            inside, outside = np.flatnonzero(known & (fold != number)), np.flatnonzero(known & (fold == number))
            fit = fit_totals(measured.networks.take(inside), costs[inside])
            predicted["kernel model"][outside] = predict_known(fit, measured.networks.take(outside))
            gcn = fit_regressor("gcn", space, measured.vectors[inside], costs[inside][:, None], seed=0)
            predicted["gcn"][outside] = gcn.predict(measured.vectors[outside])[:, 0]
            for name, terms in work.items():
                relative = terms[inside] / costs[inside][:, None]
                normal = relative.T @ relative + RIDGE * np.eye(terms.shape[1])
                predicted[name][outside] = terms[outside] @ np.linalg.solve(normal, relative.sum(axis=0))
        errors = {}
        for name, values in predicted.items():
            figures = total_figures(costs, values)
            errors[name] = metrics.median_ape(costs[known], values[known])
            told = ", ".join(f"{key} {value:g}" for key, value in figures.items())
            print(f"{options.space}, {device}, {target}, {int(known.sum()):,} networks: {name}: {told}", flush=True)
        print(f"  kernel model / gcn, median error: {errors['kernel model'] / errors['gcn']:.2f}", flush=True)


if __name__ == "__main__":
    main()
