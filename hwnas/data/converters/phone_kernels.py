"""Energies of single conv-bn-relu kernels on a phone's processors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hwnas.data.converters.rows import csv_columns, numbers
from hwnas.data.table_files import Contents

_COLUMNS = {
    "HW": "size", "CIN": "in_channels", "COUT": "out_channels", "KERNEL_SIZE": "kernel", "STRIDES": "stride",
    "energy_mJ": "energy_mj",
}  # fmt: skip


def convert_phone_kernels(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """A row for each kernel: size of the square input, channels, kernel, stride, energy. Raises `DataError`."""
    for table, (path, content) in zip(tables, sorted(files.items()), strict=True):
        cells = csv_columns(path, content, tuple(_COLUMNS))
        columns = {name: numbers(path, cells[heading]) for heading, name in _COLUMNS.items()}
        yield table, Contents(columns=columns, units={"energy_mj": "mJ"})
