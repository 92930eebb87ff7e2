"""A board of which nothing is known: `python tests/benchmarks/alone.py [--space fbnet] [--draws 5] [--latent]`.

Every column of measurements in the cache (`HWNAS_DATA`; pull `help` and `hw-nas-bench` first) is predicted from 10 or
20 of its networks, random ones or spread out as `hwnas plan` does it where nothing is known, and nothing else: by the
method `alone` and by the baselines of fewshot_baselines.py. Figures are of 1,000 networks that were not measured, the
mean over draws and over physical devices, each counting once. `--latent` adds the few-shot model that learned from all
other physical devices, which takes minutes: what known devices are worth.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from fewshot import Figures, mean_figures
from fewshot_devices import models_without

from hwnas import metrics
from hwnas.arrays import Array, Float, Integer
from hwnas.estimates import CostModel
from hwnas.latency.alone import adapt_alone
from hwnas.latency.fewshot import adapt
from hwnas.latency.known_devices import KnownLatencies, known_latencies
from hwnas.predictors.fewshot_baselines import BASELINES
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn
from hwnas.spaces import Space, get_space

SPACES: Final = ("nasbench201", "fbnet")
SIZES: Final = (10, 20)
CHOICES: Final = ("random", "spread")
QUERIES: Final = 1000
POOL: Final = 2000  # networks among which those to measure are chosen


def spread_out(features: Float[Array, "n p"], macs: Integer[Array, " n"], count: int) -> list[int]:
    """Cheapest, dearest, then each the farthest from those before it, as `spread` of hwnas/api/choosing.py."""
    chosen, distance = [int(macs.argmin())], np.full(len(features), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(axis=1))
        distance[chosen] = -1
        chosen.append(int(macs.argmax() if len(chosen) == 1 else distance.argmax()))
    return chosen


def draws_of(
    space: Space, known: KnownLatencies, column: KnownColumn, *, draws: int
) -> Iterator[tuple[str, Integer[Array, " k"], Integer[Array, " q"]]]:
    """(what is measured, its networks, the queries) for each draw, size and choice."""
    there = np.flatnonzero(~np.isnan(column.costs))
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(there)
        queries, pool = order[-QUERIES:], order[:-QUERIES][:POOL]
        features = space.features(known.vectors[pool]).astype(np.float64)
        macs = space.counts(known.vectors[pool], dataset=space.datasets[0])["macs"]
        for size in SIZES:
            yield f"{size} random", pool[:size], queries
            yield f"{size} spread", pool[spread_out(features, macs, size)], queries


def figures_of(true: Float[Array, " q"], model: CostModel, vectors: Integer[Array, "q v"]) -> Figures:
    """Errors, rank correlation, and the 90 % intervals."""
    estimate = model.predict(vectors)
    assert estimate.lower is not None and estimate.upper is not None
    return point_figures(true, estimate.mean) | {
        "coverage": metrics.coverage(true, estimate.lower, estimate.upper),
        "width": 100 * float(np.median((estimate.upper - estimate.lower) / estimate.mean)),
    }


def point_figures(true: Float[Array, " q"], predicted: Float[Array, " q"]) -> Figures:
    """Median error in percent, and Spearman."""
    return {"median_ape": metrics.median_ape(true, predicted), "spearman": metrics.spearman(true, predicted)}


def column_figures(
    space: Space, known: KnownLatencies, column: KnownColumn, model: FewShotModel | None, *, draws: int
) -> dict[tuple[str, str], Figures]:
    """Mean figures over draws, by what is measured and by method."""
    rows: dict[tuple[str, str], list[Figures]] = {}
    for what, nets, queries in draws_of(space, known, column, draws=draws):
        measured, costs = known.vectors[nets], column.costs[nets]
        wanted, true = known.vectors[queries], column.costs[queries]
        found = {"alone": figures_of(true, adapt_alone(space, measured, costs, device="new"), wanted)}
        for name, fit in BASELINES.items():
            found[name] = point_figures(true, fit(space, measured, costs, wanted))
        if model is not None:
            latent = adapt(space, measured, costs, device="new", model=model, unit_is_right=True)
            found["latent"] = figures_of(true, latent, wanted)
        for name, figures in found.items():
            rows.setdefault((what, name), []).append(figures)
    return {key: mean_figures(own) for key, own in rows.items()}


def of_space(space: Space, *, draws: int, latent: bool) -> dict[tuple[str, str], Figures]:
    """Mean figures over physical devices."""
    known = known_latencies(space)
    physical = sorted({column.physical for column in known.columns})
    models = models_without(space, known) if latent else ((name, None) for name in physical)
    devices = []
    for name, model in models:
        own = [column for column in known.columns if column.physical == name]
        columns = [column_figures(space, known, column, model, draws=draws) for column in own]
        devices.append({key: mean_figures([column[key] for column in columns]) for key in columns[0]})
        print(f"... {space.name} {name}", flush=True)
    return {key: mean_figures([device[key] for device in devices]) for key in devices[0]}


def table(results: dict[str, dict[tuple[str, str], Figures]]) -> str:
    """The figures as text, and their mean over all spaces and measurements; `-` where a baseline has no interval."""
    names = ("median_ape", "spearman", "coverage", "width")
    lines = [f"{'space':14s} {'measured':12s} {'method':10s}" + "".join(f"{name:>12s}" for name in names)]
    methods: dict[str, list[Figures]] = {}
    for space, rows in results.items():
        for (what, method), figures in sorted(rows.items()):
            lines.append(f"{space:14s} {what:12s} {method:10s}" + _cells(figures, names))
            methods.setdefault(method, []).append(figures)
    lines += [f"{'mean':14s} {'':12s} {name:10s}" + _cells(mean_figures(own), names) for name, own in methods.items()]
    return "\n".join(lines)


def _cells(figures: Figures, names: tuple[str, ...]) -> str:
    return "".join(f"{figures[name]:12.3f}" if name in figures else f"{'-':>12s}" for name in names)


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description="A latency model of a board from its own measurements alone.")
    parser.add_argument("--space", action="append", help="nasbench201, fbnet or ofa; may be repeated")
    parser.add_argument("--draws", type=int, default=5, help="draws of the measured networks (5)")
    parser.add_argument("--latent", action="store_true", help="add the few-shot model of all other devices")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    names = arguments.space or SPACES
    results: dict[str, Any] = {
        name: of_space(get_space(name), draws=arguments.draws, latent=arguments.latent) for name in names
    }
    print(table(results))
    if arguments.json:
        plain = {name: {" ".join(key): figures for key, figures in rows.items()} for name, rows in results.items()}
        arguments.json.write_text(json.dumps(plain, indent=1))


if __name__ == "__main__":
    main()
