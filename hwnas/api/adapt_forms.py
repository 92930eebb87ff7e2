"""What adapting a device says: figures, suspects, what to measure next, energy, and where the device now is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from hwnas import metrics
from hwnas.arrays import Array, Float
from hwnas.results import SCHEMA_VERSION
from hwnas.version import __version__

EnergySource = Literal["measured", "given power", "not measured"]


@final
@dataclass(frozen=True, kw_only=True)
class Figures:
    """How well `nets` measurements were predicted. Errors and shares in percent.

    spearman: None where all measured or all predicted values are equal. coverage_percent: share of the measurements in
    their 90 % interval; None where there was no interval.
    """

    nets: int
    spearman: float | None
    median_error_percent: float
    mape_percent: float
    within_10_percent: float
    coverage_percent: float | None


@final
@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A measurement that looks wrong. expected_ms: what the others predict. probability: that it is an outlier."""

    arch: str
    measured_ms: float
    expected_ms: float
    probability: float


@final
@dataclass(frozen=True, kw_only=True)
class PowerSuspicion:
    """An energy that looks wrong, as its power is far from that of all others (their median: expected_w)."""

    arch: str
    energy_mj: float
    power_w: float
    expected_w: float


@final
@dataclass(frozen=True, kw_only=True)
class EnergyAnswer:
    """What is known of the energy of a device.

    source: "measured" where a model rests on `nets` measured energies, "given power", or "not measured".
    model: what predicts it; None where nothing does. power_w, power_error_percent: where the model is a power times the
    latency. left_out: figures of leaving each measured net out. suspects: measured energies that look wrong, which
    neither the model nor the figures count.
    public_devices: on which public measurements the claim rests that power hardly differs between nets.
    reason: why nothing was measured.
    """

    source: EnergySource
    model: str | None
    nets: int
    power_w: float | None
    power_error_percent: float | None
    left_out: Figures | None
    suspects: tuple[PowerSuspicion, ...]
    public_devices: tuple[str, ...]
    reason: str | None


@final
@dataclass(frozen=True, kw_only=True)
class AdaptResult:
    """A device that every command now knows, and how far its numbers can be trusted.

    device: reference that commands take. card: path of its file. replaced: whether it stood for another model before.
    method: how the latency model was made. nets: that it rests on. known_devices: that it was taught by.
    repeat_error_percent: how much rounds of a net differ, over the repeat_error_nets that have several; None for none.
    left_out: leave-one-out figures of the latency; of more than twenty nets a twentieth is left out at a time.
    checked: figures on nets that were measured for checking alone.
    baselines: leave-one-out median error (percent) of what uses no known device.
    width_percent: median width of the 90 % intervals over the space, relative to the prediction.
    next_nets: the architectures whose measurement would tell most; next_commands: measure and add them.
    doubts: those of the notes by which the model is no basis for a choice.
    """

    device: str
    card: str
    replaced: bool
    space: str
    dataset: str
    batch_size: int | None
    method: str
    nets: int
    known_devices: int
    repeat_error_percent: float | None
    repeat_error_nets: int
    left_out: Figures
    checked: Figures | None
    baselines: dict[str, float]
    width_percent: float
    suspects: tuple[Suspicion, ...]
    next_nets: tuple[str, ...]
    next_commands: tuple[str, ...]
    energy: EnergyAnswer
    notes: tuple[str, ...]
    doubts: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, **asdict(self)}


def figures(
    truth: Float[Array, " n"],
    predicted: Float[Array, " n"],
    *,
    interval: tuple[Float[Array, " n"], Float[Array, " n"]] | None = None,
    coverage_percent: float | None = None,
) -> Figures:
    """Figures of predictions for measured costs; the coverage is of the interval unless it is given."""
    if interval is not None:
        coverage_percent = metrics.coverage(truth, *interval)
    order = metrics.spearman(truth, predicted) if len(truth) > 1 else math.nan
    return Figures(
        nets=len(truth),
        spearman=None if math.isnan(order) else order,
        median_error_percent=metrics.median_ape(truth, predicted),
        mape_percent=metrics.mape(truth, predicted),
        within_10_percent=metrics.within(truth, predicted),
        coverage_percent=coverage_percent,
    )
