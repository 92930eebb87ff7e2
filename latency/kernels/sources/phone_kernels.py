"""Energies of conv-bn-relu kernels on a phone's GPU and CPU (PlatformX; no licence stated, so nothing is shipped)."""

from __future__ import annotations

from typing import Final

from hwnas.data import open_table
from hwnas.errors import DataError
from hwnas.graphs import GraphBuilder, Kernel, kernels_of
from hwnas.latency.kernels.rows import KernelRows, rows_by_kind

RUNTIME: Final = "tensorrt"  # convolution, batch norm and activation are one kernel here as well
TABLES: Final = {"phone-gpu": "phone-kernels-gpu", "phone-cpu": "phone-kernels-cpu"}


def phone_rows(device: str) -> dict[str, KernelRows]:
    """Kernels of one processor, in millijoules. Raises `DataError` where the table was not pulled."""
    table = open_table(TABLES[device])
    if table is None:
        raise DataError(f"expected the table {TABLES[device]!r}; run `hwnas data pull phone-kernels`")
    names = ("size", "in_channels", "out_channels", "kernel", "stride")
    kernels = [_kernel(*row) for row in zip(*(table[name].astype(int).tolist() for name in names), strict=True)]
    return rows_by_kind(kernels, table["energy_mj"], range(len(kernels)))


def _kernel(size: int, incoming: int, channels: int, kernel: int, stride: int) -> Kernel:
    builder, side = GraphBuilder(), -(-size // stride)
    builder.add("input", "input", [], (1, incoming, size, size))
    window = {"kernel": kernel, "stride": stride, "padding": kernel // 2}
    builder.add("conv", "conv", ["input"], (1, channels, side, side), **window, groups=1, in_channels=incoming, bias=0)
    builder.same("norm", "batch_norm", "conv")
    builder.same("relu", "relu", "norm")
    return kernels_of(builder.graph(), RUNTIME)[0]
