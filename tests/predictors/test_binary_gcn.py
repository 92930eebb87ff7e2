"""The binary GCN: it orders networks by a made-up accuracy, knows nothing but order, and repeats itself."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.metrics import spearman
from hwnas.spaces import NASBench201

pytest.importorskip("torch")
from hwnas.predictors.binary_gcn import _require_finite, fit_binary

SPACE = NASBench201()


def worth(vectors: np.ndarray) -> np.ndarray:
    return np.array([0.0, 2.0, 5.0, 9.0, 1.0])[vectors].sum(axis=1)


def test_it_orders_networks_by_pairs_and_by_order_alone() -> None:
    import torch

    vectors, asked = SPACE.sample(25, seed=0), SPACE.sample(300, seed=1)
    state = torch.random.get_rng_state()
    model = fit_binary(SPACE, vectors, worth(vectors), seed=0, steps=60)
    assert torch.equal(state, torch.random.get_rng_state())
    scores = model.scores(asked)
    assert spearman(scores, worth(asked)) > 0.8
    # Any other accuracies in the same order teach the same.
    same = fit_binary(SPACE, vectors, np.exp(worth(vectors) / 10), seed=0, steps=60)
    np.testing.assert_array_equal(same.scores(asked), scores)
    better = model.better(asked[:-1], asked[1:])
    truth = worth(asked[:-1]) - worth(asked[1:])
    clear = np.abs(truth) > 6
    assert ((better > 0.5) == (truth > 0))[clear].mean() > 0.85
    np.testing.assert_allclose(better + model.better(asked[1:], asked[:-1]), 1.0)


@pytest.mark.parametrize("accuracy", [[70.0], [70.0, 70.0, 70.0]])
def test_what_teaches_nothing_is_refused(accuracy: list[float]) -> None:
    vectors = SPACE.sample(len(accuracy), seed=0)
    with pytest.raises(UsageError, match="two networks of different accuracy"):
        fit_binary(SPACE, vectors, np.array(accuracy), seed=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_accuracy_that_is_not_finite_is_refused_with_its_network(value: float) -> None:
    vectors = SPACE.sample(5, seed=0)
    accuracy = worth(vectors)
    accuracy[3] = value
    with pytest.raises(UsageError, match="expected finite accuracies") as refusal:
        fit_binary(SPACE, vectors, accuracy, seed=0)
    assert f"got {value} for {SPACE.strings(vectors[3:4])[0]}" in str(refusal.value)
    assert "1 of 5" in str(refusal.value)


def test_lists_are_refused() -> None:
    with pytest.raises(UsageError, match=r"as arrays, got list and ndarray; give numpy.array"):
        _require_finite(SPACE, SPACE.sample(2, seed=0).tolist(), np.array([1.0, 2.0]))
