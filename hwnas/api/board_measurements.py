"""Measurements of one board from several files, and the table in which a model keeps those that it rests on."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.api.joined_measurements import joined
from hwnas.api.measured_units import checked_units, usual_ms
from hwnas.errors import UsageError
from hwnas.folders import write_whole
from hwnas.latency.measured_columns import Units
from hwnas.latency.measurement_files import COLUMNS, ROLE_COLUMN, ROUNDS_COLUMN
from hwnas.latency.measurements import Measurements, read_measurements, stated_units
from hwnas.latency.observations import FEWEST
from hwnas.spaces import get_space

_APART: Final = ("name", "version", "precision", "timed")  # come first, or are told elsewhere
TABLE: Final = "measurements.csv"
_AS_WRITTEN: Final = Units(latency="ms", energy="mJ")
_WARNINGS: Final = "warnings.txt"  # beside the table where there are some, one a line


def read_board(
    paths: Sequence[Path],
    *,
    space: str | None = None,
    dataset: str | None = None,
    unit: str | None = None,
    energy_unit: str | None = None,
    fewest: int = FEWEST,
) -> Measurements:
    """All measurements of the files as one, which must be of one space, data set, batch size and way of measuring.

    unit: of the latencies, "ms", "s" or "us", which the name of a table's column must not contradict; None: as that
    says, and where it says milliseconds, what looks like another unit is asked about.
    energy_unit: of the energies, "mJ", "J" or "uJ", likewise; asked about where they come to an unlikely power.
    fewest: nets that there must be in all.
    Raises `UsageError` and `DataError` as `read_measurements` does, and where files do not belong together.
    """
    if not paths:
        raise UsageError("expected a file of measurements, got none; `hwnas plan` begins")
    fewest = fewest if len(paths) == 1 else 1  # of each file
    stated = [stated_units(path, unit=unit, energy_unit=energy_unit) for path in paths]
    first = read_measurements(paths[0], space=space, dataset=dataset, units=stated[0], fewest=fewest)
    where = {"space": first.space, "dataset": first.dataset}
    expected_ms, found = usual_ms(first.space), []
    for path, units in zip(paths, stated, strict=True):
        measured = read_measurements(path, **where, units=units, expected_ms=expected_ms, fewest=fewest)
        found.append(checked_units(path, measured, units))
    for (path, part), (other_path, other) in itertools.combinations(zip(paths, found, strict=True), 2):
        _require_same(path, part, other_path, other)  # each with each, as a table leaves open what two kits state
    return found[0] if len(found) == 1 else joined(found, [str(path) for path in paths])


def table_text(measured: Measurements) -> str:
    """The measurements as the CSV file that `hwnas adapt` reads; every digit and every round is kept."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*COLUMNS, ROLE_COLUMN, ROUNDS_COLUMN])
    archs = get_space(measured.space).strings(measured.vectors)
    for row, arch in enumerate(archs):
        latency, energy = float(measured.latency_ms[row]), float(measured.energy_mj[row])
        rounds = measured.rounds_ms[row][np.isfinite(measured.rounds_ms[row])].tolist()
        several = " ".join(map(repr, rounds)) if len(rounds) > 1 else ""
        writer.writerow([arch, latency, energy if np.isfinite(energy) else "", measured.roles[row], several])
    return file.getvalue()


def keep_measurements(folder: Path, measured: Measurements) -> None:
    """Write what a model rests on beside it: the table, and what warned of a device that was not at rest."""
    write_whole(folder / TABLE, table_text(measured).encode())
    if measured.warnings:
        write_whole(folder / _WARNINGS, "".join(f"{' '.join(one.split())}\n" for one in measured.warnings).encode())


def kept_measurements(folder: Path, *, space: str, dataset: str) -> Measurements:
    """What `keep_measurements` wrote; models of before lack rounds and warnings. Raises as `read_measurements`."""
    kept = read_measurements(folder / TABLE, space=space, dataset=dataset, units=_AS_WRITTEN)
    path = folder / _WARNINGS
    warnings = tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
    return replace(kept, warnings=warnings, notes=(*kept.notes, *(f"earlier measurements: {one}" for one in warnings)))


def way_of(how: dict[str, Any]) -> dict[str, str]:
    """What must be equal for measurements to be compared: runtime and hardware; empty for a table, which has none.

    how: facts of device and runtime as the agent writes them.
    """
    if not how:
        return {}
    device, runtime = how["device"], how["runtime"]
    about = {"runtime": runtime_text(runtime)}
    if "precision" in runtime:
        about["precision"] = str(runtime["precision"])
    return about | {name: str(device[name]) for name in ("board", "cpu", "power_mode") if device.get(name)}


def runtime_text(runtime: dict[str, Any]) -> str:
    """`onnxruntime 1.20.0, provider CPUExecutionProvider, threads 2`."""
    others = [f"{name} {value}" for name, value in runtime.items() if name not in _APART]
    return ", ".join([f"{runtime['name']} {runtime.get('version', '')}".strip(), *others])


def _require_same(path: Path, first: Measurements, other_path: Path, other: Measurements) -> None:
    sizes = {part.batch_size for part in (first, other)} - {None}
    if len(sizes) > 1:
        raise UsageError(
            f"expected one batch size, got {first.batch_size} in {path}, {other.batch_size} in {other_path}"
        )
    before, now = way_of(first.device), way_of(other.device)
    for name in before:
        if name in now and before[name] != now[name]:
            raise UsageError(
                f"expected measurements of one board in one way, got {name} {before[name]!r} in {path}, {now[name]!r} "
                f"in {other_path}; adapt them as two devices"
            )
