"""The two forms in which measurements arrive, as plain rows: `results.json` of the agent, and a CSV table."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from hwnas.devices.agent.busy import busy_note
from hwnas.devices.agent.files import RESULTS_SCHEMA, AgentError, read_json
from hwnas.errors import DataError, UsageError

UNITS_MS: Final = {"ms": 1.0, "s": 1e3, "us": 1e-3}
ROLES: Final = ("calibrate", "check")
COLUMNS: Final = ("architecture", "latency_ms", "energy_mj")
ROLE_COLUMN: Final = "role"  # a further one, which tables of users need not have
_TOO_MUCH: Final = "beyond the header"  # where csv puts further values of a row
NO_ENERGY: Final = "the table has no energy for it"


@final
@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows as they stand in a file. places: where each stands, for messages. rounds: latencies of each, one or more.

    energies: mJ, NaN where not measured, then `energy_reasons` says why. space, dataset: None where a file has none.
    """

    places: tuple[str, ...]
    architectures: tuple[str, ...]
    rounds: tuple[tuple[float, ...], ...]
    energies: tuple[float, ...]
    energy_reasons: tuple[str, ...]
    roles: tuple[str, ...]
    space: str | None = None
    dataset: str | None = None
    batch_size: int | None = None
    device: dict[str, Any]
    notes: tuple[str, ...]


def rows_of_kit(path: Path) -> Rows:
    """The measured nets of `results.json`. Raises `DataError` for a broken file, `UsageError` for another kind."""
    try:
        results = read_json(path)
    except AgentError as error:
        raise DataError(str(error)) from error
    if results.get("kind") != "hwnas-results":
        raise UsageError(
            f"{path}: expected results.json of a kit, got kind {results.get('kind')!r}; or give a .csv file"
        )
    if results.get("schema_version") != RESULTS_SCHEMA:
        got = f"got {results.get('schema_version')!r}; measure with a kit of this version of hwnas"
        raise UsageError(f"{path}: expected results of schema {RESULTS_SCHEMA}, {got}")
    try:
        return _rows_of_results(results)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: expected what the agent writes, got a file without {error}; copy it again") from error


def _rows_of_results(results: dict[str, Any]) -> Rows:
    nets = [net for net in results["nets"] if net["latency_ms"] is not None]
    missing = [f"{net['name']}: {net['latency_reason']}" for net in results["nets"] if net["latency_ms"] is None]
    notes = [f"not measured: {line}" for line in missing]
    if not all(net["latency_ms"]["rounds"] for net in nets):
        raise ValueError("rounds of every measured net")
    wanted = results["protocol"]["rounds"]
    fewer = sum(len(net["latency_ms"]["rounds"]) < wanted for net in nets)
    if fewer:
        notes.append(f"{fewer} of {len(nets)} nets have fewer than {wanted} rounds: measure again to go on")
    levels = results["round_levels"]
    if levels and max(abs(level - 1) for level in levels) > 0.05:
        notes.append(
            f"the device drifted: its rounds took {', '.join(f'{level:.2f}' for level in levels)} times the usual"
        )
    busy = busy_note(results)
    notes += [busy] if busy else []
    return Rows(
        places=tuple(f"net {net['name']}" for net in nets),
        architectures=tuple(str(net["arch"]) for net in nets),
        rounds=tuple(tuple(float(value) for value in net["latency_ms"]["rounds"]) for net in nets),
        energies=tuple(math.nan if net["energy_mj"] is None else float(net["energy_mj"]["median"]) for net in nets),
        energy_reasons=tuple(_reason(net) for net in nets),
        roles=tuple(_role(net["role"]) for net in nets),
        space=str(results["kit"]["space"]),
        dataset=str(results["kit"]["dataset"]),
        batch_size=_batch_size(results["kit"]["batch_size"]),
        device=_facts(results),
        notes=tuple(notes),
    )


def _reason(net: dict[str, Any]) -> str:
    return "" if net["energy_mj"] is not None else str(net["energy_reason"] or "no reason is given")


def _role(value: Any) -> str:
    if value not in ROLES:
        raise ValueError(f"roles of {' or '.join(ROLES)} (it has {value!r})")
    return str(value)


def _batch_size(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"a batch size of at least 1 (it has {value!r})")
    return value


def _facts(results: dict[str, Any]) -> dict[str, Any]:
    """What was measured and how, with all that cards and comparisons quote of it."""
    for part, wanted in (("device", ()), ("runtime", ("name",)), ("protocol", ("warmup_s", "window_s")), ("meter", ())):
        if not isinstance(results[part], dict):
            raise TypeError(f"facts of the {part}")
        absent = [name for name in wanted if name not in results[part]]
        if absent:
            raise KeyError(f"{part}.{absent[0]}")
    return {part: results[part] for part in ("device", "runtime", "protocol", "meter", "idle_power_w", "started")}


def rows_of_table(path: Path) -> Rows:
    """The rows of a CSV file. Raises `DataError` where it cannot be read, `UsageError` for what it says."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True, restkey=_TOO_MUCH)
            header, numbered = reader.fieldnames or [], [(reader.line_num, line) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"expected a CSV file in UTF-8 with columns {', '.join(COLUMNS)}, got {path}: {error}"
        ) from error
    for name in COLUMNS[:2]:
        if name not in header:
            raise UsageError(
                f"{path}: expected the columns {', '.join(COLUMNS)} with commas between them (the last may be absent), "
                f"got {header}"
            )
    lines, places = [line for _, line in numbered], [f"row {number}" for number, _ in numbered]
    for line, place in zip(lines, places, strict=True):
        if _TOO_MUCH in line:
            raise UsageError(
                f"{path}, {place}: expected {len(header)} values as in the header, got {len(line[_TOO_MUCH])} more; "
                "decimals are written with a point, and what holds commas stands in double quotes"
            )
    latencies = [_number(line["latency_ms"], path, place) for line, place in zip(lines, places, strict=True)]
    energies = [
        _number(text, path, place) if (text := line.get("energy_mj") or "").strip() else math.nan
        for line, place in zip(lines, places, strict=True)
    ]
    return Rows(
        places=tuple(places),
        architectures=tuple((line["architecture"] or "").strip() for line in lines),
        rounds=tuple((value,) for value in latencies),
        energies=tuple(energies),
        energy_reasons=tuple("" if (line.get("energy_mj") or "").strip() else NO_ENERGY for line in lines),
        roles=tuple(_role_in(line, path, place) for line, place in zip(lines, places, strict=True)),
        device={},
        notes=(),
    )


def _role_in(line: dict[str, str], path: Path, place: str) -> str:
    """What a row is for: a model is made of it, unless it says that it only judges one."""
    role = (line.get(ROLE_COLUMN) or "").strip() or ROLES[0]
    if role not in ROLES:
        raise UsageError(f"{path}, {place}: expected a role of {' or '.join(ROLES)}, got {role!r}")
    return role


def _number(text: str | None, path: Path, place: str) -> float:
    try:
        return float(text or "")
    except ValueError:
        got = "nothing" if not (text or "").strip() else repr(text)
        raise UsageError(
            f"{path}, {place}: expected a number, got {got}; leave out rows without a measurement"
        ) from None
