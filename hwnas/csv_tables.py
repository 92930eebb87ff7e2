"""CSV tables that users write by hand: columns by name in any case, each once, and plain decimal numbers."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from hwnas.errors import DataError, UsageError

_TOO_MUCH: Final = "beyond the header"  # where csv puts further values of a row


@final
@dataclass(frozen=True, kw_only=True)
class CsvTable:
    """Cells of the columns that are read, by row; empty where a row ends early or the table lacks the column.

    places: where each row stands, for messages. ignored: names of further columns, as they are written.
    """

    rows: tuple[dict[str, str], ...]
    places: tuple[str, ...]
    ignored: tuple[str, ...]


def read_csv(path: Path, *, needed: Sequence[str], optional: Sequence[str] = (), most: int | None = None) -> CsvTable:
    """The columns of these names, which are in lower case. most: rows that there may be; no further one is read.

    Raises `DataError` where the file cannot be opened, `UsageError` where it is no CSV file in UTF-8, for a column that
    it lacks or has twice, for rows with more values than the header, and for too many rows.
    """
    columns = ", ".join([*needed, *optional])
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True, restkey=_TOO_MUCH)
            header = list(reader.fieldnames or [])
            reader.fieldnames = [name.strip().lower() for name in header]
            rows = reader if most is None else itertools.islice(reader, most + 1)
            numbered = [(f"row {reader.line_num}", line) for line in rows]
    except OSError as error:
        raise DataError(f"expected a CSV file with columns {columns}, got {path}: {error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"expected a CSV file in UTF-8 with columns {columns}, got {path}: {error}; save it as CSV in UTF-8"
        ) from error
    _check_header(path, header, needed, optional)
    if most is not None and len(numbered) > most:
        raise UsageError(f"{path}: expected at most {most:,} rows, got more; leave some out")
    for place, line in numbered:
        if _TOO_MUCH in line:
            raise UsageError(
                f"{path}, {place}: expected {len(header)} values as in the header, got {len(line[_TOO_MUCH])} more; "
                "decimals are written with a point, and what holds commas stands in double quotes"
            )
    known = (*needed, *optional)
    return CsvTable(
        rows=tuple({name: (line.get(name) or "").strip() for name in known} for _, line in numbered),
        places=tuple(place for place, _ in numbered),
        ignored=tuple(name.strip() for name in header if name.strip() and name.strip().lower() not in known),
    )


def decimal(text: str) -> float:
    """A number as people write it: unlike `float`, without the underscores of source code. Raises `ValueError`."""
    if "_" in text:
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)


def _check_header(path: Path, header: Sequence[str], needed: Sequence[str], optional: Sequence[str]) -> None:
    names = [name.strip().lower() for name in header]
    if not set(needed) <= set(names):
        may_lack = f" ({', '.join(optional)} may be absent)" if optional else ""
        raise UsageError(
            f"{path}: expected the columns {', '.join([*needed, *optional])} with commas between them{may_lack}, "
            f"got {list(header)}"
        )
    for name in (*needed, *optional):
        if names.count(name) > 1:
            raise UsageError(
                f"{path}: expected one column {name}, got {names.count(name)} in {list(header)}; name or remove the "
                "others"
            )
