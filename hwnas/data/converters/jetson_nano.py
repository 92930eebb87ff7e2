"""CNNs measured on a Jetson Nano: what each network is made of, latency and energy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from hwnas.arrays import Array
from hwnas.data.converters.rows import csv_columns, numbers
from hwnas.data.table_files import Contents
from hwnas.errors import DataError

_NAME: Final = re.compile(r"convnet_L(\d+)_F(\d+)_K(\d+)x\3(?:_(\d+)_K(\d+)x\5_(\d+))?_W(\d+)(_DWS)?")
_PARTS: Final = ("layers", "filters", "kernel", "count", "second_kernel", "second_count", "width", "separable")
_LATENCY, _BOARD, _RUNS, _GPU, _CPU = (
    "average_latency(ms)",
    "Total_POM_5V_IN",
    "num_inferences",
    "GPU_energy_per_inference",
    "CPU_energy_per_inference",
)
REAL_FAMILY: Final = "real_data"


def convert_jetson_nano(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """One row for each network that was measured; rows with a missing figure are dropped.

    family: the folder that it was published in; `real_data` are known networks, whose other columns are 0. A network
    of the others has `layers` convolutions of `filters` channels on an image of 3 x width x width: `count` of the size
    `kernel` and `second_count` of `second_kernel`, in turn, separable ones where `separable` is 1, and a linear layer
    of ten classes. energy_mj: of the whole board, as the publishers take that of GPU and CPU: the sum of its power
    readings, one a second, over the runs in that time. Raises `DataError` for other names or columns.
    """
    columns: dict[str, list[Array]] = {}
    for path, content in sorted(files.items()):
        if "power_latency_output" in path:
            continue
        names = ("Model Name", "Total Parameters", "Total MACs", "Input Size", _LATENCY, _BOARD, _RUNS, _GPU, _CPU)
        cells = csv_columns(path, content, names)
        figures = {name: _figures(path, cells[name]) for name in names[1:]}
        kept = np.all([np.isfinite(values) for values in figures.values()], axis=0)
        family = path.split("/")[1]
        names_kept = np.array(cells["Model Name"])[kept]
        parts = _structure(path, names_kept, real=family == REAL_FAMILY)
        board = figures[_BOARD][kept] / figures[_RUNS][kept]
        found = {
            "name": names_kept,
            "family": np.full(int(kept.sum()), family),
            **{part: parts[:, number] for number, part in enumerate(_PARTS)},
            "params": figures["Total Parameters"][kept],
            "macs": figures["Total MACs"][kept],
            "latency_ms": figures[_LATENCY][kept],
            "energy_mj": board,
            "gpu_energy_mj": figures[_GPU][kept],
            "cpu_energy_mj": figures[_CPU][kept],
        }
        for name, values in found.items():
            columns.setdefault(name, []).append(values)
    units = {"latency_ms": "ms", **dict.fromkeys(("energy_mj", "gpu_energy_mj", "cpu_energy_mj"), "mJ")}
    yield tables[0], Contents(columns={name: np.concatenate(values) for name, values in columns.items()}, units=units)


def _figures(path: str, cells: tuple[str, ...]) -> Array:
    """Numbers, NaN for empty cells."""
    return numbers(path, [cell or "nan" for cell in cells])


def _structure(path: str, names: Array, *, real: bool) -> Array:
    rows = np.zeros((len(names), len(_PARTS)), dtype=np.int64)
    for number, name in enumerate([] if real else names.tolist()):
        match = _NAME.fullmatch(name)
        if match is None:
            raise DataError(f"{path}: expected names such as 'convnet_L5_F128_K2x2_W30_DWS', got {name!r}")
        layers, filters, kernel, count, second, second_count, width, separable = match.groups()
        rows[number] = [
            int(layers), int(filters), int(kernel), int(count or layers), int(second or 0), int(second_count or 0),
            int(width), int(separable is not None),
        ]  # fmt: skip
    return rows
