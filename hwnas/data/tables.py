"""Converted tables: opened in a millisecond and read column by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, final

from hwnas.arrays import Array
from hwnas.data.sources import TABLES
from hwnas.data.table_files import Contents, Header, TableSource, make_header, read_column, read_header
from hwnas.errors import UnknownNameError


@final
class Table:
    """A table by columns: `table["cifar10"]` is a read-only array, read from the file the first time it is asked for.

    NaN stands for "not measured". Tables of NAS-Bench-201 have one row per architecture, row i being the
    architecture with `NASBench201().index` i.
    """

    def __init__(self, header: Header, read: Callable[[str], Array]) -> None:
        self._header = header
        self._read = read
        self._arrays: dict[str, Array] = {}

    @property
    def name(self) -> str:
        """How `open_table` calls it."""
        return self._header.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._header.columns)

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each measured column: "ms", "mJ" or "%"."""
        return MappingProxyType(dict(self._header.units))

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Further facts as plain JSON values, such as how architectures are encoded."""
        return MappingProxyType(dict(self._header.attributes))

    @property
    def source(self) -> TableSource:
        """Title, licence, address and checksums of what it was made from."""
        return self._header.source

    def __getitem__(self, column: str) -> Array:
        """The column, one entry (or row) per row. Raises `UnknownNameError`, or `DataError` for a damaged file."""
        if column not in self._header.columns:
            raise UnknownNameError(f"column of table {self.name!r}", column, self.columns)
        if column not in self._arrays:
            self._arrays[column] = self._read(column)
        return self._arrays[column]

    def __contains__(self, column: object) -> bool:
        return column in self._header.columns

    def __len__(self) -> int:
        return self._header.rows

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {len(self)} rows: {', '.join(self.columns)})"


def open_table(name: str) -> Table | None:
    """The table called `name`, or None when it is not in the cache.

    Raises `UnknownNameError` for a name that no source brings, and `DataError` (with the command that repairs it)
    when its file is damaged, cut short or of another version. A column is checked when it is read.
    """
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES)
    header = read_header(name)
    if header is None:
        return None
    return Table(header, partial(read_column, header))


def table_in_memory(name: str, source: TableSource, contents: Contents) -> Table:
    """The table that `write_table` would write, without a file. Raises `DataError` for columns of unequal length."""
    for array in contents.columns.values():
        array.setflags(write=False)
    return Table(make_header(name, source, contents), contents.columns.__getitem__)
