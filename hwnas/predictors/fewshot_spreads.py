"""How freely a new device may differ, learned from known ones: leave out each physical device and predict it.

A candidate is judged by the mean log density that it gives to the networks of left-out devices which were not among the
ten measured ones; coordinates are doubled and halved in turn while that helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.predictors.fewshot_features import FeatureScale
from hwnas.predictors.fewshot_prior import KnownDevice, Spreads, summarise
from hwnas.predictors.latent import adapt, predict

_ROUNDS: Final = 3
_FACTORS: Final = (0.4, 2.5)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KnownCosts:
    """Measured networks of the known devices: features under each execution, and costs, NaN where not measured."""

    scale: FeatureScale
    features: Float[Array, "e n p"]
    devices: tuple[KnownDevice, ...]
    costs: Float[Array, "d n"]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOut:
    """Predictions for networks of a device that was left out, from `measured` of its networks.

    residual: log of true over predicted cost; spread: the predicted standard deviation of it.
    """

    physical: str
    measured: int
    residual: Float[Array, " m"]
    spread: Float[Array, " m"]


def log_spread(mean: Float[Array, " m"], deviation: Float[Array, " m"]) -> Float[Array, " m"]:
    """Standard deviation of the logarithm of a cost with this mean and deviation, as of a log-normal one."""
    return np.asarray(np.sqrt(np.log1p((deviation / mean) ** 2)))


def held_out(
    known: KnownCosts, spreads: Spreads, *, measured: int, draws: int, queries: int = 200, seed: int = 0
) -> Iterator[HeldOut]:
    """Predict each column from priors that saw no column of its physical device, `draws` times."""
    rng = np.random.default_rng([seed, measured])
    for column, device in enumerate(known.devices):
        others = [other for other in known.devices if other.physical != device.physical]
        prior = summarise(others, known.scale, spreads, executions=len(known.features))
        costs = known.costs[column]
        there = np.flatnonzero(~np.isnan(costs))
        for _ in range(draws):
            rows = rng.permutation(there)[: measured + queries]
            few, rest = rows[:measured], rows[measured:]
            mean, deviation = predict(prior, adapt(prior, known.features[:, few], costs[few]), known.features[:, rest])
            yield HeldOut(
                physical=device.physical,
                measured=measured,
                residual=np.log(costs[rest] / mean),
                spread=log_spread(mean, deviation),
            )


def per_physical(results: Sequence[HeldOut], figure: Callable[[HeldOut], float]) -> float:
    """Mean of a figure over physical devices, each counting once."""
    values: dict[str, list[float]] = {}
    for result in results:
        values.setdefault(result.physical, []).append(figure(result))
    return float(np.mean([np.mean(own) for own in values.values()]))


def learn_spreads(known: KnownCosts, start: Spreads, *, measured: int = 10, draws: int = 4, seed: int = 0) -> Spreads:
    """The spreads with the best held-out log density that coordinate steps from `start` reach."""

    def score(spreads: Spreads) -> float:
        return per_physical(list(held_out(known, spreads, measured=measured, draws=draws, seed=seed)), _log_density)

    best, reached = start, score(start)
    for _ in range(_ROUNDS):
        before = reached
        for candidate_of in _coordinates(start):
            for factor in _FACTORS:
                candidate = candidate_of(best, factor)
                value = score(candidate)
                if value > reached:
                    best, reached = candidate, value
        if reached == before:
            break
    return best


def _coordinates(spreads: Spreads) -> list[Callable[[Spreads, float], Spreads]]:
    def of_group(name: str) -> Callable[[Spreads, float], Spreads]:
        return lambda now, factor: replace(now, groups={**now.groups, name: now.groups[name] * factor})

    return [
        lambda now, factor: replace(now, directions=now.directions * factor),
        *(of_group(name) for name in spreads.groups),
    ]


def _log_density(result: HeldOut) -> float:
    """Mean log density of log costs; a network counts at most as one that is five deviations off."""
    z = np.minimum(np.abs(result.residual) / result.spread, 5.0)
    return float(np.mean(-0.5 * z**2 - np.log(result.spread)))
