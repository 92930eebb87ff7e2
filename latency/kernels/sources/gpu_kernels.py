"""Layer timings on NVIDIA GPUs (CDECatapult, Apache-2.0): convolutions and dense layers, forward only.

The only file that imports pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.data.folders import file_path
from hwnas.errors import DataError, MissingExtraError
from hwnas.graphs import GraphBuilder, Kernel, kernels_of
from hwnas.latency.kernels.rows import KernelRows, rows_by_kind

# A convolution or dense layer was timed with its bias and activation in one: so TensorRT makes kernels of a network.
RUNTIME: Final = "tensorrt"
FILES: Final = {
    "gtx-1080-ti": {"conv": "1080ti", "dense": "1080ti"},
    "tesla-p100": {"conv": "P100", "dense": "P100"},
    "tesla-m60": {"conv": "M60"},
    "tesla-v100": {"dense": "V100"},
}
_ACTIVATIONS: Final = ("relu", "sigmoid", "tanh")


def gpu_rows(device: str) -> dict[str, KernelRows]:
    """Kernels of one GPU by kind, in milliseconds. Raises `DataError` where the files were not pulled."""
    kernels: list[Kernel] = []
    costs: list[float] = []
    for layer, name in FILES[device].items():
        for kernel, cost in _read(file_path(f"kernels/gpu-timing/{layer}_{name}.parquet"), layer):
            kernels.append(kernel)
            costs.append(cost)
    return rows_by_kind(kernels, costs, range(len(kernels)))


def _read(path: Path, layer: str) -> Iterator[tuple[Kernel, float]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ModuleNotFoundError:
        raise MissingExtraError("reading GPU timings", "kernels") from None
    if not path.exists():
        raise DataError(f"expected {path}, which is not there; run `hwnas data pull gpu-kernels`")
    try:
        table = {name: column.to_numpy() for name, column in zip(*_columns(read_table(path)), strict=True)}
        forward = np.flatnonzero(table["opt_None"] == 1)
        build = _conv if layer == "conv" else _dense
        for row in forward.tolist():
            kernel = build({name: column[row] for name, column in table.items()})
            if kernel is not None:
                yield kernel, float(table["timeUsed_median"][row])
    except (ArrowException, KeyError) as error:
        raise DataError(f"{path}: expected layer timings, got {error!r}; pull it again") from error


def _columns(table: Any) -> tuple[list[str], list[Any]]:
    return table.column_names, table.columns


def _conv(row: dict[str, Any]) -> Kernel | None:
    size, kernel, stride = int(row["matsize"]), int(row["kernelsize"]), int(row["strides"])
    side = -(-size // stride) if row["padding"] else (size - kernel) // stride + 1
    if side < 1:
        return None
    batch, incoming, channels = (int(row[name]) for name in ("batchsize", "channels_in", "channels_out"))
    builder = GraphBuilder()
    builder.add("input", "input", [], (batch, incoming, size, size))
    builder.add(
        "layer", "conv", ["input"], (batch, channels, side, side),
        kernel=kernel, stride=stride, padding=int(row["padding"]) * (kernel // 2), groups=1, in_channels=incoming,
        bias=int(row["use_bias"]),
    )  # fmt: skip
    return _activated(builder, row)


def _dense(row: dict[str, Any]) -> Kernel:
    batch, incoming, width = (int(row[name]) for name in ("batchsize", "dim_input", "dim_output"))
    builder = GraphBuilder()
    builder.add("input", "input", [], (batch, incoming))
    builder.add("layer", "linear", ["input"], (batch, width), in_features=incoming, bias=1)
    return _activated(builder, row)


def _activated(builder: GraphBuilder, row: dict[str, Any]) -> Kernel:
    """The layer as one kernel with its activation, whatever the rules would make of a dense one."""
    kind = next((name for name in _ACTIVATIONS if row[f"act_{name}"]), None)
    (kernel,) = kernels_of(builder.graph(), RUNTIME)
    if kind is None:
        return kernel
    builder.same("activation", kind, "layer")
    return replace(kernel, operators=(*kernel.operators, builder.operators["activation"]))
