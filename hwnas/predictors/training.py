"""The one training function of all regressors: any module that maps encoded architectures to log costs of heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.predictors.gcn import GCN
from hwnas.predictors.mlp import MLP
from hwnas.spaces import Space

ModelKind = Literal["mlp", "gcn"]
MODEL_KINDS: tuple[ModelKind, ...] = ("mlp", "gcn")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Hyperparameters, the same for every head and split.

    steps: optimiser steps, so that a small training set is seen more often than a large one.
    learning_rate: peak of a one-cycle schedule. huber: in standard deviations of log cost, where squared loss turns
    linear; small, because some tables hold nets that the runtime optimised away, a thousandth of what they should be.
    """

    steps: int
    batch_size: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    huber: float = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class LogScale:
    """Median and robust spread (half the distance of the 16th and 84th percentile) of each head's log costs."""

    centre: Float[Array, " h"]
    spread: Float[Array, " h"]


def plan_for(kind: ModelKind, nets: int) -> TrainingPlan:
    """The plan for a training set of so many nets.

    Chosen on one trial split of NAS-Bench-201, before the folds that figures are reported on were drawn.
    """
    batch_size = 64 if nets < 4000 else 256
    return TrainingPlan(steps={"mlp": 5000, "gcn": 2000}[kind], batch_size=batch_size)


def log_scale(log_costs: Float[Array, "n h"]) -> LogScale:
    """Centre and spread of the columns, NaN ignored. Raises `UsageError` for a column without two different values."""
    low, centre, high = np.nanpercentile(log_costs, [16, 50, 84], axis=0)
    if not (high > low).all():
        raise UsageError(
            f"expected costs that differ between nets, got a constant in head {int(np.argmin(high > low))}"
        )
    return LogScale(centre=np.ascontiguousarray(centre), spread=np.ascontiguousarray((high - low) / 2))


def build_model(kind: ModelKind, space: Space, *, heads: int) -> nn.Module:
    """An untrained regressor for the space."""
    example = space.vector(np.zeros(1, dtype=np.int64))
    if kind == "mlp":
        return MLP(features=space.features(example).shape[1], heads=heads)
    cells = space.cell_graphs(example)
    return GCN(node_features=cells.nodes.shape[2], adjacency=torch.from_numpy(cells.adjacency), heads=heads)


def encode(kind: ModelKind, space: Space, vectors: Integer[Array, "n v"]) -> Tensor:
    """Input of the regressor for (n, v) vectors."""
    return torch.from_numpy(space.features(vectors) if kind == "mlp" else space.cell_graphs(vectors).nodes)


def train(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    plan: TrainingPlan,
    seed: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Fit `model` in place.

    inputs: (n, ...) encoded nets. targets: (n, h) standardised log costs, NaN where a net was not measured.
    The module's parameters come from its caller; order of batches from `seed`. Same arguments, same result on one
    machine.
    """
    known = ~torch.isnan(targets)
    targets = torch.where(known, targets, torch.zeros(()))
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.learning_rate, total_steps=plan.steps, pct_start=0.1)
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.int64)
    model.train()
    for step in range(plan.steps):
        if len(order) < plan.batch_size:
            order = torch.randperm(len(inputs), generator=generator)
        rows, order = order[: plan.batch_size], order[plan.batch_size :]
        loss = nn.functional.smooth_l1_loss(model(inputs[rows]), targets[rows], beta=plan.huber, reduction="none")
        loss = (loss * known[rows]).sum() / known[rows].sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        progress(step + 1, plan.steps)
    model.eval()
