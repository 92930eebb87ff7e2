"""Accuracy of networks from a few dozen trained ones: a Gaussian process in closed form, no torch.

The logarithm of the error (100 - accuracy) of a network is a linear function of its features plus a smooth one:
covariance a x.x'/f + b exp(-|x-x'|^2 / (l f)) + 1, noise n, all times a scale that the data tell (Rasmussen & Williams
2006, chapter 2). Accuracy itself is skewed, as a few networks learn nothing; its error's logarithm is less so.

Which a, b, l and n is not chosen: predictions are averaged over a grid by the evidence of each (section 5.2), as thirty
networks do not tell them apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError

LEAST: Final = 3  # trained networks from which anything can be learned
_LEAST_ERROR: Final = 0.1  # percent; the error of a network that is always right is taken for this
_LINEAR: Final = (0.0, 0.3, 1.0, 3.0)
_SMOOTH: Final = (0.1, 0.3, 1.0, 3.0)
_LENGTHS: Final = (0.2, 0.6, 2.0)  # of the squared distance per feature, which is 2 between random networks
_NOISES: Final = (0.01, 0.03, 0.1)  # variance of training noise, where that of the accuracies is 1
_MASS: Final = 0.9  # of the evidence: what makes up the rest is left out


@final
class _Pairs:
    """Of each of n with each of m networks: products per feature, and e^(-squared distance per feature / length)."""

    def __init__(self, x: Float[Array, "n f"], y: Float[Array, "m f"]) -> None:
        self.products = x @ y.T / x.shape[1]
        alone = (x**2).mean(axis=1)[:, None] + (y**2).mean(axis=1)[None]
        squares = np.maximum(alone - 2 * self.products, 0.0)
        self.near = {length: np.exp(-squares / length) for length in _LENGTHS}


@final
@dataclass(frozen=True, kw_only=True)
class _Kernel:
    linear: float
    smooth: float
    length: float
    noise: float

    def of(self, pairs: _Pairs) -> Float[Array, "n m"]:
        """Covariance of every pair."""
        return np.asarray(1.0 + self.linear * pairs.products + self.smooth * pairs.near[self.length])


_GRID: Final = tuple(
    _Kernel(linear=a, smooth=b, length=length, noise=noise)
    for a, b, length, noise in product(_LINEAR, _SMOOTH, _LENGTHS, _NOISES)
)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AccuracyModel:
    """What is known after some networks were trained; made by `fit_accuracy`.

    features: of the trained networks. values: minus the logarithm of their errors. weights: of the kernels, sum 1.
    """

    features: Float[Array, "n f"]
    values: Float[Array, " n"]
    kernels: tuple[_Kernel, ...]
    weights: Float[Array, " k"]

    def predict(self, features: Float[Array, "m f"]) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
        """Mean and standard deviation of `error_scale` of each network, without the noise of a training."""
        z, centre, spread = _standardised(self.values)
        known, asked = _Pairs(self.features, self.features), _Pairs(features, self.features)
        alone = (features**2).mean(axis=1)
        mean, second = np.zeros(len(features)), np.zeros(len(features))
        for kernel, weight in zip(self.kernels, self.weights, strict=True):
            inverse = np.linalg.inv(kernel.of(known) + kernel.noise * np.eye(len(z)))
            cross = kernel.of(asked)
            scale = (float(z @ inverse @ z) + 1.0) / (len(z) + 1.0)
            mu = cross @ (inverse @ z)
            before = 1.0 + kernel.linear * alone + kernel.smooth
            variance = scale * np.maximum(before - np.einsum("mn,mn->m", cross @ inverse, cross), 1e-8)
            mean += weight * mu
            second += weight * (variance + mu**2)
        deviation = np.sqrt(np.maximum(second - mean**2, 1e-10))
        return centre + spread * mean, spread * deviation

    def after(self, features: Float[Array, "k f"], values: Float[Array, " k"]) -> AccuracyModel:
        """With further networks, believed to have the given values, and the same kernels."""
        return AccuracyModel(
            features=np.concatenate([self.features, features]),
            values=np.concatenate([self.values, values]),
            kernels=self.kernels,
            weights=self.weights,
        )


def fit_accuracy(features: Float[Array, "n f"], accuracy: Float[Array, " m"]) -> AccuracyModel:
    """Learn from networks with their accuracies in percent.

    features: standardised over the networks that will be asked for. Raises `UsageError` for fewer than `LEAST` networks
    and for accuracies outside 0 to 100.
    """
    if len(features) != len(accuracy) or len(accuracy) < LEAST:
        raise UsageError(f"expected at least {LEAST} trained networks with features, got {len(accuracy)}; train more")
    values = error_scale(accuracy)
    z, _, _ = _standardised(values)
    pairs = _Pairs(features, features)
    evidence = np.array([_evidence(kernel.of(pairs) + kernel.noise * np.eye(len(z)), z) for kernel in _GRID])
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    best = np.argsort(-weights, kind="stable")
    kept = best[: int(np.searchsorted(np.cumsum(weights[best]), _MASS)) + 1]
    return AccuracyModel(
        features=np.asarray(features, dtype=np.float64),
        values=values,
        kernels=tuple(_GRID[number] for number in kept),
        weights=weights[kept] / weights[kept].sum(),
    )


def error_scale(accuracy: Float[Array, " n"]) -> Float[Array, " n"]:
    """Minus the logarithm of the error in percent; higher is better. Raises `UsageError` outside 0 to 100."""
    wrong = ~((accuracy >= 0) & (accuracy <= 100))
    if wrong.any():
        raise UsageError(f"expected accuracies in percent from 0 to 100, got {accuracy[wrong][0]:g}")
    return np.asarray(-np.log(np.maximum(100.0 - accuracy, _LEAST_ERROR)))


def percent_of(values: Float[Array, " n"]) -> Float[Array, " n"]:
    """Inverse of `error_scale`."""
    return np.asarray(100.0 - np.exp(-values))


def _standardised(values: Float[Array, " n"]) -> tuple[Float[Array, " n"], float, float]:
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    return (values - centre) / spread, centre, spread


def _evidence(covariance: Float[Array, "n n"], z: Float[Array, " n"]) -> float:
    """Logarithm of the marginal likelihood but for a constant; the scale is integrated out as if one more unit residual
    had been seen: -(n + 1)/2 log((z' K^-1 z + 1)/(n + 1)) - 1/2 log det K.
    """
    factor = np.linalg.cholesky(covariance)
    residual = np.linalg.solve(factor, z)
    scale = (float(residual @ residual) + 1.0) / (len(z) + 1.0)
    return -0.5 * (len(z) + 1.0) * math.log(scale) - float(np.log(np.diag(factor)).sum())
