"""A guess of what architectures cost, from those that were looked at: Bayesian regression that a generation can afford.

Linear in the features of a space and in random cosines of them, which make it a Gaussian process with a smooth kernel
(Rahimi & Recht 2007). Its matrices do not grow with what was looked at: 10,000 architectures cost as much as 500.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Int, Integer
from hwnas.spaces import Space

_COSINES: Final = 256
_SCALES: Final = (0.3, 0.5, 0.7)  # length scales of the cosines, in typical distances of two random architectures
_SAMPLE: Final = 500  # random architectures that tell means, deviations and distances
_RIDGES: Final = tuple(10.0**power for power in range(-4, 4))


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Belief:
    """What n architectures are expected to cost, and by how much one of them may deviate from that."""

    mean: Float[Array, "n m"]
    deviation: Float[Array, "n m"]

    def draw(self, rng: np.random.Generator) -> Float[Array, "n m"]:
        """Costs as they may be, each architecture on its own."""
        return np.asarray(self.mean + self.deviation * rng.standard_normal(self.mean.shape))

    def of(self, columns: Int[Array, " k"]) -> Belief:
        """Of some costs alone."""
        return Belief(mean=self.mean[:, columns], deviation=self.deviation[:, columns])

    def beside(self, other: Belief) -> Belief:
        """With the last cost as another belief has it."""
        return Belief(
            mean=np.column_stack([self.mean, other.mean[:, -1]]),
            deviation=np.column_stack([self.deviation, other.deviation[:, -1]]),
        )


@final
class Surrogate:
    """Bayesian linear regression of every cost; the strength of its prior maximises the evidence at each `fit`."""

    def __init__(self, space: Space, *, seed: int) -> None:
        rng = np.random.default_rng(seed)
        sample = space.features(space.sample(min(_SAMPLE, space.size), seed=seed)).astype(np.float64)
        self._space, self._mean = space, sample.mean(axis=0)
        deviation = sample.std(axis=0)
        self._scale = np.where(deviation > 1e-9, deviation, 1.0) * np.sqrt(sample.shape[1])
        pairs = (sample - rng.permutation(sample)) / self._scale
        typical = np.median(np.linalg.norm(pairs, axis=1)) or 1.0
        lengths = typical * rng.choice(_SCALES, size=_COSINES)
        self._waves = rng.standard_normal((sample.shape[1], _COSINES)) / lengths
        self._phases = rng.uniform(0, 2 * np.pi, _COSINES)
        width = sample.shape[1] + _COSINES
        self._gram, self._sums, self._rows = np.zeros((width, width)), np.zeros(width), 0
        self._products: Float[Array, "f m"] | None = None
        self._totals: Float[Array, "2 m"] | None = None

    def inputs(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Features of the space, standardised, and their cosines."""
        features = (self._space.features(vectors) - self._mean) / self._scale
        return np.concatenate([features, np.sqrt(2 / _COSINES) * np.cos(features @ self._waves + self._phases)], axis=1)

    def add(self, vectors: Integer[Array, "n v"], costs: Float[Array, "n m"]) -> None:
        """Take in known costs."""
        inputs = self.inputs(vectors)
        self._rows += len(inputs)
        self._gram += inputs.T @ inputs
        self._sums += inputs.sum(axis=0)
        products, totals = inputs.T @ costs, np.stack([costs.sum(axis=0), (costs**2).sum(axis=0)])
        self._products = products if self._products is None else self._products + products
        self._totals = totals if self._totals is None else self._totals + totals

    def believe(self, vectors: Integer[Array, "n v"]) -> Belief:
        """What architectures may cost after all that was added, which has to be something."""
        assert self._products is not None and self._totals is not None
        n, mean_input = self._rows, self._sums / self._rows
        mean, spread = self._totals[0] / n, np.maximum(self._totals[1] - self._totals[0] ** 2 / n, 1e-300)
        values, basis = np.linalg.eigh(self._gram - n * np.outer(mean_input, mean_input))
        values = np.maximum(values, 0)
        rotated = basis.T @ (self._products - np.outer(self._sums, mean))
        ridge, noise = _evidence(values, rotated, spread, n)
        inputs = (self.inputs(vectors) - mean_input) @ basis
        shrunk = 1 / (values[:, None] + ridge)
        variance = noise * (1 + 1 / n + inputs**2 @ shrunk)
        return Belief(mean=mean + inputs @ (rotated * shrunk), deviation=np.sqrt(variance))


def _evidence(
    values: Float[Array, " f"], rotated: Float[Array, "f m"], spread: Float[Array, " m"], n: int
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """For each cost the ridge of the largest evidence, out of a few, and the variance of the noise with it.

    values: eigenvalues of the centred Gram matrix; rotated: products of inputs and costs in its basis; spread: sums of
    squares of the centred costs. The evidence is that of a Gaussian with a prior of variance noise / ridge.
    """
    ridges = np.array(_RIDGES)[:, None, None]
    explained = (rotated**2 / (values[:, None] + ridges)).sum(axis=1)
    noise = np.maximum(spread - explained, 1e-12 * spread) / n
    evidence = -n * np.log(noise) - np.log1p(values[:, None] / ridges).sum(axis=1)
    best = evidence.argmax(axis=0)
    return np.array(_RIDGES)[best], noise[best, np.arange(noise.shape[1])]
