"""A cost model of a device from its own measurements alone, in any space: no known device is needed.

model = adapt_alone(space, vectors, latency_ms, device="my-board")
model.predict(space.sample(100, seed=0))

Log latency is regressed on what a network does (log MACs, log params), on what it is made of (`composition`), and on
where (`features`); alone_regression.py says how, with fewer measurements than features. Every run also costs what is
not work, which small networks show: to MACs and params a floor is added before the logarithm, whose height the
measurements tell. What parts of a network add weighs the more in the logarithm the less there is beside them, and is
the less known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.estimates import CostModel, Estimate, Provenance, Target
from hwnas.latency.alone_regression import Views, fit, most_telling, predict, student_reach
from hwnas.latency.fewshot import LeaveOneOut, Suspect, figures_of, suspects
from hwnas.latency.observations import Observations, check_observations
from hwnas.predictors.conformal import LEVELS
from hwnas.spaces import Space

_REFERENCE: Final = 500  # random networks by which features are standardised, which takes no measurement
_POOL: Final = 1000  # networks among which are chosen those to measure next
_BLOCK: Final = 4096
_MOST: Final = LEVELS[-1] - LEVELS[0]  # the largest confidence that other models answer
# Floors in typical networks, the median of the space: none, a tenth and one. More of them (0.03, 0.3) change the mean
# median error on nasbench201, fbnet and ofa by 0.02 points.
_FLOORS: Final = (0.0, 0.1, 1.0)
# By which power of its work a network's parts count less: between 0, all of them factors, whose intervals are too
# narrow for the cheapest networks, and 1, all of them summands, whose errors are larger.
_POWER: Final = 0.5
_LEAST: Final = 0.01  # of a typical network, below which parts count no more
# How large the variance of each group's part may be beside that of the noise; chosen on nasbench201 and fbnet.
_GRID: Final = (
    (1.0, 10.0, 100.0, 1000.0),  # log MACs and params
    (0.1, 1.0, 10.0, 100.0, 1000.0),  # composition
    (0.1, 1.0, 10.0, 100.0),  # features
)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class NothingTaught:
    """In the place of what known devices taught."""

    facts: Mapping[str, Any] = field(default_factory=lambda: {"devices": []})


@final
class AdaptedAlone(CostModel):
    """The latency model of one measured device; see `adapt_alone`. It answers what `AdaptedModel` answers."""

    target: Target = "latency"

    def __init__(self, *, space: Space, device: str, observations: Observations) -> None:
        self.space, self.device = space.name, device
        self.observations, self.model = observations, NothingTaught()
        self._space = space
        counts, *parts = _groups(space, space.sample(min(_REFERENCE, space.size), seed=0))
        self._typical = np.maximum(np.median(counts, axis=0), 1.0)
        self._scales = [_scale(_with_floor(counts, floor * self._typical)) for floor in _FLOORS]
        self._part_scales = [_scale(part) for part in parts]
        self._regression = fit(self._views(observations.vectors), np.log(observations.costs), _GRID)

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Latency (ms) of each architecture with the interval of Student's t, wider away from the measurements.

        Raises `UsageError` for vectors that are not of the space and for a confidence above 0.98.
        """
        self._space.check(architectures)
        reach = self._reach(confidence, self._regression.degrees)
        means, deviations = [np.zeros(0)], [np.zeros(0)]
        for start in range(0, len(architectures), _BLOCK):
            mean, deviation = predict(self._regression, self._views(architectures[start : start + _BLOCK]))
            means.append(mean)
            deviations.append(deviation)
        mean, deviation = np.exp(np.concatenate(means)), np.concatenate(deviations)
        return Estimate(
            mean=mean,
            lower=mean * np.exp(-reach * deviation),
            upper=mean * np.exp(reach * deviation),
            confidence=confidence,
            unit=self.unit,
            provenance=Provenance(
                kind="predicted",
                summary=f"predicted from {len(self.observations)} measurements of the device alone",
                source=f"regression on what networks of {self.space} do",
                trained_on=len(self.observations),
            ),
        )

    def left_out(self) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """What all the others predict of each measurement: mean, and standard deviation of its logarithm."""
        return np.exp(self._regression.left_out.mean), self._regression.left_out.deviation

    def leave_one_out(self) -> LeaveOneOut:
        """Figures of predicting each measurement from all the others."""
        mean, deviation = self.left_out()
        reach = self._reach(0.9, self._regression.degrees - 1) * deviation
        return figures_of(self.observations.costs, mean, lower=mean * np.exp(-reach), upper=mean * np.exp(reach))

    def suspect(self) -> list[Suspect]:
        """Measurements that are more probably outliers than not, the most suspicious first; measure them again."""
        found = self._regression.left_out
        return suspects(self.observations, expected=np.exp(found.mean), probability=found.outlier)

    def next_nets(self, k: int = 3, *, seed: int = 0) -> Integer[Array, "k v"]:
        """The k networks whose measurement would reduce the uncertainty most; fewer where fewer are left."""
        drawn = self._space.sample(min(_POOL + len(self.observations), self._space.size), seed=seed)
        keys = self._space.key(drawn)
        first = np.sort(np.unique(keys, return_index=True)[1])  # spaces that are not enumerated may repeat one
        pool = drawn[first][~np.isin(keys[first], self._space.key(self.observations.vectors))]
        return np.asarray(pool[most_telling(self._regression, self._views(pool), count=k)])

    def _views(self, vectors: Integer[Array, "n v"]) -> Views:
        """What networks do and are made of, for each floor."""
        counts, *parts = _groups(self._space, vectors)
        scaled = [(part - centre) * factor for part, (centre, factor) in zip(parts, self._part_scales, strict=True)]
        views = []
        for floor, (centre, factor) in zip(_FLOORS, self._scales, strict=True):
            does = (_with_floor(counts, floor * self._typical) - centre) * factor
            work = (np.maximum(counts[:, :1] / self._typical[0], _LEAST) + floor) / (1 + floor)
            views.append([does, *(part * work**-_POWER for part in scaled)])
        return views

    @staticmethod
    def _reach(confidence: float, degrees: float) -> float:
        if not 0 < confidence <= _MOST + 1e-9:
            raise UsageError(
                f"expected a confidence above 0 and at most {_MOST:g}, for which intervals are known; got {confidence}"
            )
        return student_reach(confidence, degrees)


def adapt_alone(
    space: Space,
    vectors: Integer[Array, "n v"],
    latency_ms: Float[Array, " m"],
    *,
    device: str,
    unit_is_right: bool = False,  # noqa: ARG001 - there is no known device beside which a unit could look wrong
) -> AdaptedAlone:
    """As `adapt` of fewshot.py, in any space, from at least three measurements; 0.1 s for ten.

    MACs and params are those of the space's first data set, to which others are nearly proportional.
    Raises `UsageError` for measurements that cannot be used (observations.py).
    """
    return AdaptedAlone(space=space, device=device, observations=check_observations(space, vectors, latency_ms))


def _groups(space: Space, vectors: Integer[Array, "n v"]) -> list[Float[Array, "n _p"]]:
    """What networks do (MACs, params), what they are made of, and where; as the space gives them."""
    counts = space.counts(vectors, dataset=space.datasets[0])
    does = np.stack([counts[name] for name in ("macs", "params")], axis=1)
    return [np.asarray(part, dtype=np.float64) for part in (does, space.composition(vectors), space.features(vectors))]


def _with_floor(counts: Float[Array, "n 2"], floor: Float[Array, " 2"]) -> Float[Array, "n 2"]:
    return np.asarray(np.log(np.maximum(counts, 1) + floor))


def _scale(group: Float[Array, "n p"]) -> tuple[Float[Array, " p"], Float[Array, " p"]]:
    """Centre and factor of each column, so that a network's mean square is 1; columns that do not vary become 0."""
    centre, spread = group.mean(axis=0), group.std(axis=0)
    varies = spread > 1e-9 * np.abs(group).max(axis=0)  # beyond what sums of equal numbers are off by
    factor = np.zeros_like(spread)
    factor[varies] = 1 / (spread[varies] * np.sqrt(varies.sum()))
    return centre, factor
