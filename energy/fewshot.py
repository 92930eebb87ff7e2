"""Energy of a new device from about ten measurements: constant power times latency, unless a model beats it.

Only three public devices have energy, and on each it is nearly proportional to latency, so nothing can be learned about
how power differs between networks that a new device would share. A mJ is a W times a ms.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.energy.student import student_reach
from hwnas.errors import UsageError
from hwnas.estimates import CostModel, Estimate, Provenance
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.observations import check_observations
from hwnas.spaces import get_space

_FEWEST_FOR_A_MODEL: Final = 10  # leave-one-out errors of fewer measurements choose by chance
_ODD_SHARE: Final = 0.5
_ODD_DEVIATIONS: Final = 5.0
_ODD_AT_MOST: Final = 0.25
_MUST_BEAT_BY: Final = 0.8  # the model's error as a share of that of constant power


@final
class ConstantPower(CostModel):
    """Latency of a model times the median power of the measured networks.

    power_w: median; power_spread: standard deviation of the logarithm of the power of one network. measured: networks
    that both are estimated from; 0 where both were given, which are then taken as known.
    """

    target = "energy"

    def __init__(self, latency: CostModel, *, power_w: float, power_spread: float, measured: int) -> None:
        self.space, self.device = latency.space, latency.device
        self.power_w, self.power_spread = power_w, power_spread
        self._latency, self._measured = latency, measured

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Energy (mJ); the errors of latency and power are taken as independent, so their squares add up."""
        latency = self._latency.predict(architectures, confidence=confidence)
        mean = self.power_w * latency.mean
        reach = self._power_reach(confidence)
        low, high = (
            np.zeros_like(mean) if bound is None else np.log(bound / latency.mean)
            for bound in (latency.lower, latency.upper)
        )
        return Estimate(
            mean=mean,
            lower=mean * np.exp(-np.hypot(low, reach)),
            upper=mean * np.exp(np.hypot(high, reach)),
            confidence=confidence,
            unit=self.unit,
            provenance=Provenance(
                kind="predicted",
                summary=self._summary(),
                source=f"constant power of {self.device}",
                trained_on=self._measured or None,
            ),
        )

    def _power_reach(self, confidence: float) -> float:
        """How far the logarithm of one network's power may lie from the median.

        Estimated from n networks, the spread makes it Student's t, and the median of n has a variance of pi / 2n of
        that of one (asymptotically).
        """
        if not self._measured:
            return NormalDist().inv_cdf((1 + confidence) / 2) * self.power_spread
        widened = self.power_spread * math.sqrt(1 + math.pi / (2 * self._measured))
        return student_reach(confidence, self._measured - 1) * widened

    def _summary(self) -> str:
        differs = f"differs by {100 * math.expm1(self.power_spread):.0f} %"
        if not self._measured:
            return f"{self.power_w:.3g} W, which were given, times the latency; it was said that the power {differs}"
        return f"{self.power_w:.3g} W times the latency; the power of {self._measured} measured networks {differs}"


def adapt_energy(
    latency: AdaptedModel,
    vectors: Integer[Array, "n v"],
    *,
    latency_ms: Float[Array, " m"],
    energy_mj: Float[Array, " k"],
) -> ConstantPower | AdaptedModel:
    """Energy model of a device whose latency was adapted, from networks of which both were measured.

    Constant power, or a few-shot model of the energy itself where, over at least ten networks, its mean leave-one-out
    error is less than 0.8 of that of constant power times predicted latency. Raises `UsageError` for measurements that
    cannot be used; rows in which the energy was not measured are to be left out.
    """
    space = get_space(latency.space)
    times = check_observations(space, vectors, latency_ms)
    energies = check_observations(space, vectors, energy_mj, what="energy_mj")
    powers = np.log(energies.costs / times.costs)
    constant = constant_power(latency, latency_ms=times.costs, energy_mj=energies.costs)
    if len(powers) < _FEWEST_FOR_A_MODEL:
        return constant
    of_energy = AdaptedModel(
        space=space, device=latency.device, target="energy", observations=energies, model=latency.model
    )
    of_latency = AdaptedModel(
        space=space, device=latency.device, target="latency", observations=times, model=latency.model
    )
    by_model = np.abs(np.log(of_energy.left_out()[0] / energies.costs))
    by_power = np.abs(np.log(of_latency.left_out()[0] / energies.costs) + _power_without_each(powers))
    return of_energy if by_model.mean() < _MUST_BEAT_BY * by_power.mean() else constant


def constant_power(
    latency: CostModel, *, latency_ms: Float[Array, " m"], energy_mj: Float[Array, " m"]
) -> ConstantPower:
    """The median power of networks of which both were measured, times their latency."""
    powers = np.log(energy_mj / latency_ms)
    power, spread = float(np.exp(np.median(powers))), float(powers.std(ddof=1))
    return ConstantPower(latency, power_w=power, power_spread=spread, measured=len(powers))


def odd_powers(*, latency_ms: Float[Array, " m"], energy_mj: Float[Array, " m"]) -> Bool[Array, " m"]:
    """Measured networks whose power is far from the median: by half of it, and by five standard deviations.

    The standard deviation is 1.4826 times the median distance, which a few wrong ones do not move. Where a quarter of
    the networks or more is as far, power differs between networks, and none is odd.
    """
    powers = np.log(energy_mj / latency_ms)
    distance = np.abs(powers - np.median(powers))
    odd = distance > max(math.log(1 + _ODD_SHARE), _ODD_DEVIATIONS * 1.4826 * float(np.median(distance)))
    return odd if odd.mean() < _ODD_AT_MOST else np.zeros(len(powers), dtype=bool)


def given_power(latency: CostModel, *, power_w: float, relative_error: float) -> ConstantPower:
    """Energy from latency alone, with a power that the user knows, for example from a wall meter, and its error.

    relative_error: standard deviation of the power over networks, as a share; on the public devices it is 0 to 0.04.
    Raises `UsageError` for a power that is not positive or an error outside of [0, 1).
    """
    if not (math.isfinite(power_w) and power_w > 0):
        raise UsageError(f"expected a power above 0 W, got {power_w}")
    if not 0 <= relative_error < 1:
        raise UsageError(f"expected a relative error of the power from 0 to below 1, got {relative_error}")
    return ConstantPower(latency, power_w=power_w, power_spread=math.log1p(relative_error), measured=0)


def _power_without_each(powers: Float[Array, " n"]) -> Float[Array, " n"]:
    """Median log power of all others, for each measurement."""
    return np.array([np.median(np.delete(powers, row)) for row in range(len(powers))])
