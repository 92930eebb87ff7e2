"""The model of costs against closed forms, its choices against brute force, the operators against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas import metrics
from hwnas.pareto import hypervolume
from hwnas.search.genetics import offspring, survivors
from hwnas.search.improvements import choose
from hwnas.search.surrogate import Belief, Surrogate, _evidence
from hwnas.spaces import FBNet, NASBench201

SPACE = NASBench201()


def _params(vectors: np.ndarray) -> np.ndarray:
    return SPACE.counts(vectors, dataset="cifar10")["params"][:, None] / 1e6


def test_a_cost_that_adds_up_over_edges_is_learned() -> None:
    seen, others = SPACE.sample(300, seed=0), SPACE.sample(500, seed=1)
    model = Surrogate(SPACE, seed=0)
    model.add(seen[:100], _params(seen[:100]))
    model.add(seen[100:], _params(seen[100:]))
    belief = model.believe(others)
    assert metrics.spearman(_params(others)[:, 0], belief.mean[:, 0]) > 0.99
    scaled = (_params(others) - belief.mean) / belief.deviation
    assert (np.abs(scaled) < 4).mean() > 0.97


def test_deviations_are_those_of_the_noise() -> None:
    rng, seen, others = np.random.default_rng(0), SPACE.sample(2000, seed=0), SPACE.sample(2000, seed=1)
    noise = 0.2
    model = Surrogate(SPACE, seed=0)
    model.add(seen, _params(seen) + noise * rng.standard_normal((2000, 1)))
    belief = model.believe(others)
    noisy = _params(others) + noise * rng.standard_normal((2000, 1))
    assert ((noisy - belief.mean) / belief.deviation).std() == pytest.approx(1, abs=0.15)


def test_evidence_is_that_of_the_gaussian() -> None:
    """Against the density of the costs, whose covariance is noise (I + X X' / ridge)."""
    rng = np.random.default_rng(0)
    inputs, costs = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    values, basis = np.linalg.eigh(inputs.T @ inputs)
    ridge, noise = _evidence(values, basis.T @ inputs.T @ costs, (costs**2).sum(axis=0), 12)
    for column in range(2):

        def density(power: float, column: int = column) -> tuple[float, float]:
            shape = np.eye(12) + inputs @ inputs.T / power
            variance = costs[:, column] @ np.linalg.solve(shape, costs[:, column]) / 12
            return -12 * np.log(variance) - np.linalg.slogdet(shape)[1], variance

        best = max((10.0**power for power in range(-4, 4)), key=lambda power: density(power)[0])
        assert ridge[column] == best
        assert noise[column] == pytest.approx(density(best)[1])


def test_without_doubt_the_largest_improvement_is_chosen() -> None:
    rng = np.random.default_rng(1)
    points, front, reference = rng.random((40, 2)), np.array([[0.2, 0.7], [0.7, 0.2]]), np.array([0.9, 0.9])
    belief = Belief(mean=points, deviation=np.zeros_like(points))
    gains = [hypervolume(np.concatenate([front, point[None]]), reference) for point in points]
    chosen = choose(belief, front, reference, n=3, rng=rng)
    assert chosen[0] == int(np.argmax(gains)) and len(set(chosen.tolist())) == len(chosen)


def test_nothing_is_chosen_that_cannot_improve() -> None:
    rng, front, reference = np.random.default_rng(0), np.array([[0.1, 0.1]]), np.array([0.9, 0.9])
    belief = Belief(mean=np.full((5, 2), 0.5), deviation=np.zeros((5, 2)))
    assert len(choose(belief, front, reference, n=3, rng=rng)) == 0
    assert len(choose(belief, front[:0], reference, n=3, rng=rng)) == 3


def test_feasible_come_first_then_ranks_then_crowding() -> None:
    costs = np.array([[0.0, 4.0], [1.0, 2.0], [1.1, 1.9], [4.0, 0.0], [5.0, 5.0], [0.0, 0.0], [0.0, 0.0]])
    violations = np.array([0, 0, 0, 0, 0, 0.5, 0.2])
    rng = np.random.default_rng(0)
    assert set(survivors(costs, violations, n=4, rng=rng)) == {0, 1, 2, 3}
    assert set(survivors(costs, violations, n=5, rng=rng)) == {0, 1, 2, 3, 4}
    assert set(survivors(costs, violations, n=6, rng=rng)) == {0, 1, 2, 3, 4, 6}
    assert {0, 3} < set(survivors(costs, violations, n=3, rng=rng))


def test_children_mix_parents_and_keep_to_the_choices() -> None:
    rng, space = np.random.default_rng(0), FBNet()
    parents = np.stack([np.zeros(22, dtype=np.int8), np.ones(22, dtype=np.int8)])
    children = offspring(parents, np.eye(2), np.zeros(2), choices=space.choices, n=400, rng=rng)
    space.check(children)
    assert children.shape == (400, 22)
    # One position in 22 is mutated, to one of eight others, of which one is that of the other parent.
    mutated = (children > 1).mean()
    assert mutated == pytest.approx(1 / 22 * 7 / 8, rel=0.15)
    assert ((children == 0).any(axis=1) & (children == 1).any(axis=1)).mean() > 0.3
