"""12,534 CNNs measured whole on a Jetson Nano: the kernels that each is made of."""

from __future__ import annotations

from functools import cache
from itertools import zip_longest

import numpy as np

from hwnas.arrays import Array, Int
from hwnas.data import Table, open_table
from hwnas.errors import DataError
from hwnas.graphs import GraphBuilder, Kernel, kernels_of

RUNTIME = "tensorrt"
CLASSES = 10


def measured_rows() -> tuple[Table, Int[Array, " n"]]:
    """The table, and its rows of generated networks. Raises `DataError` where it was not pulled."""
    table = open_table("jetson-nano-cnn")
    if table is None:
        raise DataError("expected the table 'jetson-nano-cnn'; run `hwnas data pull jetson-nano-cnn`")
    return table, np.flatnonzero(table["filters"] > 0)


def kernels_of_row(table: Table, row: int) -> tuple[Kernel, ...]:
    """The kernels of the network in one row of the table `jetson-nano-cnn`.

    Paddings are not published; those here give the published parameters and multiply-accumulates of all networks: 2
    in the first layer where its kernel is even, then 2 where all kernels are even, else 1; of separable networks 2 for
    kernels of 5 as well.
    """
    values = {name: int(table[name][row]) for name in ("kernel", "count", "second_kernel", "second_count")}
    first, second = [values["kernel"]] * values["count"], [values["second_kernel"]] * values["second_count"]
    sizes = tuple(k for pair in zip_longest(first, second) for k in pair if k)
    return _kernels(sizes, int(table["filters"][row]), int(table["width"][row]), bool(table["separable"][row]))


@cache
def _kernels(sizes: tuple[int, ...], filters: int, width: int, separable: bool) -> tuple[Kernel, ...]:
    every = 2 if all(size % 2 == 0 or (separable and size == 5) for size in sizes) else 1
    builder, channels, side = GraphBuilder(), 3, width
    source = builder.image(width)
    for number, size in enumerate(sizes):
        padding = every if number or sizes[0] % 2 else 2
        side += 2 * padding - size + 1
        if separable:
            source = _conv(builder, source, (channels, side), kernel=size, padding=padding, groups=channels)
            source = _conv(builder, source, (filters, side), kernel=1, padding=0, groups=1)
        else:
            source = _conv(builder, source, (filters, side), kernel=size, padding=padding, groups=1)
        channels = filters
    builder.add("linear", "linear", [source], (1, CLASSES), in_features=channels * side * side, bias=1)
    return kernels_of(builder.graph(), RUNTIME)


def _conv(
    builder: GraphBuilder, source: str, output: tuple[int, int], *, kernel: int, padding: int, groups: int
) -> str:
    """output: channels and side of the square map that comes out."""
    channels, side = output
    name, incoming = f"conv{len(builder.operators)}", builder.operators[source].shape[1]
    builder.add(
        name, "conv", [source], (1, channels, side, side),
        kernel=kernel, stride=1, padding=padding, groups=groups, in_channels=incoming, bias=1,
    )  # fmt: skip
    return name
