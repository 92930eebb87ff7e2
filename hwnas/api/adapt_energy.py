"""The energy half of adapting a device: from measured energies, from a power that is given, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from hwnas.api.adapt_forms import EnergyAnswer, EnergySource, Figures, figures
from hwnas.arrays import Array, Bool, Float
from hwnas.devices import load_devices
from hwnas.energy.boards import left_out_energy, title_of
from hwnas.energy.fewshot import ConstantPower, adapt_energy, given_power
from hwnas.errors import UsageError
from hwnas.estimates import CostModel
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
) -> EnergyFit:
    """The energy model of a device whose latency was adapted.

    latency_left_out: latency of each measured net as the others predict it. power_w, power_error: a power that is given
    and its relative error, for a device without measured energies.
    Raises `UsageError` for energies or a power that cannot be used, and where both are there.
    """
    known = np.isfinite(used.energy_mj)
    if known.sum() >= FEWEST:
        if power_w is not None:
            raise UsageError(f"expected measured energies or a power, got both: {known.sum()} energies, {power_w:g} W")
        return _from_energies(latency, used, latency_left_out, known)
    if power_w is not None:
        given = given_power(_latent(latency, used), power_w=power_w, relative_error=power_error)
        return _of_given_power(given, _reason(used, known))
    return EnergyFit(model=None, method="", answer=_answer("not measured", None, 0, reason=_reason(used, known)))


def fit_energy_alone(
    latency: AdaptedLatency,
    used: Measurements,
    latency_left_out: Float[Array, " n"],
    *,
    power_w: float | None,
    power_error: float,
) -> EnergyFit:
    """As `fit_energy`, in any space: a power times the latency, which no known device has to teach."""
    known = np.isfinite(used.energy_mj)
    enough = known.sum() >= FEWEST
    if enough == (power_w is not None):  # nothing to fit, or two things: said as for other methods
        return fit_energy(latency, used, latency_left_out, power_w=power_w, power_error=power_error)
    assert isinstance(latency, CostModel)
    if power_w is not None:
        given = given_power(latency, power_w=power_w, relative_error=power_error)
        return _of_given_power(given, _reason(used, known))
    measured = {"latency_ms": used.latency_ms[known], "energy_mj": used.energy_mj[known]}
    powers = np.log(measured["energy_mj"] / measured["latency_ms"])
    spread, nets = float(powers.std(ddof=1)), int(known.sum())
    model = ConstantPower(latency, power_w=float(np.exp(np.median(powers))), power_spread=spread, measured=nets)
    left_out = figures(measured["energy_mj"], left_out_energy(model, latency_left_out[known], **measured))
    return EnergyFit(model=model, method="constant power", answer=_answer("measured", model, nets, left_out=left_out))


def public_energy_devices() -> tuple[str, ...]:
    """Devices with a public table of energies: what is known of how power differs between nets rests on these."""
    cards = load_devices().values()
    return tuple(card.name for card in cards if any(column.target == "energy" for column in card.columns()))


def _from_energies(
    latency: AdaptedLatency, used: Measurements, latency_left_out: Float[Array, " n"], known: Bool[Array, " n"]
) -> EnergyFit:
    measured = {"latency_ms": used.latency_ms[known], "energy_mj": used.energy_mj[known]}
    model = adapt_energy(_latent(latency, used), used.vectors[known], **measured)
    assert isinstance(model, ConstantPower | AdaptedModel)
    left_out = left_out_energy(model, latency_left_out[known], **measured)
    answer = _answer("measured", model, int(known.sum()), left_out=figures(measured["energy_mj"], left_out))
    return EnergyFit(
        model=model, method="constant power" if isinstance(model, ConstantPower) else "latent", answer=answer
    )


def _of_given_power(model: ConstantPower, reason: str) -> EnergyFit:
    return EnergyFit(model=model, method="given power", answer=_answer("given power", model, 0, reason=reason))


def _latent(latency: AdaptedLatency, used: Measurements) -> AdaptedModel:
    """The latency model if it is a latent one, else one of the same measurements: a power goes with any of them."""
    if isinstance(latency, AdaptedModel):
        return latency
    space = get_space(used.space)
    return adapt(space, used.vectors, used.latency_ms, device=latency.device, unit_is_right=True)


def _answer(
    source: EnergySource,
    model: ConstantPower | AdaptedModel | None,
    nets: int,
    *,
    left_out: Figures | None = None,
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
        public_devices=public_energy_devices(),
        reason=reason,
    )


def _reason(used: Measurements, known: Bool[Array, " n"]) -> str:
    if known.any():
        return f"energies of {known.sum()} nets, of which at least {FEWEST} are needed"
    return next((reason for reason in reversed(used.energy_reasons) if reason), "no energies were given")
