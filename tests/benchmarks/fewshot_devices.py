"""Leave one physical device out: `python tests/benchmarks/fewshot_devices.py --space fbnet [--draws 10] [--json FILE]`.

Every column of measurements in the cache (`HWNAS_DATA`; pull `help` and `hw-nas-bench` first) is predicted from ten of
its networks by a model that saw no column of the same physical device: no batch size, no data set, no duplicate
source. How freely devices differ and how wide intervals are is learned without it too, on the other two thirds of the
devices (on all others where there are fewer than six). Figures are of up to 2,000 networks that were not measured.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from fewshot import Figures, mean_figures, point_figures

from hwnas import metrics
from hwnas.arrays import Array, Integer
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.known_devices import KnownLatencies, known_latencies
from hwnas.latency.observations import check_observations
from hwnas.predictors.design import before_measuring, most_informative
from hwnas.predictors.fewshot_baselines import by_flops
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn, learn
from hwnas.spaces import Space, get_space

MEASURED: Final = 10
QUERIES: Final = 2000
CHOICES: Final = ("random", "plan")
_THIRDS: Final = 3


def models_without(space: Space, known: KnownLatencies) -> Iterator[tuple[str, FewShotModel]]:
    """(physical device, model that knows all others but not this one)."""
    physical = sorted({column.physical for column in known.columns})
    parts = _THIRDS if len(physical) >= 2 * _THIRDS else len(physical)
    for part in range(parts):
        left_out = physical[part::parts]
        guide = _learn(space, known, left_out)
        for name in left_out:
            yield name, _learn(space, known, [name], like=guide) if len(left_out) > 1 else guide


def _learn(
    space: Space, known: KnownLatencies, left_out: Sequence[str], like: FewShotModel | None = None
) -> FewShotModel:
    columns = [column for column in known.columns if column.physical not in left_out]
    return learn(space, known.vectors, columns, facts={"left_out": list(left_out)}, like=like)


def figures_of(
    space: Space, known: KnownLatencies, column: KnownColumn, model: FewShotModel, *, draws: int
) -> dict[str, Figures]:
    """Mean figures over draws, by choice of the networks, and of the FLOPs baseline."""
    there = np.flatnonzero(~np.isnan(column.costs))
    features = model.features(space, known.vectors)
    rows: dict[str, list[Figures]] = {choice: [] for choice in (*CHOICES, "flops random")}
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(there)
        pool, queries = order[:-QUERIES] if len(order) > 2 * QUERIES else order[: len(order) // 2], order[-QUERIES:]
        pool = pool[:QUERIES]
        belief = before_measuring(model.prior)
        informative = most_informative(model.prior, belief, features[:, pool], features[:, pool[:1000]], count=MEASURED)
        for choice, nets in (("random", pool[:MEASURED]), ("plan", pool[informative])):
            rows[choice].append(_figures(space, known, column, model, nets, np.setdiff1d(queries, nets)))
        flops = by_flops(space, known.vectors[pool[:MEASURED]], column.costs[pool[:MEASURED]], known.vectors[queries])
        rows["flops random"].append(point_figures(column.costs[queries], flops))
    return {choice: mean_figures(own) for choice, own in rows.items()}


def _figures(
    space: Space,
    known: KnownLatencies,
    column: KnownColumn,
    model: FewShotModel,
    nets: Integer[Array, " k"],
    queries: Integer[Array, " q"],
) -> Figures:
    observations = check_observations(space, known.vectors[nets], column.costs[nets])
    adapted = AdaptedModel(space=space, device=column.name, target="latency", observations=observations, model=model)
    estimate, true = adapted.predict(known.vectors[queries]), column.costs[queries]
    assert estimate.lower is not None and estimate.upper is not None
    return point_figures(true, estimate.mean) | {
        "median_ape": metrics.median_ape(true, estimate.mean),
        "coverage": metrics.coverage(true, estimate.lower, estimate.upper),
        "width": metrics.relative_width(true, estimate.lower, estimate.upper),
    }


def leave_out(space: Space, *, draws: int) -> dict[str, dict[str, Figures]]:
    """Figures by column, and `mean` over physical devices, each counting once."""
    known = known_latencies(space)
    results: dict[str, dict[str, Figures]] = {}
    by_device: dict[str, list[dict[str, Figures]]] = {}
    for name, model in models_without(space, known):
        for column in known.columns:
            if column.physical == name:
                results[column.name] = figures_of(space, known, column, model, draws=draws)
                by_device.setdefault(name, []).append(results[column.name])
                print(f"... {column.name}", flush=True)
    choices = next(iter(results.values()))
    results["mean"] = {
        choice: mean_figures([mean_figures([own[choice] for own in columns]) for columns in by_device.values()])
        for choice in choices
    }
    return results


def table(results: dict[str, dict[str, Figures]]) -> str:
    """The figures as text; `-` where a baseline has none."""
    names = ("spearman", "kendall", "median_ape", "mape", "within_10", "coverage", "width")
    lines = [f"{'column':34s} {'networks':14s}" + "".join(f"{name:>12s}" for name in names)]
    for column, choices in results.items():
        for choice, figures in choices.items():
            values = [f"{figures[name]:12.3f}" if name in figures else f"{'-':>12s}" for name in names]
            lines.append(f"{column:34s} {choice:14s}" + "".join(values))
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, leave out each device, print the table."""
    parser = argparse.ArgumentParser(description="Few-shot latency models, each physical device left out in turn.")
    parser.add_argument("--space", default="nasbench201", help="nasbench201, fbnet or ofa")
    parser.add_argument("--draws", type=int, default=10, help="draws of the ten measured networks (10)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    results: dict[str, Any] = leave_out(get_space(arguments.space), draws=arguments.draws)
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
