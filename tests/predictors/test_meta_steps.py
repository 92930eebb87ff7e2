"""The meta-learned graph network by hand: its inner steps, the gradient through them, its closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hwnas.predictors.meta_gcn import LOWEST, MetaGCN, inner_loss, kernel, regularised_inverse, standardise
from hwnas.predictors.meta_model import encode, new_network
from hwnas.spaces import NASBench201

SPACE = NASBench201()
COSTS = np.array([0.0, 0.2, 3.0, 4.0, 1.0])  # of none, skip, 1x1, 3x3 and pooling, in ms


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return SPACE.sample(300, seed=1)


def in_double() -> MetaGCN:
    return new_network(SPACE, seed=0).double()


def some_task(vectors: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return encode(SPACE, vectors).double(), torch.from_numpy(np.log(1.0 + COSTS[vectors].sum(axis=1)))


def test_one_step_goes_down_the_gradient_that_finite_differences_give(vectors: np.ndarray) -> None:
    member = in_double()
    nodes, logs = some_task(vectors[:8])
    before, after = (member.adapt(nodes, logs, steps=steps) for steps in (0, 1))
    _, targets, spread = standardise(logs)

    @torch.no_grad()
    def loss(name: str, value: torch.Tensor) -> float:
        weights = {**before.weights, name: value}
        outputs = torch.func.functional_call(member.network, weights, (nodes, before.embedding))
        return float(inner_loss(outputs, targets, spread))

    rates = dict(zip(before.weights, member.log_rates.exp()[1:], strict=True))
    for name in ("embed.weight", "messages.0.linear.bias", "modulation.2.weight", "cost.weight"):
        weight = before.weights[name].detach()
        place = np.unravel_index(weight.numel() // 2, tuple(weight.shape))
        step = torch.zeros_like(weight)
        step[place] = 1e-5
        slope = (loss(name, weight + step) - loss(name, weight - step)) / 2e-5
        moved = float((after.weights[name] - weight)[place].detach())
        assert moved == pytest.approx(-float(rates[name].detach()) * slope, rel=1e-5, abs=1e-12), name


def test_the_outer_gradient_goes_through_the_steps(vectors: np.ndarray) -> None:
    """Second order: the derivative of the query loss by an inner rate and a weight, against finite differences."""
    member = in_double()
    nodes, logs = some_task(vectors[:30])

    def query_loss() -> torch.Tensor:
        predicted, _ = member.predict(member.adapt(nodes[:10], logs[:10], steps=2), nodes[10:])
        return ((predicted - logs[10:]) ** 2).mean()

    query_loss().backward()
    for parameter, place in (
        (member.log_rates, (1,)),
        (member.network.embed.weight, (3, 2)),
        (member.encoder.key.bias, (0,)),
        (member.encoder.log_residual_ridge, ()),
    ):
        assert parameter.grad is not None
        values = []
        for sign in (1, -2):
            parameter.data[place] += sign * 1e-5
            values.append(float(query_loss().detach()))
        parameter.data[place] += 1e-5
        assert float(parameter.grad[place]) == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-10)


def test_the_closed_form_is_kernel_ridge_regression() -> None:
    """Against the normal equations of ridge regression on the keys (Saunders 1998)."""
    rng = torch.Generator().manual_seed(0)
    keys, wanted = (torch.randn(n, 5, generator=rng, dtype=torch.float64) for n in (9, 4))
    targets = torch.randn(9, generator=rng, dtype=torch.float64)
    dual = kernel(wanted, keys) @ (regularised_inverse(keys, torch.tensor(0.3, dtype=torch.float64)) @ targets)
    primal = wanted @ torch.linalg.solve(keys.T @ keys + 0.3 * 5 * torch.eye(5, dtype=torch.float64), keys.T @ targets)
    torch.testing.assert_close(dual, primal)


def test_what_is_far_below_the_median_is_raised() -> None:
    level, deviations, _ = standardise(torch.tensor([0.0, 0.1, 0.2, -9.0, 0.3]))
    assert float(level + deviations[3]) == pytest.approx(0.1 - LOWEST)
