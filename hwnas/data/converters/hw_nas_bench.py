"""HW-NAS-Bench (Li et al. 2021, ICLR): costs of all networks of NAS-Bench-201 on six devices, as CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from hwnas.arrays import Array
from hwnas.data.converters.rows import csv_columns, numbers, row_indices, whole_space
from hwnas.data.table_files import Contents
from hwnas.errors import DataError

# Latency in ms, energy in mJ, on Jetson TX2 (edgegpu), Raspberry Pi 4, Edge TPU, Pixel 3, Eyeriss and an FPGA.
METRICS: Final = (
    "edgegpu_latency",
    "edgegpu_energy",
    "raspi4_latency",
    "edgetpu_latency",
    "pixel3_latency",
    "eyeriss_latency",
    "eyeriss_energy",
    "fpga_latency",
    "fpga_energy",
)
INTENSITY: Final = "eyeriss_arithmetic_intensity"
_SUFFIX: Final = {"latency": "_ms", "energy": "_mj"}
_UNIT: Final = {"latency": "ms", "energy": "mJ"}


def convert_hw_nas_bench(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """One table of one data set. Raises `DataError` where the file is not of the published form."""
    ((path, content),) = files.items()
    cells = csv_columns(path, content, ("net", *METRICS, INTENSITY))
    order = whole_space(path, row_indices(path, cells["net"]))
    yield tables[0], costs({metric: numbers(path, cells[metric])[order] for metric in (*METRICS, INTENSITY)})


def costs(metrics: Mapping[str, Array]) -> Contents:
    """Columns with units in their names; -1 stands for "not measured" in the publication and becomes NaN."""
    columns, units = {}, {}
    for metric, values in metrics.items():
        kind = metric.rpartition("_")[2]
        column = metric + _SUFFIX.get(kind, "")
        if (values[values != -1] < 0).any():
            raise DataError(f"HW-NAS-Bench: expected costs of 0 or more, or -1, got {values.min()} in {metric!r}")
        columns[column] = np.where(values == -1, np.nan, values)
        if kind in _UNIT:
            units[column] = _UNIT[kind]
    return Contents(columns=columns, units=units)
