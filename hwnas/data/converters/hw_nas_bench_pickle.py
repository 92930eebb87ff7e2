"""HW-NAS-Bench as its authors publish it: HW-NAS-Bench-v1_0.pickle, with the blocks of FBNet as well.

The file holds `{"nasbench201": {data set: {metric: 15,625 values, "config": 15,625 dicts with "arch_str"}},
"fbnet": {metric: {block: value}}}`. It lists the networks of NAS-Bench-201 in the benchmark's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.data.converters.hw_nas_bench import INTENSITY, METRICS, costs
from hwnas.data.converters.rows import row_indices, whole_space
from hwnas.data.pickles import NUMPY, load_plain
from hwnas.data.table_files import Contents
from hwnas.errors import DataError

FBNET_TABLE = "hw-nas-bench-fbnet"


def convert_hw_nas_bench_pickle(files: Mapping[str, bytes], tables: tuple[str, ...]) -> Iterator[tuple[str, Contents]]:
    """The tables of three data sets and that of FBNet's blocks. Raises `DataError` for a file of another form."""
    ((path, content),) = files.items()
    everything = load_plain(content, NUMPY)
    for table in tables:
        try:
            if table == FBNET_TABLE:
                yield table, _blocks(everything["fbnet"])
            else:
                yield table, _networks(path, everything["nasbench201"][table.removeprefix("hw-nas-bench-")])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path}: expected the form of HW-NAS-Bench v1.0, got {error!r} for {table}") from error


def _networks(path: str, dataset: Mapping[str, Any]) -> Contents:
    configs = _in_order(dataset["config"])
    order = whole_space(path, row_indices(path, [config["arch_str"] for config in configs]))
    metrics = [metric for metric in (*METRICS, INTENSITY) if metric in dataset or metric in METRICS]
    return costs({metric: _column(dataset[metric], order) for metric in metrics})


def _column(values: Any, order: Integer[Array, " n"]) -> Array:
    column: Array = np.array(_in_order(values), dtype=np.float64)
    if column.shape != order.shape:
        raise ValueError(f"{column.shape} values for {order.shape} networks")
    ordered: Array = column[order]
    return ordered


def _in_order(values: Any) -> Sequence[Any]:
    """Values of a list, or of a dict that counts from 0."""
    return [values[index] for index in range(len(values))]


def _blocks(metrics: Mapping[str, Mapping[str, Any]]) -> Contents:
    """One row per block of FBNet, NaN where a device has no value for it."""
    blocks = sorted({block for lookup in metrics.values() for block in lookup})
    contents = costs(
        {
            metric: np.array([_number(lookup.get(block, np.nan)) for block in blocks])
            for metric, lookup in metrics.items()
            if metric in METRICS
        }
    )
    return Contents(columns={"block": np.array(blocks, dtype=np.str_), **contents.columns}, units=contents.units)


def _number(value: Any) -> float:
    (number,) = np.array(value, dtype=np.float64).reshape(-1)
    return float(number)
