"""Whether measured latencies and energies can be in the units that they are taken for, and what else they may be in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

import numpy as np

from hwnas.errors import DataError, UsageError
from hwnas.latency.known_devices import few_shot_model
from hwnas.latency.measured_columns import ENERGY_UNITS_MJ, UNITS_MS, Units, column_of
from hwnas.latency.measurements import Measurements
from hwnas.spaces import get_space

# How far beyond the typical costs of known devices a median latency may lie before its unit is asked about.
_MARGIN: Final = 3.0
_POWERS_W: Final = (0.02, 1000.0)  # from less than a small board draws to more than one GPU does
# Multiply-accumulates a second: what no device does at one image a run, and in batches; what microcontrollers and
# large GPUs alone do, which is worth a note.
_RATES: Final = (1e5, 1e13)
_BATCHED: Final = 1e15
_USUAL_RATES: Final = (1e8, 1e12)


@final
@dataclass(frozen=True, kw_only=True)
class _Reading:
    """Measurements in these units come to so many multiply-accumulates a second and watts; None where unknown."""

    unit: str
    energy_unit: str
    rate: float | None
    power_w: float | None

    def others(self) -> dict[str, str]:
        """The units that differ from ms and mJ, by their costs."""
        units = {"latency": self.unit, "energy": self.energy_unit}
        return {cost: unit for cost, unit in units.items() if unit not in ("ms", "mJ")}

    def possible(self, most: float) -> bool:
        return _within(self.rate, (_RATES[0], most)) and _within(self.power_w, _POWERS_W)

    def usual(self) -> bool:
        return _within(self.rate, _USUAL_RATES) and _within(self.power_w, _POWERS_W)


def usual_ms(space: str) -> tuple[float, float] | None:
    """Range in which a median latency of the space is no surprise; None where nothing was learned of it."""
    try:
        low, high = few_shot_model(get_space(space)).facts["typical_cost"]
    except (DataError, KeyError):
        return None  # whoever adapts says so with more words
    return low / _MARGIN, high * _MARGIN


def checked_units(path: Path, measured: Measurements, units: Units) -> Measurements:
    """The measurements, with a note where few devices are as fast or as slow.

    units: what was stated, which is believed; None asks. Latencies of a kit and of spaces whose known devices
    tell what is usual are believed too. Raises `UsageError` where no device is so fast or slow, or draws so much or
    little.
    """
    believed = units.latency is not None or bool(measured.device) or usual_ms(measured.space) is not None
    rate, power_w = None if believed else _rate(measured), None if units.energy else _power_w(measured)
    most = _BATCHED if (measured.batch_size or 1) > 1 else _RATES[1]
    now = _Reading(unit="ms", energy_unit="mJ", rate=rate, power_w=power_w)
    if now.possible(most):
        return measured if _within(rate, _USUAL_RATES) else replace(measured, notes=(*measured.notes, _note(now)))
    readings = itertools.product(["ms"] if believed else UNITS_MS, ["mJ"] if units.energy else ENERGY_UNITS_MJ)
    others = dict.fromkeys(_in_units(now, one, other) for one, other in readings)
    changed = {one: (one.unit != "ms") + (one.energy_unit != "mJ") for one in others}
    for number, fits in itertools.product((1, 2), (_Reading.usual, lambda one: one.possible(most))):
        found = [one for one in others if changed[one] == number and fits(one)]
        if found:
            break
    ways = [one.others() for one in found if one.others()]
    raise UsageError(f"{path}: {_expected(now, ways, most, has_columns=not measured.device)}")


def _expected(now: _Reading, ways: Sequence[dict[str, str]], most: float, *, has_columns: bool) -> str:
    """What is impossible about a reading, and which others are possible."""
    odd = [] if _within(now.power_w, _POWERS_W) else [f"a power of {now.power_w:.3g} W"]
    what, right, wrong = "energies in mJ, each for one run of the net", "--energy-unit mJ", "energy"
    if not _within(now.rate, (_RATES[0], most)):
        what, right, wrong = "latencies in ms", "--unit ms", "latency"
        odd = [f"{now.rate:.2g} multiply-accumulates a second at the median", *odd]
    texts = [_text(way, has_columns=has_columns) for way in ways]
    if not ways:
        ask = "which units are they in? name the columns by them" if has_columns else "which unit are they in?"
    elif len(ways) == 1 and list(ways[0]) == [wrong]:
        ask = f"is the unit {ways[0][wrong]}? {'name the column' if has_columns else 'say so by'} {texts[0]}"
    else:
        ask = f"is it rather {' or '.join(texts)}? {'name the columns so' if has_columns else 'say so'}"
    return f"expected {what}, got {' and '.join(odd)}; {ask}, or say by {right} that it is right"


def _text(way: dict[str, str], *, has_columns: bool) -> str:
    """How a user says these units: the names of a table's columns, options for a kit, of which energies alone are
    asked about."""
    if has_columns:
        return " and ".join(column_of(cost, unit) for cost, unit in way.items())
    return " ".join(f"--energy-unit {unit}" for unit in way.values())


def _note(now: _Reading) -> str:
    slow = now.rate is not None and now.rate < _USUAL_RATES[0]
    like, unit = ("as few as a microcontroller does", "us") if slow else ("as many as a large GPU does", "s")
    return (
        f"the networks come to {now.rate:.2g} multiply-accumulates a second, {like}; if these latencies are not in ms "
        f"but in {unit}, name the column {column_of('latency', unit)} and adapt again with --replace"
    )


def _in_units(now: _Reading, unit: str, energy_unit: str) -> _Reading:
    factor, energy_factor = UNITS_MS[unit], ENERGY_UNITS_MJ[energy_unit]
    return _Reading(
        unit=unit,
        energy_unit=energy_unit if now.power_w is not None else "mJ",
        rate=None if now.rate is None else now.rate / factor,
        power_w=None if now.power_w is None else now.power_w * energy_factor / factor,
    )


def _rate(measured: Measurements) -> float | None:
    """Median multiply-accumulates a second, of one image a run where the batch size is not known."""
    macs = get_space(measured.space).counts(measured.vectors, dataset=measured.dataset)["macs"].astype(np.float64)
    rates = (measured.batch_size or 1) * macs / (measured.latency_ms / 1e3)
    return float(np.median(rates[macs > 0])) if (macs > 0).any() else None


def _power_w(measured: Measurements) -> float | None:
    known = np.isfinite(measured.energy_mj)
    return float(np.median(measured.energy_mj[known] / measured.latency_ms[known])) if known.any() else None


def _within(value: float | None, limits: tuple[float, float]) -> bool:
    return value is None or limits[0] <= value <= limits[1]
