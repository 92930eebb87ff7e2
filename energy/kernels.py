"""Energy of kernels: from energies, or a power times their latency, whichever predicts held-out networks better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float
from hwnas.latency.kernels.regressor import KernelRegressor


@final
@dataclass(frozen=True, kw_only=True)
class EnergyChoice:
    """method: what was chosen. Both errors: median, in percent, of networks that were held out of both."""

    method: Literal["sum of kernel energies", "power times latency"]
    sum_error: float
    power_error: float
    power_w: float

    @property
    def text(self) -> str:
        """For the summary of a model."""
        return (
            f"{self.method} (held-out median error: sum of kernel energies {self.sum_error:.1f} %, "
            f"{self.power_w:.3g} W times latency {self.power_error:.1f} %)"
        )


def choose_energy(
    energy_mj: Float[Array, " n"],
    *,
    by_sum: Float[Array, " n"],
    latency_ms: Float[Array, " n"],
    predicted_latency_ms: Float[Array, " n"],
) -> EnergyChoice:
    """Compare two predictions of measured energies. by_sum, predicted_latency_ms: of fits that did not see the network.

    The power is the median of measured energy over measured latency, in mJ / ms = W.
    """
    power = float(np.median(energy_mj / latency_ms))
    known = np.isfinite(by_sum) & np.isfinite(predicted_latency_ms)
    sum_error = metrics.median_ape(energy_mj[known], by_sum[known])
    power_error = metrics.median_ape(energy_mj[known], power * predicted_latency_ms[known])
    better = sum_error <= power_error
    return EnergyChoice(
        method="sum of kernel energies" if better else "power times latency",
        sum_error=sum_error,
        power_error=power_error,
        power_w=power,
    )


def times_power(regressor: KernelRegressor, power_w: float) -> KernelRegressor:
    """Energy of kernels (mJ) from a regressor of their latency (ms)."""
    # The trees read the physical latency, so that the coefficients stay; the factor goes to the offset of the trees.
    offset = regressor.trees.offset + float(np.log(power_w))
    return replace(regressor, trees=replace(regressor.trees, offset=offset))
