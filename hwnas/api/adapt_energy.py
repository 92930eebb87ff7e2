"""The energy half of adapting a device: from measured energies, from a power that is given, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from hwnas.api.adapt_forms import EnergyAnswer, EnergySource, Figures, PowerSuspicion, figures
from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.devices import load_devices
from hwnas.energy.boards import left_out_energy, title_of
from hwnas.energy.fewshot import ConstantPower, adapt_energy, constant_power, given_power, odd_powers
from hwnas.errors import UsageError
from hwnas.latency.fewshot import AdaptedModel, adapt
from hwnas.latency.measurements import Measurements
from hwnas.latency.methods import AdaptedLatency
from hwnas.latency.observations import FEWEST
from hwnas.spaces import get_space


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class EnergyFit:
    """model: None where energy is not known. method: how the card calls it."""

    model: ConstantPower | AdaptedModel | None
    method: str
    answer: EnergyAnswer


def fit_energy(
    latency: AdaptedLatency,
    used: Measurements,
    latency_left_out: Float[Array, " n"],
    *,
    power_w: float | None,
    power_error: float,
    alone: bool,
) -> EnergyFit:
    """The energy model of a device whose latency was adapted.

    latency_left_out: latency of each measured net as the others predict it. power_w, power_error: a power that is given
    and its relative error, for a device without measured energies. alone: a power times the latency, in any space,
    which no known device has to teach.
    Raises `UsageError` for energies or a power that cannot be used, and where both are there.
    """
    known = np.isfinite(used.energy_mj)
    if known.sum() >= FEWEST:
        if power_w is not None:
            raise UsageError(f"expected measured energies or a power, got both: {known.sum()} energies, {power_w:g} W")
        return _from_energies(latency, used, latency_left_out, np.flatnonzero(known), alone=alone)
    if power_w is not None:
        model = given_power(_base(latency, used, alone=alone), power_w=power_w, relative_error=power_error)
        answer = _answer("given power", model, 0, reason=_reason(used, known))
        return EnergyFit(model=model, method="given power", answer=answer)
    return EnergyFit(model=None, method="", answer=_answer("not measured", None, 0, reason=_reason(used, known)))


def public_energy_devices() -> tuple[str, ...]:
    """Devices with a public table of energies: what is known of how power differs between nets rests on these."""
    cards = load_devices().values()
    return tuple(card.name for card in cards if any(column.target == "energy" for column in card.columns()))


def _from_energies(
    latency: AdaptedLatency,
    used: Measurements,
    latency_left_out: Float[Array, " n"],
    rows: Integer[Array, " k"],
    *,
    alone: bool,
) -> EnergyFit:
    """The model of the energies in these rows, but for those whose power looks wrong."""
    odd = odd_powers(latency_ms=used.latency_ms[rows], energy_mj=used.energy_mj[rows])
    kept = rows[~odd] if (~odd).sum() >= FEWEST else rows
    measured = {"latency_ms": used.latency_ms[kept], "energy_mj": used.energy_mj[kept]}
    base = _base(latency, used, alone=alone)
    model = constant_power(base, **measured) if alone else adapt_energy(base, used.vectors[kept], **measured)
    left_out = figures(measured["energy_mj"], left_out_energy(model, latency_left_out[kept], **measured))
    answer = _answer(
        "measured", model, len(kept), left_out=left_out, suspects=_suspicions(used, np.setdiff1d(rows, kept), kept)
    )
    return EnergyFit(
        model=model, method="constant power" if isinstance(model, ConstantPower) else "latent", answer=answer
    )


def _suspicions(
    used: Measurements, odd: Integer[Array, " o"], kept: Integer[Array, " k"]
) -> tuple[PowerSuspicion, ...]:
    powers = used.energy_mj / used.latency_ms
    archs = get_space(used.space).strings(used.vectors[odd])
    return tuple(
        PowerSuspicion(
            arch=arch,
            energy_mj=float(used.energy_mj[row]),
            power_w=float(powers[row]),
            expected_w=float(np.median(powers[kept])),
        )
        for arch, row in zip(archs, odd.tolist(), strict=True)
    )


def _base(latency: AdaptedLatency, used: Measurements, *, alone: bool) -> Any:
    """The latency model that a power goes with: a latent one of the same measurements, unless nothing may teach it."""
    if alone or isinstance(latency, AdaptedModel):
        return latency
    return adapt(get_space(used.space), used.vectors, used.latency_ms, device=latency.device, unit_is_right=True)


def _answer(
    source: EnergySource,
    model: ConstantPower | AdaptedModel | None,
    nets: int,
    *,
    left_out: Figures | None = None,
    suspects: tuple[PowerSuspicion, ...] = (),
    reason: str | None = None,
) -> EnergyAnswer:
    power = model if isinstance(model, ConstantPower) else None
    return EnergyAnswer(
        source=source,
        model=None if model is None else title_of(model, measured=nets),
        nets=nets,
        power_w=None if power is None else power.power_w,
        power_error_percent=None if power is None else 100 * float(np.expm1(power.power_spread)),
        left_out=left_out,
        suspects=suspects,
        public_devices=public_energy_devices(),
        reason=reason,
    )


def _reason(used: Measurements, known: Bool[Array, " n"]) -> str:
    if known.any():
        return f"energies of {known.sum()} nets, of which at least {FEWEST} are needed"
    return next((reason for reason in reversed(used.energy_reasons) if reason), "no energies were given")
