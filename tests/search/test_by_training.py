"""Searches that train: warm-up, moves and the policy against definitions; on a made-up accuracy they find the top."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.search.by_training import (
    evolution_training,
    predictor_training,
    random_training,
    reinforce_training,
    trained,
)
from hwnas.search.move_proposal import propose_move
from hwnas.search.reinforce import Reinforce, softmax
from hwnas.search.warm_up import warm_up
from hwnas.spaces import NASBench201

SPACE = NASBench201()
VECTORS = SPACE.all_vectors()
WORTH = np.array([0.0, 2.0, 5.0, 9.0, 1.0])


def accuracy(vector: np.ndarray) -> float:
    """The best architecture has 3x3 convolutions on all edges."""
    return float(WORTH[vector].sum())


def scores(vectors: np.ndarray) -> np.ndarray:
    """A proxy that mistakes pooling for a 1x1 convolution."""
    return np.array([0.0, 2.0, 1.0, 9.0, 5.0])[vectors].sum(axis=1)


def test_warm_up_is_a_sort_of_a_sample() -> None:
    given = scores(VECTORS)
    given[:100] = np.nan
    start = warm_up(VECTORS, given, seed=0)
    assert len(start) == len(VECTORS) - 100
    assert (np.diff(scores(start)) <= 0).all()
    few = warm_up(VECTORS, given, seed=1, sample=500)
    assert 480 < len(few) <= 500 and len(np.unique(few, axis=0)) == len(few)
    assert not np.array_equal(few[:20], warm_up(VECTORS, given, seed=2, sample=500)[:20])
    equal = warm_up(VECTORS, np.zeros(len(VECTORS)), seed=3)
    assert not np.array_equal(equal[:50], VECTORS[:50])  # equal scores are in random order
    with pytest.raises(UsageError, match="score 1 to 15625 architectures, got 0"):
        warm_up(VECTORS, given, seed=0, sample=0)
    with pytest.raises(UsageError, match="a score for each of 15625"):
        warm_up(VECTORS, given[:5], seed=0)


def test_a_move_is_the_best_neighbour_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    for vector in VECTORS[[0, 77, 5000, 15_624]]:
        moved = propose_move(SPACE, vector, scores, rng=rng, random_moves=0.0)
        assert (moved != vector).sum() == 1
        assert scores(moved[None])[0] == scores(SPACE.neighbours(vector)).max()


def test_a_quarter_of_the_moves_is_random_and_nan_is_never_best() -> None:
    rng, vector = np.random.default_rng(1), VECTORS[7000]
    best = scores(SPACE.neighbours(vector)).max()
    moved = np.stack([propose_move(SPACE, vector, scores, rng=rng) for _ in range(400)])
    assert 0.68 < (scores(moved) == best).mean() < 0.86
    unknown = propose_move(
        SPACE, vector, lambda around: np.where(around[:, 0] == 3, 1.0, np.nan), rng=rng, random_moves=0.0
    )
    assert unknown[0] == 3


def test_the_policy_follows_the_gradient() -> None:
    """The logits move by the gradient of the log-probability, here by finite differences."""
    policy = Reinforce(SPACE, seed=0, learning_rate=0.5)
    policy.logits = [np.random.default_rng(position).normal(size=5) for position in range(6)]
    vector = np.array([0, 1, 2, 3, 4, 0], dtype=np.int8)
    before = [logits.copy() for logits in policy.logits]
    policy.learn(vector, 1.0)  # the first reward is the baseline: nothing moves
    assert all(np.array_equal(a, b) for a, b in zip(before, policy.logits, strict=True))
    policy.learn(vector, 2.0)
    step = 1.0 / np.sqrt(0.1)
    for position, choice in enumerate(vector):
        for other in range(5):
            up, down = before[position].copy(), before[position].copy()
            up[other] += 1e-6
            down[other] -= 1e-6
            slope = (np.log(softmax(up)[choice]) - np.log(softmax(down)[choice])) / 2e-6
            moved = policy.logits[position][other] - before[position][other]
            assert moved == pytest.approx(0.5 * step * slope, abs=1e-6)


def test_every_search_trains_its_start_first_and_is_a_function_of_its_seed() -> None:
    start = warm_up(VECTORS, scores(VECTORS), seed=0, sample=200)

    def searches(seed: int) -> list:
        rng = np.random.default_rng(seed)
        return [
            random_training(SPACE, rng=rng, start=start),
            evolution_training(SPACE, rng=rng, start=start, population=16),
            reinforce_training(SPACE, seed=seed, start=start, first=16),
            predictor_training(VECTORS, lambda _v, _a: scores(VECTORS), rng=rng, start=start, first=16),
        ]

    for one, same, other in zip(searches(0), searches(0), searches(1), strict=True):
        found = trained(one, accuracy, nets=60)
        assert np.array_equal(found[:16], [accuracy(vector) for vector in start[:16]])
        assert np.array_equal(found, trained(same, accuracy, nets=60))
        assert len(trained(other, accuracy, nets=60)) == 60


def test_searches_learn() -> None:
    """Of 250 trained networks the last are better than the first; random ones are not."""
    rng = np.random.default_rng(5)
    gains = {}
    for name, search in {
        "evolution": evolution_training(SPACE, rng=rng, population=20),
        "reinforce": reinforce_training(SPACE, seed=0),
        "random": random_training(SPACE, rng=rng),
    }.items():
        found = trained(search, accuracy, nets=250)
        gains[name] = found[-50:].mean() - found[:20].mean()
    assert gains["evolution"] > 12 and gains["reinforce"] > 12 and abs(gains["random"]) < 8


def test_moves_by_a_proxy_lead_evolution() -> None:
    def best(move) -> float:
        found = [
            trained(
                evolution_training(SPACE, rng=np.random.default_rng(s), move=move, population=10), accuracy, nets=40
            )
            for s in range(5)
        ]
        return float(np.mean([one[10:].mean() for one in found]))

    rng = np.random.default_rng(0)
    assert best(lambda vector: propose_move(SPACE, vector, scores, rng=rng)) > best(None) + 3


def test_the_predictor_trains_what_it_predicts_best_and_nothing_twice() -> None:
    asked = []

    def fit(vectors: np.ndarray, found: np.ndarray) -> np.ndarray:
        assert np.array_equal(found, [accuracy(vector) for vector in vectors])
        asked.append(len(vectors))
        return WORTH[VECTORS].sum(axis=1)

    found = trained(predictor_training(VECTORS, fit, rng=np.random.default_rng(0)), accuracy, nets=41)
    assert asked == [20, 30, 40] and found[20] == accuracy(np.full(6, 3))
    few = VECTORS[:7]
    assert (
        len(
            trained(
                predictor_training(few, lambda _v, _a: np.zeros(7), rng=np.random.default_rng(0), first=3, batch=2),
                accuracy,
                nets=50,
            )
        )
        == 7
    )
    with pytest.raises(UsageError, match="at least two networks at first"):
        next(predictor_training(few, fit, rng=np.random.default_rng(0), first=1))


def test_the_policy_takes_infinite_rewards_for_worst_and_best() -> None:
    """As a reward as far beyond the finite ones as these are apart; NaN is refused with the network."""
    vector, other = np.array([0, 1, 2, 3, 4, 0], dtype=np.int8), np.array([3, 3, 3, 3, 3, 3], dtype=np.int8)

    def taught(*rewards: float) -> list[np.ndarray]:
        policy = Reinforce(SPACE, seed=0)
        for count, reward in enumerate(rewards):
            policy.learn(vector if count % 2 else other, reward)
        assert np.isfinite(policy.sample()).all()
        return policy.probabilities

    np.testing.assert_array_equal(taught(1.0, 4.0, 2.0, -np.inf), taught(1.0, 4.0, 2.0, -2.0))
    np.testing.assert_array_equal(taught(1.0, 4.0, np.inf, 2.0), taught(1.0, 4.0, 7.0, 2.0))
    np.testing.assert_array_equal(taught(1.0, -np.inf, 2.0), taught(1.0, 0.0, 2.0))
    np.testing.assert_array_equal(taught(-np.inf, np.inf), np.full((6, 5), 0.2))  # nothing to compare with
    with pytest.raises(UsageError, match=re.escape(f"reward for {SPACE.strings(vector[None])[0]}, got NaN")):
        taught(1.0, np.nan)


def test_a_search_goes_on_where_some_accuracies_are_minus_infinity() -> None:
    def sometimes(vector: np.ndarray) -> float:
        return -np.inf if vector[0] == 0 else accuracy(vector)

    for search in (
        reinforce_training(SPACE, seed=0),
        evolution_training(SPACE, rng=np.random.default_rng(0), population=20),
    ):
        found = trained(search, sometimes, nets=250)
        assert np.isneginf(found[:50]).any()
        assert np.isneginf(found[-50:]).sum() < np.isneginf(found[:50]).sum()


def test_an_accuracy_of_nan_is_refused_with_its_architecture() -> None:
    rng = np.random.default_rng(0)
    for search in (
        evolution_training(SPACE, rng=rng, start=VECTORS[77:80]),
        reinforce_training(SPACE, seed=0, start=VECTORS[77:80]),
        predictor_training(VECTORS, lambda _v, _a: scores(VECTORS), rng=rng, start=VECTORS[77:80]),
    ):
        first = next(search)
        with pytest.raises(UsageError, match=r"got NaN; give minus infinity") as refusal:
            search.send(float("nan"))
        assert str(first.tolist()) in str(refusal.value) or SPACE.strings(first[None])[0] in str(refusal.value)


def test_the_predictor_trains_every_candidate_whatever_the_start_has_beside_them() -> None:
    few = VECTORS[:12]
    start = np.concatenate([VECTORS[100:108], few[:2]]).astype(np.int64)
    search = predictor_training(few, lambda _v, _a: np.zeros(12), rng=np.random.default_rng(0), start=start, first=10)
    seen: list[tuple[int, ...]] = []

    def told(vector: np.ndarray) -> float:
        seen.append(tuple(vector.tolist()))
        return accuracy(vector)

    trained(search, told, nets=100)
    assert len(seen) == len(set(seen)) == 20 and {tuple(row) for row in few.tolist()} <= set(seen)
