"""Tasks to meta-learn from: known devices, mixtures of them, and mixtures with devices that never were.

A space has about ten known devices, too few to learn what devices may be like. A mixture adds up relative costs of
known devices. A synthetic device charges every node of a network's graph exp(features · w) with random w, which
includes runtimes that leave out dead operations where graphs say what is dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.predictors.fewshot_model import KnownColumn
from hwnas.predictors.meta_gcn import LOWEST

MEASURED: Final = (5, 7, 10, 10, 10, 10, 10, 10, 15, 20)  # how many networks an episode measures, drawn from this
_NOISE: Final = (0.01, 0.1)  # of made devices, in log cost, drawn log-uniformly


@final
@dataclass(frozen=True, kw_only=True)
class TaskMix:
    """Shares of tasks: mixtures of three known devices, and of two with a synthetic one; the others are known devices.

    node_spread: standard deviation of the weights w of a synthetic device.
    """

    mixed: float = 0.2
    synthetic: float = 0.55
    node_spread: float = 1.6


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KnownTasks:
    """Relative log costs of known devices on the same n networks, NaN where not measured, and the networks' nodes."""

    nodes: Float[Array, "n k c"]
    log_costs: Float[Array, "d n"]


def known_tasks(nodes: Float[Array, "n k c"], columns: Sequence[KnownColumn]) -> KnownTasks:
    """Columns relative to their median; far below it they are raised, as in `standardise` of meta_gcn.py.

    Raises `UsageError` without columns, and for a column with too few measured networks to make a task of.
    """
    rows = []
    for column in columns:
        logs = np.log(np.where(column.costs > 0, column.costs, np.nan))
        if np.isfinite(logs).sum() < 2 * max(MEASURED):
            raise UsageError(
                f"expected at least {2 * max(MEASURED)} measured networks of {column.name}, "
                f"got {np.isfinite(logs).sum()}; leave it out"
            )
        rows.append(_raised(logs - np.nanmedian(logs)))
    if not rows:
        raise UsageError("expected known devices to learn from, got none")
    return KnownTasks(nodes=nodes, log_costs=np.stack(rows))


def draw_task(
    known: KnownTasks, mix: TaskMix, *, networks: int, rng: np.random.Generator
) -> tuple[Integer[Array, " m"], Float[Array, " m"]]:
    """Rows of networks, at most as many as wanted, and their log costs on one device."""
    kind = rng.random()
    parts = 3 if kind < mix.mixed else 2 if kind < mix.mixed + mix.synthetic else 1
    chosen = rng.integers(len(known.log_costs), size=parts)
    there = np.flatnonzero(np.isfinite(known.log_costs[chosen]).all(axis=0))
    if len(there) < networks:  # devices that measured different networks are not mixed
        parts, chosen = 1, chosen[:1]
        there = np.flatnonzero(np.isfinite(known.log_costs[chosen[0]]))
    rows = rng.choice(there, networks, replace=len(there) < networks)
    if parts == 1:
        return rows, known.log_costs[chosen[0], rows]
    costs = rng.dirichlet(np.ones(parts)) @ np.exp(known.log_costs[chosen][:, rows])
    if parts == 2:
        share = rng.beta(1, 2)
        costs = (1 - share) * costs + share * _synthetic(known.nodes[rows], mix, rng)
    noise = np.exp(rng.uniform(*np.log(_NOISE)))
    return rows, _raised(np.log(costs) + noise * rng.normal(size=networks))


def _synthetic(nodes: Float[Array, "n k c"], mix: TaskMix, rng: np.random.Generator) -> Float[Array, " n"]:
    """Costs of networks on a device of random node costs, relative to their median."""
    costs = np.exp(nodes.astype(np.float64) @ (mix.node_spread * rng.normal(size=nodes.shape[2]))).sum(axis=1)
    return np.asarray(costs / np.median(costs))


def _raised(log_costs: Float[Array, " n"]) -> Float[Array, " n"]:
    return np.asarray(np.maximum(log_costs, np.nanmedian(log_costs) - LOWEST))
