"""Measurements of one board from several files, and the table in which a model keeps those that it rests on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.api.joined_measurements import joined
from hwnas.errors import DataError, UsageError
from hwnas.latency.known_devices import few_shot_model
from hwnas.latency.measurement_files import COLUMNS, ROLE_COLUMN
from hwnas.latency.measurements import Measurements, read_measurements
from hwnas.latency.observations import FEWEST
from hwnas.spaces import get_space

_APART: Final = ("name", "version", "precision", "timed")  # come first, or are told elsewhere
TABLE: Final = "measurements.csv"
# How far beyond the typical costs of known devices a median latency may lie before its unit is asked about.
_MARGIN: Final = 3.0
ENERGY_UNITS_MJ: Final = {"mJ": 1.0, "J": 1e3, "uJ": 1e-3}
_POWERS_W: Final = (0.02, 3000.0)  # from less than a small board draws to a server of several GPUs


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

    unit: of the latencies, "ms", "s" or "us"; None asks about what looks like another unit than milliseconds.
    energy_unit: of the energies, "mJ", "J" or "uJ"; None asks about those that come to an unlikely power.
    fewest: nets that there must be in all.
    Raises `UsageError` and `DataError` as `read_measurements` does, and where files do not belong together.
    """
    if not paths:
        raise UsageError("expected a file of measurements, got none; `hwnas plan` begins")
    if energy_unit is not None and energy_unit not in ENERGY_UNITS_MJ:
        raise UsageError(f"expected a unit of energy of {', '.join(ENERGY_UNITS_MJ)}, got {energy_unit!r}")
    fewest = fewest if len(paths) == 1 else 1  # of each file
    first = read_measurements(paths[0], space=space, dataset=dataset, unit=unit, fewest=fewest)
    usual = None if unit else _usual_ms(first.space)
    given = {"space": first.space, "dataset": first.dataset, "unit": unit, "expected_ms": usual, "fewest": fewest}
    found = [_in_mj(path, read_measurements(path, **given), energy_unit) for path in paths]  # type: ignore[arg-type]
    for path, other in zip(paths[1:], found[1:], strict=True):
        _require_same(paths[0], first, path, other)
    return found[0] if len(found) == 1 else joined(found, [str(path) for path in paths])


def table_text(measured: Measurements) -> str:
    """The measurements as the CSV file that `hwnas adapt` reads; every digit is kept."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*COLUMNS, ROLE_COLUMN])
    archs = get_space(measured.space).strings(measured.vectors)
    latencies, energies = measured.latency_ms.tolist(), measured.energy_mj.tolist()
    for arch, latency, energy, role in zip(archs, latencies, energies, measured.roles, strict=True):
        writer.writerow([arch, latency, energy if np.isfinite(energy) else "", role])
    return file.getvalue()


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


def _usual_ms(space: str) -> tuple[float, float] | None:
    """Range in which a median latency of the space is no surprise; None where nothing was learned of it."""
    try:
        low, high = few_shot_model(get_space(space)).facts["typical_cost"]
    except (DataError, KeyError):
        return None  # whoever adapts says so with more words
    return low / _MARGIN, high * _MARGIN


def _in_mj(path: Path, measured: Measurements, unit: str | None) -> Measurements:
    """The measurements with energies in mJ. Raises `UsageError` where no unit is said and few devices draw so much."""
    if unit is not None:
        return replace(measured, energy_mj=measured.energy_mj * ENERGY_UNITS_MJ[unit])
    known = np.isfinite(measured.energy_mj)
    power_w = float(np.median(measured.energy_mj[known] / measured.latency_ms[known])) if known.any() else 1.0
    if not _POWERS_W[0] <= power_w <= _POWERS_W[1]:
        other = "J" if power_w < _POWERS_W[0] else "uJ"
        raise UsageError(
            f"{path}: expected energies in mJ, each for one run of the net, got a power of {power_w:.3g} W; is the "
            f"unit {other}? say so by --energy-unit {other}, or by --energy-unit mJ that it is right"
        )
    return measured


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
