"""Kernels that were measured: features and costs by kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from hwnas.arrays import Array, Float, Int
from hwnas.graphs import Kernel, feature_names


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class KernelRows:
    """Measured kernels of one kind.

    features: a row for each, by `feature_names(kind)`. costs: in the unit of the model, positive.
    groups: which network a kernel was measured in; kernels of one network are held out together.
    """

    kind: str
    features: Float[Array, "n f"]
    costs: Float[Array, " n"]
    groups: Int[Array, " n"]

    def __len__(self) -> int:
        return len(self.costs)

    def take(self, rows: Array) -> KernelRows:
        """Some of the rows, by index or mask."""
        return KernelRows(
            kind=self.kind, features=self.features[rows], costs=self.costs[rows], groups=self.groups[rows]
        )


def feature_matrix(kind: str, kernels: Sequence[Kernel]) -> Float[Array, "n f"]:
    """Features of kernels of one kind."""
    rows = [list(kernel.features().values()) for kernel in kernels]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(feature_names(kind)))


def rows_by_kind(kernels: Sequence[Kernel], costs: Iterable[float], groups: Iterable[int]) -> dict[str, KernelRows]:
    """Measured kernels sorted into kinds; those without shapes or with a cost that is not positive are left out."""
    values, numbers = np.fromiter(costs, float), np.fromiter(groups, int)
    found: dict[str, list[int]] = {}
    for number, kernel in enumerate(kernels):
        if kernel.known and np.isfinite(values[number]) and values[number] > 0:
            found.setdefault(kernel.kind, []).append(number)
    return {
        kind: KernelRows(
            kind=kind,
            features=feature_matrix(kind, [kernels[number] for number in chosen]),
            costs=values[chosen],
            groups=numbers[chosen],
        )
        for kind, chosen in sorted(found.items())
    }
