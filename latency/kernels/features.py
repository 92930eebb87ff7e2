"""What a regressor makes of the features of a kernel: terms of a physical cost, and logarithms for the trees.

The physical part is a roofline with all roofs added up instead of the highest one taken: a constant for the call, time
for each multiply-accumulate and for each byte. Sums of such terms extrapolate to sizes that were not measured; trees,
which are constant there, only correct them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float

# Channels in one step of a processor's vectors: what does not fill the last step costs as much as what does.
LANES: Final = 8


def physical_terms(names: Sequence[str], rows: Float[Array, "n f"]) -> Float[Array, "n t"]:
    """Terms of at least 0 whose weighted sum is the physical cost; weights are times per call, operation and byte."""
    column = dict(zip(names, rows.T, strict=True))
    activations = np.maximum(column["bytes_read"] - column["weight_bytes"], 0)
    terms = [np.ones(len(rows)), column["macs"], activations, column["bytes_written"], column["weight_bytes"]]
    if "kernel_height" in column:
        window = column["kernel_height"] * column["kernel_width"]
        terms.append(column["macs"] * _filled(column["out_channels"]) * _filled(column["in_channels"]))
        terms.append(column["bytes_written"] * window)
        terms.append(column["in_channels"] * column["out_height"] * column["out_width"] * window * column["batch"])
    elif "rows" in column:
        terms.append(column["macs"] * _filled(column["columns"]) * _filled(column["rows"]))
        terms.append(column["products"])
    elif "steps" in column:
        terms.append(column["steps"] * column["directions"])
    else:
        terms.append(column["out_elements"] / np.maximum(column["axis_length"], 1))
    return np.stack(terms, axis=1)


def tree_features(names: Sequence[str], rows: Float[Array, "n f"], physical: Float[Array, " n"]) -> Float[Array, "n g"]:
    """Logarithms of all features and of their ratios, how well channels fill vectors, and the physical cost."""
    column = dict(zip(names, rows.T, strict=True))
    moved = column["bytes_read"] + column["bytes_written"]
    columns = [np.log1p(np.maximum(rows, 0))]
    ratios = [
        np.log(np.maximum(physical, 1e-300)),
        np.log1p(column["macs"]) - np.log1p(moved),
        np.log1p(moved),
        np.log1p(column["weight_bytes"]) - np.log1p(moved),
    ]
    filled = [column[name] % LANES for name in ("in_channels", "out_channels", "columns", "inner") if name in column]
    if "kernel_height" in column:
        ratios.append(np.log1p(column["out_height"] * column["out_width"]))
        ratios.append(np.log1p(column["in_channels"] * column["kernel_height"] * column["kernel_width"]))
    return np.column_stack([*columns, *ratios, *filled])


def beyond(
    rows: Float[Array, "n f"], low: Float[Array, " f"], high: Float[Array, " f"]
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """How far each row lies outside of the box from `low` to `high`: the largest factor, 1 inside, and its column.

    Of a feature that may be 0 both sides are counted one up, so that its factor is finite.
    """
    lifted = np.maximum(rows, 0) + 1
    factors = np.maximum(np.maximum(lifted / (high + 1), (low + 1) / lifted), 1)
    return factors.max(axis=1), factors.argmax(axis=1).astype(np.float64)


def _filled(channels: Float[Array, " n"]) -> Float[Array, " n"]:
    """Steps of whole vectors that channels take, relative to what they would fill."""
    channels = np.maximum(channels, 1)
    return np.asarray(np.ceil(channels / LANES) * LANES / channels)
