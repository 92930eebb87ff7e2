"""Which networks to measure: greedy steps against brute force, and what they are worth."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.predictors.design import Belief, after_measuring, before_measuring, most_informative
from hwnas.predictors.latent import adapt
from hwnas.predictors.latent_prior import LatentPrior


def made_up(executions: int = 2) -> tuple[LatentPrior, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(executions, 40, 5)) * 0.3
    features[:, :, 0] = 1.0
    prior = LatentPrior(
        mean=np.tile([1.0, 0.2, 0.1, 0.0, -0.1], (executions, 1)),
        execution=np.full(executions, 1 / executions),
        directions=rng.normal(size=(2, 5)) * 0.2,
        scales=np.array([0.2, 0.1, 0.1, 0.05, 0.05]),
    )
    return prior, features


def left_over(prior: LatentPrior, belief: Belief, features: np.ndarray, chosen: list[int]) -> float:
    """Mean relative variance over all networks once `chosen` are measured: dense, in function space."""
    size = np.sqrt(belief.execution @ prior.noise_shape(features))
    means = np.einsum("enp,ep->en", features, belief.mean)
    middle = belief.execution @ means
    covariance = sum(
        share * (rows @ cov @ rows.T + np.outer(mean - middle, mean - middle))
        for share, rows, cov, mean in zip(belief.execution, features, belief.covariance, means, strict=True)
    )
    covariance = covariance / np.outer(size, size)
    noise = (belief.execution * belief.noise) @ prior.noise_shape(features) / size**2
    own = covariance[np.ix_(chosen, chosen)] + np.diag(noise[chosen])
    across = covariance[:, chosen]
    return float(np.trace(covariance - across @ np.linalg.solve(own, across.T)) / len(size))


@pytest.mark.parametrize("executions", [1, 2])
def test_each_step_is_the_best_one(executions: int) -> None:
    prior, features = made_up(executions)
    belief = before_measuring(prior)
    chosen = most_informative(prior, belief, features, features, count=4).tolist()
    for step in range(4):
        left = [
            left_over(prior, belief, features, [*chosen[:step], other]) if other not in chosen[:step] else np.inf
            for other in range(40)
        ]
        assert chosen[step] == int(np.argmin(left))


def test_chosen_networks_leave_less_than_random_ones() -> None:
    prior, features = made_up()
    belief = before_measuring(prior)
    chosen = most_informative(prior, belief, features, features, count=6)
    assert len(set(chosen.tolist())) == 6
    rng = np.random.default_rng(1)
    by_chance = [left_over(prior, belief, features, rng.permutation(40)[:6].tolist()) for _ in range(50)]
    assert left_over(prior, belief, features, chosen.tolist()) < min(by_chance)


def test_a_measured_device_asks_for_other_networks() -> None:
    """What was measured already tells little: the next networks are others."""
    prior, features = made_up()
    first = most_informative(prior, before_measuring(prior), features, features, count=5)
    costs = 9.0 * features[0, first] @ prior.mean[0]
    belief = after_measuring(adapt(prior, features[:, first], costs))
    following = most_informative(prior, belief, features, features, count=3)
    assert left_over(prior, belief, features, following.tolist()) < left_over(
        prior, belief, features, first[:3].tolist()
    )


@pytest.mark.parametrize("count", [0, -1, 41])
def test_impossible_numbers_are_refused(count: int) -> None:
    prior, features = made_up()
    with pytest.raises(UsageError, match="1 to 40"):
        most_informative(prior, before_measuring(prior), features, features, count=count)
