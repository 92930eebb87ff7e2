"""Networks whose totals were measured, as counts of the distinct kernels that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from hwnas.arrays import Array, Float, Int
from hwnas.graphs import Kernel, feature_names


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Networks:
    """n networks of u distinct kernels.

    features: of the distinct kernels by kind. offsets: number of the first kernel of each kind. network, kernel, count:
    which network has which kernel how often, an entry for each pair.
    """

    size: int
    features: dict[str, Float[Array, "_ _"]]
    offsets: dict[str, int]
    network: Int[Array, " e"]
    kernel: Int[Array, " e"]
    count: Float[Array, " e"]

    def __len__(self) -> int:
        return self.size

    @property
    def kernels(self) -> int:
        """How many distinct kernels there are."""
        return sum(len(rows) for rows in self.features.values())

    def totals(self, costs: Float[Array, " u"]) -> Float[Array, " n"]:
        """Sum over the kernels of each network."""
        return np.bincount(self.network, self.count * costs[self.kernel], minlength=self.size)

    def take(self, chosen: Int[Array, " m"]) -> Networks:
        """Some networks, in the order asked for; distinct kernels stay numbered as they are."""
        place = np.full(self.size, -1)
        place[chosen] = np.arange(len(chosen))
        kept = place[self.network] >= 0
        return Networks(
            size=len(chosen),
            features=self.features,
            offsets=self.offsets,
            network=place[self.network[kept]],
            kernel=self.kernel[kept],
            count=self.count[kept],
        )


def count_kernels(networks: Iterable[Sequence[Kernel]]) -> Networks:
    """Networks given by their kernels. Kernels of the same features are one."""
    seen: dict[str, dict[tuple[float, ...], int]] = {}
    entries: list[tuple[int, str, int, float]] = []
    rows_of: dict[int, tuple[str, int]] = {}
    alive: list[Kernel] = []  # what `rows_of` numbers by identity must not be freed and its number given away
    size = 0
    for number, kernels in enumerate(networks):
        size += 1
        counts: dict[tuple[str, int], float] = {}
        for kernel in kernels:
            if id(kernel) not in rows_of:
                table = seen.setdefault(kernel.kind, {})
                row = tuple(kernel.features().values())
                rows_of[id(kernel)] = kernel.kind, table.setdefault(row, len(table))
                alive.append(kernel)
            where = rows_of[id(kernel)]
            counts[where] = counts.get(where, 0) + 1
        entries += [(number, kind, row, count) for (kind, row), count in counts.items()]
    kinds = sorted(seen)
    offsets = dict(zip(kinds, np.cumsum([0, *(len(seen[kind]) for kind in kinds)]).tolist(), strict=False))
    return Networks(
        size=size,
        features={kind: np.array(list(seen[kind])).reshape(-1, len(feature_names(kind))) for kind in kinds},
        offsets=offsets,
        network=np.array([entry[0] for entry in entries], dtype=np.int64),
        kernel=np.array([offsets[kind] + row for _, kind, row, _ in entries], dtype=np.int64),
        count=np.array([entry[3] for entry in entries], dtype=np.float64),
    )
