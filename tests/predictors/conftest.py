"""A synthetic device: each operation takes its own time, dead ones too, and a little noise."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.predictors import training
from hwnas.spaces import NASBench201


@pytest.fixture(scope="session")
def space() -> NASBench201:
    return NASBench201()


@pytest.fixture(scope="session")
def costs(space: NASBench201) -> np.ndarray:
    """(15625, 2) costs in ms of two devices; a third of the nets was not measured on the second."""
    rng = np.random.default_rng(0)
    vectors = space.all_vectors()
    first = 1.0 + np.array([0.0, 0.05, 0.8, 2.0, 0.3])[vectors].sum(axis=1)
    second = 5.0 + np.array([0.0, 0.0, 2.0, 3.0, 4.0])[vectors].sum(axis=1)
    noisy = np.stack([first, second], axis=1) * np.exp(rng.normal(scale=0.02, size=(len(vectors), 2)))
    noisy[rng.random(len(vectors)) < 1 / 3, 1] = np.nan
    return noisy


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training plan of seconds instead of minutes."""
    plan = training.TrainingPlan(steps=100, batch_size=64, learning_rate=5e-3)
    monkeypatch.setattr("hwnas.predictors.regressor.plan_for", lambda kind, nets: plan)
