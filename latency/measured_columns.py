"""Columns of a table of measurements, whose names say the units of what stands in them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from hwnas.errors import UsageError

UNITS_MS: Final = {"ms": 1.0, "s": 1e3, "us": 1e-3}
ENERGY_UNITS_MJ: Final = {"mJ": 1.0, "J": 1e3, "uJ": 1e-3}


@final
@dataclass(frozen=True, kw_only=True)
class Units:
    """Units of latencies and energies that somebody stated; None: nobody did beyond ms and mJ, which are asked about
    where they cannot be."""

    latency: str | None
    energy: str | None


@final
@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of the columns of a table, in lower case: of a cost the first of `latency_ms`, `latency_s`, `latency_us`
    and `latency` that is there, likewise of energies; that of rounds ends like that of latencies."""

    latency: str
    energy: str

    @property
    def rounds(self) -> str:
        """Latencies of single rounds, of which that of the row is the median."""
        return self.latency.replace("latency", "rounds")

    def units(self, place: str, *, unit: str | None, energy_unit: str | None, has_energy: bool) -> Units:
        """What the columns and the caller state together. place: the file, for messages. Raises `UsageError` where they
        contradict each other, and where neither says."""
        energy = energy_unit
        if has_energy:
            energy = _agreed(place, self.energy, energy_unit, "--energy-unit", ENERGY_UNITS_MJ)
        return Units(latency=_agreed(place, self.latency, unit, "--unit", UNITS_MS), energy=energy)


def columns_of(path: Path) -> tuple[Columns, bool]:
    """The columns of a table, and whether energies are among them; as if of ms and mJ where it cannot be read, which
    whoever reads its rows says."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, skipinitialspace=True), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        header = []
    names = [name.strip().lower() for name in header]
    latency, energy = _first(names, "latency", UNITS_MS), _first(names, "energy", ENERGY_UNITS_MJ)
    return Columns(latency=latency or "latency_ms", energy=energy or "energy_mj"), energy is not None


def column_of(cost: str, unit: str) -> str:
    """The name of the column of a cost in a unit."""
    return f"{cost}_{unit.lower()}"


def _first(names: Sequence[str], cost: str, units: Mapping[str, float]) -> str | None:
    return next((name for name in [*(column_of(cost, unit) for unit in units), cost] if name in names), None)


def _agreed(place: str, column: str, said: str | None, option: str, units: Mapping[str, float]) -> str | None:
    """The unit of a column; None where it is the first of `units` by the column's name alone."""
    cost, _, ending = column.partition("_")
    named = next((unit for unit in units if unit.lower() == ending), None)
    if named is None and said is None:
        columns = ", ".join(column_of(cost, unit) for unit in units)
        raise UsageError(
            f"{place}: expected a unit of the column {column}, got none; name it one of {columns}, or give {option}"
        )
    if named is not None and said is not None and said != named:
        raise UsageError(
            f"{place}: expected {option} {named}, as the column {column} says, got {said}; leave out {option}, or name "
            f"the column {column_of(cost, said)}"
        )
    return said if said is not None or named == next(iter(units)) else named
