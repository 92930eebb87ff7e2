"""A cost model of a new device from about ten measurements, and which networks to measure.

vectors = plan(space, count=10)
model = adapt(space, vectors, latency_ms, device="my-board")
model.predict(space.all_vectors())
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, final, get_args

import numpy as np

from hwnas import data, metrics
from hwnas.arrays import Array, Bool, Float, Int, Integer
from hwnas.errors import UsageError
from hwnas.estimates import CostModel, Estimate, Provenance, Target
from hwnas.latency.known_devices import few_shot_model
from hwnas.latency.observations import Observations, check_observations
from hwnas.predictors.design import after_measuring, before_measuring, most_informative
from hwnas.predictors.fewshot_intervals import Calibration
from hwnas.predictors.fewshot_model import FewShotModel
from hwnas.predictors.fewshot_spreads import log_spread
from hwnas.predictors.latent import Posterior, predict
from hwnas.predictors.latent import adapt as posterior_of
from hwnas.spaces import Space

PlanMethod = Literal["informative", "random", "reference"]
_POOL: Final = 2000  # networks among which are chosen those to measure
_POPULATION: Final = 1000  # networks whose uncertainty is to fall
_BLOCK: Final = 4096
FOLDS: Final = 20  # in which measurements are left out where there are more of them


@final
@dataclass(frozen=True, kw_only=True)
class LeaveOneOut:
    """How well each measurement is predicted from the others; in percent but for `spearman`.

    coverage: share of the measurements that lie in their 90 % interval.
    """

    measured: int
    spearman: float
    median_ape: float
    mape: float
    coverage: float


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Suspect:
    """A measurement that looks wrong: row as given, its cost, what the others predict, probability of an outlier."""

    row: int
    cost: float
    expected: float
    probability: float


def suspects(
    observations: Observations, *, expected: Float[Array, " n"], probability: Float[Array, " n"]
) -> list[Suspect]:
    """Measurements that are more probably outliers than not, the most suspicious first."""
    return [
        Suspect(
            row=int(observations.rows[i]),
            cost=float(observations.costs[i]),
            expected=float(expected[i]),
            probability=float(probability[i]),
        )
        for i in np.argsort(-probability, kind="stable")
        if probability[i] > 0.5
    ]


def figures_of(
    costs: Float[Array, " n"], mean: Float[Array, " n"], *, lower: Float[Array, " n"], upper: Float[Array, " n"]
) -> LeaveOneOut:
    """Figures of predictions of left-out measurements and of their 90 % intervals."""
    return LeaveOneOut(
        measured=len(costs),
        spearman=metrics.spearman(costs, mean),
        median_ape=metrics.median_ape(costs, mean),
        mape=metrics.mape(costs, mean),
        coverage=metrics.coverage(costs, lower, upper),
    )


@final
class AdaptedModel(CostModel):
    """The cost model of one measured device; see `adapt`."""

    def __init__(
        self, *, space: Space, device: str, target: Target, observations: Observations, model: FewShotModel
    ) -> None:
        self.space, self.device, self.target = space.name, device, target
        self.observations, self.model = observations, model
        self._space = space
        self._features = model.features(space, observations.vectors)
        self.posterior = posterior_of(model.prior, self._features, observations.costs)

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Cost of each architecture with its calibrated interval.

        Raises `UsageError` for vectors that are not of the space and for a confidence that was not calibrated.
        """
        mean, spread = self._predict(self.posterior, architectures)
        low, high = self.model.calibration.ends(len(self.observations), confidence)
        return Estimate(
            mean=mean,
            lower=mean * np.exp(low * spread),
            upper=mean * np.exp(high * spread),
            confidence=confidence,
            unit=self.unit,
            provenance=self._provenance(),
        )

    def leave_one_out(self) -> LeaveOneOut:
        """Figures of predicting each measurement from all the others."""
        return figures_of_left_out(self.observations.costs, *self.left_out(), calibration=self.model.calibration)

    def left_out(self) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """What all others predict of each measurement: mean, and standard deviation of its logarithm.

        Of more than twenty measurements a twentieth is left out at a time.
        """
        return self._left_out

    @cached_property
    def _left_out(self) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        count, costs = len(self.observations), self.observations.costs
        mean, deviation = np.empty(count), np.empty(count)
        for part in left_out_parts(count):
            others = np.setdiff1d(np.arange(count), part)
            posterior = posterior_of(self.model.prior, self._features[:, others], costs[others])
            mean[part], deviation[part] = predict(self.model.prior, posterior, self._features[:, part])
        return mean, log_spread(mean, deviation)

    def suspect(self) -> list[Suspect]:
        """Measurements that are more probably outliers than not, the most suspicious first; measure them again."""
        expected, _ = self.left_out()
        return suspects(self.observations, expected=expected, probability=self.posterior.outlier)

    def next_nets(self, k: int = 3, *, seed: int = 0) -> Integer[Array, "k v"]:
        """The k networks whose measurement would reduce the uncertainty most."""
        pool = _unmeasured(self._space, _pool(self._space, seed=seed), self.observations.vectors)
        features = self.model.features(self._space, pool)
        chosen = most_informative(
            self.model.prior, after_measuring(self.posterior), features, features[:, :_POPULATION], count=k
        )
        return np.asarray(pool[chosen])

    def _predict(
        self, posterior: Posterior, vectors: Integer[Array, "n v"]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Mean, and standard deviation of the logarithm; in blocks, so that memory stays flat."""
        self._space.check(vectors)
        means, spreads = [np.zeros(0)], [np.zeros(0)]
        for start in range(0, len(vectors), _BLOCK):
            features = self.model.features(self._space, vectors[start : start + _BLOCK])
            mean, deviation = predict(self.model.prior, posterior, features)
            means.append(mean)
            spreads.append(log_spread(mean, deviation))
        return np.concatenate(means), np.concatenate(spreads)

    def _provenance(self) -> Provenance:
        known = len(self.model.facts.get("devices", ()))
        return Provenance(
            kind="predicted",
            summary=f"predicted from {len(self.observations)} measurements of the device and {known} known devices",
            source=f"few-shot model of {self.space}",
            trained_on=len(self.observations),
        )


def adapt(
    space: Space,
    vectors: Integer[Array, "n v"],
    latency_ms: Float[Array, " m"],
    *,
    device: str,
    model: FewShotModel | None = None,
    unit_is_right: bool = False,
) -> AdaptedModel:
    """Latency model of a new device from the latencies (ms) of at least three of its networks; 10 ms for ten.

    device: how to call it. model: what known devices taught, by default the best there is for the space.
    unit_is_right: skips the question whether latencies a hundred times beyond all known devices are in milliseconds.
    Raises `UsageError` for measurements that cannot be used (observations.py), `DataError` where nothing was learned
    about the space.
    """
    model = model or few_shot_model(space)
    known = None if unit_is_right else model.facts.get("typical_cost")
    observations = check_observations(space, vectors, latency_ms, known=known)
    return AdaptedModel(space=space, device=device, target="latency", observations=observations, model=model)


def figures_of_left_out(
    costs: Float[Array, " n"], mean: Float[Array, " n"], spread: Float[Array, " n"], *, calibration: Calibration
) -> LeaveOneOut:
    """Figures of predictions from all other measurements; spread: standard deviation of their logarithm."""
    low, high = calibration.ends(len(costs) - 1, 0.9)
    return figures_of(costs, mean, lower=mean * np.exp(low * spread), upper=mean * np.exp(high * spread))


def left_out_parts(count: int) -> list[Int[Array, " k"]]:
    """Rows that are left out together: each alone up to twenty measurements, a random twentieth of more of them."""
    return np.array_split(np.random.default_rng(0).permutation(count), min(count, FOLDS))


def plan(
    space: Space,
    *,
    count: int = 10,
    method: PlanMethod = "informative",
    model: FewShotModel | None = None,
    seed: int = 0,
) -> Integer[Array, "k v"]:
    """Networks to measure on a new device.

    method: "informative" leaves the least uncertainty about all others (design.py), "random" draws uniformly,
    "reference" takes HELP's ten networks of NAS-Bench-201, of which `count` are the first.
    Raises `UsageError` for another method, for fewer than three networks or more than there are, and where a space has
    no reference networks.
    """
    if method not in get_args(PlanMethod):
        raise UsageError(f"expected a method out of {', '.join(get_args(PlanMethod))}, got {method!r}")
    if not 3 <= count <= min(_POOL, space.size):
        raise UsageError(f"expected to measure 3 to {min(_POOL, space.size)} networks, got {count}")
    if method == "random":
        return space.sample(count, seed=seed)
    if method == "reference":
        reference = _reference_nets(space)
        if count > len(reference):
            raise UsageError(f"expected at most {len(reference)} reference networks, got {count}; use another method")
        return np.asarray(reference[:count])
    model = model or few_shot_model(space)
    pool = _pool(space, seed=seed)
    features = model.features(space, pool)
    belief = before_measuring(model.prior)
    chosen = most_informative(model.prior, belief, features, features[:, :_POPULATION], count=count)
    return np.asarray(pool[chosen])


def _pool(space: Space, *, seed: int) -> Integer[Array, "n v"]:
    return space.sample(min(_POOL, space.size), seed=seed)


def _unmeasured(space: Space, vectors: Integer[Array, "n v"], measured: Integer[Array, "m v"]) -> Integer[Array, "k v"]:
    new: Bool[Array, " n"] = ~np.isin(space.key(vectors), space.key(measured))
    return np.asarray(vectors[new])


def _reference_nets(space: Space) -> Integer[Array, "n v"]:
    """HELP's ten reference networks, which its table lists. Raises `UsageError` where there are none."""
    table = data.open_table("help-nasbench201") if space.name == "nasbench201" else None
    if table is None:
        raise UsageError(
            f"reference networks of {space.name} are not known here; they come with `hwnas data pull "
            "help-nasbench201` for nasbench201 alone; choose in another way"
        )
    return space.vector(np.asarray(table.attributes["reference_nets"]))
