"""Four synthetic known devices of NAS-Bench-201, what they teach, and a fifth device that is new."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.predictors import fewshot_model, fewshot_spreads
from hwnas.predictors.fewshot_features import reaches_output
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn, learn
from hwnas.spaces import Space, get_space

# ms of none, skip, 1x1, 3x3, pooling on one edge beside a fixed part of 3 ms
_COSTS = {
    "gpu": (0.0, 0.1, 1.0, 1.2, 0.8),
    "cpu": (0.0, 0.2, 1.5, 4.0, 1.5),
    "phone": (0.1, 0.3, 1.0, 3.0, 2.5),
    "pruning-phone": (0.0, 0.1, 1.0, 4.0, 1.0),
}
_NEW = (0.05, 0.2, 1.2, 2.5, 1.2)


def synthetic(space: Space, costs: tuple[float, ...], *, prunes: bool, seed: int) -> np.ndarray:
    """Latencies (ms) of all networks: a sum over the edges that are executed, and 3 % noise."""
    vectors = space.all_vectors()
    executed = np.where(reaches_output(vectors), vectors, 0) if prunes else vectors
    total = 3.0 + np.array(costs)[executed].sum(axis=1)
    return total * np.exp(0.03 * np.random.default_rng(seed).normal(size=len(total)))


@pytest.fixture(scope="session")
def cells() -> Space:
    return get_space("nasbench201")


@pytest.fixture(scope="session")
def new_device(cells: Space) -> np.ndarray:
    """Latencies (ms) of all networks, in index order, on a device that is not known."""
    return synthetic(cells, _NEW, prunes=False, seed=9)


@pytest.fixture(scope="session")
def few_shot(cells: Space) -> FewShotModel:
    """What the four known devices teach, from 400 networks and few draws."""
    rows = np.random.default_rng(0).permutation(cells.size)[:400]
    columns = [
        KnownColumn(name=name, physical=name, costs=synthetic(cells, costs, prunes="pruning" in name, seed=i)[rows])
        for i, (name, costs) in enumerate(_COSTS.items())
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fewshot_model, "_DRAWS", 1)
        patch.setattr(fewshot_spreads, "_ROUNDS", 1)
        return learn(cells, cells.vector(rows), columns, facts={"learned_from": "synthetic devices"})
