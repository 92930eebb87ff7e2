"""Which kernels the architectures of a space are made of: each is taken apart once in a process."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import final

import numpy as np

from hwnas.arrays import Array, Int, Integer
from hwnas.graphs import feature_names, kernels_of
from hwnas.latency.kernels.networks import Networks
from hwnas.spaces import Space

_Parts = tuple[Int[Array, "..."], Int[Array, "..."]]  # numbers of distinct kernels, and how often there is each


@final
class Census:
    """Distinct kernels of architectures of one space on one data set, as one runtime fuses them."""

    def __init__(self, space: Space, *, dataset: str, runtime: str) -> None:
        self._space, self._dataset, self._runtime = space, dataset, runtime
        self._kernels: dict[tuple[str, tuple[float, ...]], int] = {}
        self._networks: dict[int, _Parts] = {}
        self._lock = threading.Lock()  # a service asks from several threads

    def __len__(self) -> int:
        """How many architectures are known."""
        return len(self._networks)

    def networks(self, vectors: Integer[Array, "n v"]) -> Networks:
        """Kernels of these architectures. Raises `UsageError` for a space without graphs and for other vectors."""
        keys = self._space.key(vectors).tolist()
        with self._lock:
            for key, vector in zip(keys, vectors, strict=True):
                if key not in self._networks:  # of DARTS it takes 20 ms
                    self._networks[key] = self._take_apart(vector)
            return self._counted([self._networks[key] for key in keys])

    def _take_apart(self, vector: Integer[Array, " v"]) -> _Parts:
        kernels = kernels_of(self._space.graph(vector, dataset=self._dataset), self._runtime)
        numbers = [
            self._kernels.setdefault((kernel.kind, tuple(kernel.features().values())), len(self._kernels))
            for kernel in kernels
        ]
        return np.unique(np.array(numbers, dtype=np.int64), return_counts=True)

    def _counted(self, parts: list[_Parts]) -> Networks:
        """Networks of all distinct kernels so far, numbered kind by kind."""
        rows: dict[str, list[tuple[float, ...]]] = {}
        places = []
        for kind, features in self._kernels:
            table = rows.setdefault(kind, [])
            places.append((kind, len(table)))
            table.append(features)
        kinds = sorted(rows)
        starts = np.cumsum([0, *(len(rows[kind]) for kind in kinds)]).tolist()
        offsets = dict(zip(kinds, starts, strict=False))
        number = np.array([offsets[kind] + row for kind, row in places], dtype=np.int64)
        none = np.zeros(0, dtype=np.int64)
        return Networks(
            size=len(parts),
            features={kind: np.array(rows[kind]).reshape(-1, len(feature_names(kind))) for kind in kinds},
            offsets=offsets,
            network=np.repeat(np.arange(len(parts)), [len(kernels) for kernels, _ in parts]),
            kernel=number[np.concatenate([none, *(kernels for kernels, _ in parts)])],
            count=np.concatenate([none, *(counts for _, counts in parts)]).astype(np.float64),
        )


@lru_cache(maxsize=16)
def census(space: Space, dataset: str, runtime: str) -> Census:
    """The one of this process."""
    return Census(space, dataset=dataset, runtime=runtime)
