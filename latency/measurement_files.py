"""The two forms in which measurements arrive, as plain rows: `results.json` of the agent, and a CSV table."""

from __future__ import annotations

import math
import reprlib
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, final

from hwnas.csv_tables import CsvTable, decimal, read_csv
from hwnas.devices.agent.busy import busy_note
from hwnas.devices.agent.files import RESULTS_SCHEMA, AgentError, read_json
from hwnas.errors import DataError, UsageError
from hwnas.latency.measured_columns import Columns, columns_of

ROLES: Final = ("calibrate", "check")
COLUMNS: Final = ("architecture", "latency_ms", "energy_mj")
ROLE_COLUMN: Final = "role"  # further ones, which tables of users need not have
ROUNDS_COLUMN: Final = (
    "rounds_ms"  # latencies of the rounds with spaces between them, of which latency_ms is the median
)
NO_ENERGY: Final = "the table has no energy for it"
_NO_LATENCY: Final = "leave out rows without a measurement"
_NO_NUMBER: Final = "leave the cell empty where no energy was measured"
_T = TypeVar("_T")
_KINDS: Final[dict[type, str]] = {dict: "an object", list: "a list", int: "a whole number", str: "a text"}
MOST: Final = 100_000  # rows of a table, networks of a kit
_SAME: Final = 1e-6  # of a median and that of its rounds, which the agent writes with every digit


@final
@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows as they stand in a file. places: where each stands, for messages. rounds: latencies of each, one or more.

    energies: mJ, NaN where not measured, then `energy_reasons` says why. space, dataset: None where a file has none.
    warnings: those of the notes that say the device was not at rest.
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
    warnings: tuple[str, ...] = ()


def rows_of_kit(path: Path) -> Rows:
    """The measured nets of `results.json`. Raises `DataError` for a broken file, `UsageError` for another kind, and
    for more than `MOST` nets."""
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
    except (KeyError, ValueError) as error:
        raise DataError(f"{path}: expected what the agent writes, got a file without {error}; copy it again") from error
    except (TypeError, AttributeError, OverflowError) as error:
        got = f"got a value of another kind ({error})"
        raise DataError(f"{path}: expected what the agent writes, {got}; copy it again") from error


def _rows_of_results(results: dict[str, Any]) -> Rows:
    kit, every = _field(results, "kit", dict), _field(results, "nets", list)
    if len(every) > MOST:
        raise UsageError(f"expected results of at most {MOST:,} nets, got {len(every):,}; leave some out")
    for number, net in enumerate(every):
        _check_net(net, f"net {number} of the list")
    nets = [net for net in every if net["latency_ms"] is not None]
    missing = [f"{net['name']}: {net['latency_reason']}" for net in every if net["latency_ms"] is None]
    notes = [f"not measured: {line}" for line in missing]
    wanted = _field(_field(results, "protocol", dict), "rounds", int)
    fewer = sum(len(net["latency_ms"]["rounds"]) < wanted for net in nets)
    if fewer:
        notes.append(f"{fewer} of {len(nets)} nets have fewer than {wanted} rounds: measure again to go on")
    levels, warnings = _numbers(_field(results, "round_levels", list), "round_levels"), []
    if levels and max(abs(level - 1) for level in levels) > 0.05:
        warnings.append(
            f"the device drifted: its rounds took {', '.join(f'{level:.2f}' for level in levels)} times the usual"
        )
    busy = busy_note(results)
    warnings += [busy] if busy else []
    return Rows(
        places=tuple(f"net {net['name']}" for net in nets),
        architectures=tuple(str(net["arch"]) for net in nets),
        rounds=tuple(tuple(float(value) for value in net["latency_ms"]["rounds"]) for net in nets),
        energies=tuple(math.nan if net["energy_mj"] is None else float(net["energy_mj"]["median"]) for net in nets),
        energy_reasons=tuple(_reason(net) for net in nets),
        roles=tuple(_role(net["role"]) for net in nets),
        space=_field(kit, "space", str),
        dataset=_field(kit, "dataset", str),
        batch_size=_batch_size(kit["batch_size"]),
        device=_facts(results),
        notes=(*notes, *warnings),
        warnings=tuple(warnings),
    )


def _check_net(net: Any, place: str) -> None:
    """Raise `ValueError` for a net that no agent wrote, and for a median that is not that of the rounds."""
    if not isinstance(net, dict):
        raise ValueError(f"an object as {place} (it has {reprlib.repr(net)})")
    place = f"net {net['name']}"
    if net["latency_ms"] is not None:
        latency = _field(net, "latency_ms", dict)
        rounds = _numbers(_field(latency, "rounds", list), f"latency_ms.rounds of {place}")
        (median,) = _numbers([latency["median"]], f"latency_ms.median of {place}")
        if not rounds:
            raise ValueError("rounds of every measured net")
        if abs(median - statistics.median(rounds)) > _SAME * abs(median):
            raise ValueError(
                f"the median of its rounds ({statistics.median(rounds):g}) as latency_ms.median of {place} "
                f"(it has {median:g}, changed after the measurement)"
            )
    if net["energy_mj"] is not None:
        _numbers([_field(net, "energy_mj", dict)["median"]], f"energy_mj.median of {place}")


def _field(document: dict[str, Any], name: str, kind: type[_T]) -> _T:
    """A field of results. Raises `KeyError` without it, `ValueError` for another kind of value."""
    value = document[name]
    if not isinstance(value, kind):
        raise ValueError(f"{_KINDS[kind]} as {name} (it has {reprlib.repr(value)})")
    return value


def _numbers(values: list[Any], what: str) -> list[float]:
    """Values that are to be numbers, which may be NaN. Raises `ValueError`."""
    for value in values:
        if not isinstance(value, int | float):
            raise ValueError(f"a number in {what} (it has {reprlib.repr(value)})")
    return values


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
            raise ValueError(f"facts of the {part}")
        absent = [name for name in wanted if name not in results[part]]
        if absent:
            raise KeyError(f"{part}.{absent[0]}")
    return {part: results[part] for part in ("device", "runtime", "protocol", "meter", "idle_power_w", "started")}


def rows_of_table(path: Path) -> Rows:
    """The rows of a CSV file, in the units of its columns. Raises as `read_csv`, and `UsageError` for what is no number
    or role."""
    table, columns = _table(path), columns_of(path)[0]
    names = ", ".join([COLUMNS[0], columns.latency, columns.energy, ROLE_COLUMN])
    notes = [f"not read: column {name!r} of {path.name}, which is none of {names}" for name in table.ignored]
    placed = [(row, f"{path}, {place}") for row, place in zip(table.rows, table.places, strict=True)]
    return Rows(
        places=table.places,
        architectures=tuple(row["architecture"] for row in table.rows),
        rounds=tuple(_rounds(row, place, columns) for row, place in placed),
        energies=tuple(
            _number(row[columns.energy], place, _NO_NUMBER) if row[columns.energy] else math.nan
            for row, place in placed
        ),
        energy_reasons=tuple("" if row[columns.energy] else NO_ENERGY for row in table.rows),
        roles=tuple(_role_in(row[ROLE_COLUMN] or ROLES[0], place) for row, place in placed),
        device={},
        notes=tuple(notes),
    )


def _table(path: Path) -> CsvTable:
    """The table. Raises `UsageError` with advice for what is nearly one."""
    columns = columns_of(path)[0]
    needed, optional = (COLUMNS[0], columns.latency), (columns.energy, ROLE_COLUMN, columns.rounds)
    try:
        return read_csv(path, needed=needed, optional=optional, most=MOST)
    except UsageError as error:
        advice = _advice(path)
        raise UsageError(f"{error}; {advice}") if advice else error from None


def _advice(path: Path) -> str:
    """What to do about a header that lacks a column: another separator."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline().lower()
    if "," not in header and (";" in header or "\t" in header):
        return "save the table with commas between its columns and with decimal points"
    return ""


def _rounds(row: dict[str, str], place: str, columns: Columns) -> tuple[float, ...]:
    """The latencies of a row: of its rounds, or the one that it has. Raises `UsageError` where the two contradict."""
    latency = _number(row[columns.latency], place, _NO_LATENCY)
    rounds = tuple(_number(text, place, "leave the cell of rounds empty") for text in row[columns.rounds].split())
    if rounds and not abs(statistics.median(rounds) - latency) <= _SAME * abs(latency):
        raise UsageError(
            f"{place}: expected the median of {columns.rounds} as {columns.latency}, {statistics.median(rounds):g}, "
            f"got {latency:g}; leave the cell of rounds empty where a latency was corrected"
        )
    return rounds or (latency,)


def _role_in(role: str, place: str) -> str:
    """What a row is for: a model is made of it, unless it says that it only judges one; letters in any case."""
    if role.lower() not in ROLES:
        raise UsageError(f"{place}: expected a role of {' or '.join(ROLES)}, got {role!r}")
    return role.lower()


def _number(text: str, place: str, advice: str) -> float:
    try:
        return decimal(text)
    except ValueError:
        raise UsageError(f"{place}: expected a number, got {repr(text) if text else 'nothing'}; {advice}") from None
