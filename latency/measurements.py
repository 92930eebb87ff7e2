"""What was measured on a device: results of a kit, or a table of a user's own, read with suspicion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import DataError, UsageError
from hwnas.folders import require_file
from hwnas.latency.measured_columns import ENERGY_UNITS_MJ, UNITS_MS, Units, column_of, columns_of
from hwnas.latency.measurement_files import Rows, rows_of_kit, rows_of_table
from hwnas.latency.observations import CONTRADICTION, FEWEST
from hwnas.spaces import Space, get_space

# Latencies (ms) that any network can have, from a nanosecond to a day: beyond, something else was written down.
_POSSIBLE_MS: Final = (1e-6, 1e8)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Measurements:
    """n different architectures measured on one device.

    latency_ms: median over rounds. rounds_ms: by round, NaN where a net has fewer. energy_mj: NaN where not measured,
    then `energy_reasons` says why. roles: "calibrate" or "check". batch_size: None where a table does not say.
    device: facts of device, runtime, protocol and meter as the agent writes them; empty for a table.
    notes: what a careful reader should know, one sentence each. warnings: those of a device that was not at rest, which
    stay with the measurements.
    """

    space: str
    dataset: str
    batch_size: int | None
    vectors: Integer[Array, "n v"]
    latency_ms: Float[Array, " n"]
    rounds_ms: Float[Array, "n r"]
    energy_mj: Float[Array, " n"]
    energy_reasons: tuple[str, ...]
    roles: tuple[str, ...]
    device: dict[str, Any]
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.latency_ms)

    @property
    def spread(self) -> Float[Array, " n"]:
        """Repeat error of each net: mean of |a round / median of the rounds - 1|; NaN where there was one round.

        In the same terms as the mean absolute percentage error of a model (times 100), so that the two compare.
        """
        several = np.isfinite(self.rounds_ms).sum(axis=1) > 1
        error = np.abs(self.rounds_ms / self.latency_ms[:, None] - 1)
        filled = np.where(np.isfinite(error), error, 0.0).sum(axis=1) / np.isfinite(self.rounds_ms).sum(axis=1)
        return np.where(several, filled, np.nan)


def stated_units(path: Path, *, unit: str | None = None, energy_unit: str | None = None) -> Units:
    """The units of a file: those that are said, for a table together with the names of its columns. Raises `UsageError`
    where the two contradict each other, where neither says, and for others than there are."""
    for kind, said, units in (("a unit", unit, UNITS_MS), ("a unit of energy", energy_unit, ENERGY_UNITS_MJ)):
        if said is not None and said not in units:
            raise UsageError(f"expected {kind} of {', '.join(units)}, got {said!r}")
    require_file(path, "measurements")
    if _is_kit(path):
        return Units(latency=unit, energy=energy_unit)
    columns, has_energy = columns_of(path)
    return columns.units(str(path), unit=unit, energy_unit=energy_unit, has_energy=has_energy)


def read_measurements(
    path: Path,
    *,
    space: str | None = None,
    dataset: str | None = None,
    units: Units | None = None,
    expected_ms: tuple[float, float] | None = None,
    fewest: int = FEWEST,
) -> Measurements:
    """Read `results.json` of a kit, or a CSV file: architecture, latency_ms, perhaps energy_mj and role, or costs in
    the other units that the names of their columns say.

    space, dataset: what the file must be of; for a table what it is of, by default nasbench201 and its first data set.
    units: of `stated_units`, which None stands for; where they state none of latencies: milliseconds, and if
    thousandfold or thousandth values would be usual, within `expected_ms` (for example the range over known devices),
    that is asked about instead of believed.
    fewest: nets that the file must have; fewer than three where others join them.
    Raises `DataError` for a file that cannot be read, `UsageError` for what it says: too few nets, latencies that are
    all the same, impossible, not positive or not finite, an unknown architecture, contradictory rows, another space.
    """
    units = units or stated_units(path)
    rows = rows_of_kit(path) if _is_kit(path) else rows_of_table(path)
    scale = ENERGY_UNITS_MJ[units.energy or "mJ"]
    rows = replace(rows, energies=tuple(energy * scale for energy in rows.energies))
    found, where = _which(path, rows, space, dataset)
    vectors, groups = _architectures(path, rows, found)
    merged = [_merge(path, rows, members, UNITS_MS[units.latency or "ms"]) for members in groups]
    if len(merged) < fewest:
        raise UsageError(f"{path}: expected at least {fewest} measured nets, got {len(merged)}; measure more")
    latency_ms = np.array([np.median(values) for values in merged])
    _check_values(path, latency_ms, None if units.latency else expected_ms)
    energy_mj, reasons = _energies(path, rows, groups)
    return Measurements(
        space=found.name,
        dataset=where,
        batch_size=rows.batch_size,
        vectors=vectors,
        latency_ms=latency_ms,
        rounds_ms=_padded(merged),
        energy_mj=energy_mj,
        energy_reasons=reasons,
        roles=tuple(_role_of([rows.roles[row] for row in members]) for members in groups),
        device=rows.device,
        notes=rows.notes + _notes(groups),
        warnings=rows.warnings,
    )


def _role_of(roles: Sequence[str]) -> str:
    """Of an architecture with several rows: what one of them was fitted with cannot judge the fit."""
    return "calibrate" if "calibrate" in roles else roles[0]


def _notes(groups: Sequence[Sequence[int]]) -> tuple[str, ...]:
    repeated = sum(len(members) > 1 for members in groups)
    return (f"nets that stand in several rows, which are taken as repeats: {repeated}",) if repeated else ()


def _is_kit(path: Path) -> bool:
    """Whether a file is JSON: by its name, and where that tells nothing by its first character."""
    if path.is_dir():
        raise UsageError(f"expected a file of measurements, got the folder {path}; in a kit it is its results.json")
    if path.suffix.lower() in (".json", ".csv", ".txt"):
        return path.suffix.lower() not in (".csv", ".txt")
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip()[:1] == b"{"
    except OSError as error:
        raise DataError(f"expected a file of measurements that can be read, got {path}: {error}") from error


def _which(path: Path, rows: Rows, space: str | None, dataset: str | None) -> tuple[Space, str]:
    """Space and data set of the file. Raises `UsageError` where others were asked for."""
    found = get_space(rows.space or space or "nasbench201")
    if space is not None and get_space(space).name != found.name:
        raise UsageError(f"{path}: expected measurements of space {get_space(space).name!r}, got {found.name!r}")
    where = found.dataset(rows.dataset or dataset)
    if dataset is not None and found.dataset(dataset) != where:
        raise UsageError(f"{path}: expected measurements on {found.dataset(dataset)!r}, got {where!r}")
    return found, where


def _architectures(path: Path, rows: Rows, space: Space) -> tuple[Integer[Array, "n v"], list[list[int]]]:
    """The different architectures in order of appearance, and the rows of each."""
    parsed = []
    for place, architecture in zip(rows.places, rows.architectures, strict=True):
        try:
            parsed.append(space.parse([architecture])[0])
        except UsageError as error:
            raise UsageError(f"{path}, {place}: {error}") from error
    if not parsed:
        raise UsageError(f"{path}: expected at least {FEWEST} measured nets, got none; measure some")
    vectors = np.stack(parsed)
    groups: dict[int, list[int]] = {}
    for row, key in enumerate(space.key(vectors).tolist()):
        groups.setdefault(key, []).append(row)
    return vectors[[members[0] for members in groups.values()]], list(groups.values())


def _merge(path: Path, rows: Rows, members: Sequence[int], scale: float) -> list[float]:
    """All rounds of one architecture in milliseconds. Raises `UsageError` for values that contradict each other."""
    for row in members:
        for value in rows.rounds[row]:
            if not np.isfinite(value) or value <= 0:
                got = f"{path}, {rows.places[row]}: expected a latency above 0, got {value:g}"
                raise UsageError(f"{got}; leave out what was not measured")
            if not _POSSIBLE_MS[0] <= value * scale <= _POSSIBLE_MS[1]:
                raise UsageError(
                    f"{path}, {rows.places[row]}: expected a latency between {_POSSIBLE_MS[0]:g} and "
                    f"{_POSSIBLE_MS[1]:g} ms, got {value * scale:g} ms; in which unit is it? (--unit, the column)"
                )
    medians = [float(np.median(rows.rounds[row])) for row in members]
    if max(medians) > CONTRADICTION * min(medians):
        places = " and ".join(rows.places[members[medians.index(value)]] for value in (min(medians), max(medians)))
        raise UsageError(
            f"{path}: {places} are the same architecture, {min(medians):g} and {max(medians):g}; remove the wrong one"
        )
    return [value * scale for row in members for value in rows.rounds[row]]


def _check_values(path: Path, latency_ms: Float[Array, " n"], expected_ms: tuple[float, float] | None) -> None:
    if len(latency_ms) >= FEWEST and latency_ms.max() == latency_ms.min():
        raise UsageError(
            f"{path}: all {len(latency_ms)} latencies are {latency_ms[0]:g} ms, from which nothing can be learnt; "
            "was one net measured all the time, or is the timer too coarse?"
        )
    if expected_ms is None:
        return
    (low, high), middle = expected_ms, float(np.median(latency_ms))
    for factor, unit in ((1e3, "s"), (1e-3, "us")):
        if not low <= middle <= high and low <= middle * factor <= high:
            raise UsageError(
                f"{path}: expected latencies in ms, usually {low:g} to {high:g}, got a median of {middle:g}; "
                f"is the unit {unit}? {_way(path, unit)}, or say by --unit ms that it is right"
            )


def _way(path: Path, unit: str) -> str:
    """How a user says that the latencies of a file are in another unit than ms."""
    return f"say so by --unit {unit}" if _is_kit(path) else f"name the column {column_of('latency', unit)}"


def _energies(path: Path, rows: Rows, groups: Sequence[Sequence[int]]) -> tuple[Float[Array, " n"], tuple[str, ...]]:
    """Energy (mJ) of each architecture, NaN with a reason where it has none. Raises `UsageError` for impossible."""
    values, reasons = [], []
    for members in groups:
        known = [row for row in members if not rows.energy_reasons[row]]
        for row in known:
            if not (np.isfinite(rows.energies[row]) and rows.energies[row] > 0):
                raise UsageError(
                    f"{path}, {rows.places[row]}: expected an energy above 0 mJ, or nothing where it was not measured, "
                    f"got {rows.energies[row]:g}"
                )
        found = [rows.energies[row] for row in known]
        if found and max(found) > CONTRADICTION * min(found):
            places = " and ".join(rows.places[known[found.index(value)]] for value in (min(found), max(found)))
            raise UsageError(
                f"{path}: {places} are the same architecture, {min(found):g} and {max(found):g} mJ; remove the wrong "
                "one"
            )
        values.append(float(np.median(found)) if found else np.nan)
        reasons.append("" if found else rows.energy_reasons[members[0]])
    return np.array(values), tuple(reasons)


def _padded(merged: Sequence[Sequence[float]]) -> Float[Array, "n r"]:
    table = np.full((len(merged), max(map(len, merged))), np.nan)
    for row, values in enumerate(merged):
        table[row, : len(values)] = values
    return table
