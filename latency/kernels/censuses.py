"""Which kernels the architectures of a space are made of: each is taken apart once, many are kept in the cache."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import DataError, tell_once
from hwnas.graphs import feature_names, kernels_of
from hwnas.latency.kernels.kept_censuses import Features, Kept, Parts, census_path, load_census, save_census
from hwnas.latency.kernels.networks import Networks
from hwnas.spaces import Space

_FEW: Final = 32  # architectures: taken apart sooner than a file is read
_WORTH_KEEPING: Final = 500  # of NAS-Bench-201 and its like they take two seconds, of DARTS twenty
_KEPT_AT_MOST: Final = 200_000


@final
class Census:
    """Distinct kernels of architectures of one space on one data set, as one runtime fuses them."""

    def __init__(self, space: Space, *, dataset: str, runtime: str) -> None:
        self._space, self._dataset, self._runtime = space, dataset, runtime
        self._kernels: dict[tuple[str, Features], int] = {}
        self._networks: dict[int, Parts] = {}
        self._kept = 0  # of the networks, those in the file
        self._read: int | None = None  # when the file that was read last was written
        self._lock = threading.Lock()  # a service asks from several threads

    def __len__(self) -> int:
        """How many architectures are known."""
        return len(self._networks)

    def networks(self, vectors: Integer[Array, "n v"]) -> Networks:
        """Kernels of these architectures. Raises `UsageError` for a space without graphs and for other vectors."""
        keys = self._space.key(vectors).tolist()
        with self._lock:
            self._recall(keys)
            try:
                for key, vector in zip(keys, vectors, strict=True):
                    if key not in self._networks:  # of DARTS it takes 20 ms
                        self._networks[key] = self._take_apart(vector)
            finally:  # Ctrl-C included: the next process goes on from there
                self._keep()
            return self._counted([self._networks[key] for key in keys])

    def unknown(self, vectors: Integer[Array, "n v"]) -> int:
        """How many of these are yet to be taken apart."""
        keys = self._space.key(vectors).tolist()
        with self._lock:
            self._recall(keys)
            return len({*keys} - self._networks.keys())

    def _recall(self, keys: list[int]) -> None:
        if len({*keys} - self._networks.keys()) > _FEW:
            self._merge()

    def _merge(self) -> None:
        """Add what this or another process has kept since the file was read last."""
        path = self._path()
        written = _written(path)
        if written in (None, self._read):
            return
        kept, self._read = load_census(path), written
        number = np.array([self._number(kernel) for kernel in kept.kernels], dtype=np.int64)
        for key, (kernels, counts) in kept.networks.items():
            self._networks.setdefault(key, (number[kernels], counts))
        self._kept = len(kept.networks)

    def _keep(self) -> None:
        """Write the file where there is much that it lacks; where nothing can be written, it is taken apart again."""
        if len(self) - self._kept < _WORTH_KEEPING or len(self) > _KEPT_AT_MOST:
            return
        self._merge()
        try:
            save_census(self._path(), Kept(kernels=self._kernels, networks=self._networks))
        except DataError as error:
            tell_once(f"note: kernels of architectures are not kept for the next time: {error}")
        self._kept, self._read = len(self), _written(self._path())

    def _path(self) -> Path:
        return census_path(self._space, dataset=self._dataset, runtime=self._runtime)

    def _number(self, kernel: tuple[str, Features]) -> int:
        return self._kernels.setdefault(kernel, len(self._kernels))

    def _take_apart(self, vector: Integer[Array, " v"]) -> Parts:
        kernels = kernels_of(self._space.graph(vector, dataset=self._dataset), self._runtime)
        numbers = [self._number((kernel.kind, tuple(kernel.features().values()))) for kernel in kernels]
        return np.unique(np.array(numbers, dtype=np.int64), return_counts=True)

    def _counted(self, parts: list[Parts]) -> Networks:
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


def _written(path: Path) -> int | None:
    """When, in nanoseconds; None for a file that is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=16)
def census(space: Space, dataset: str, runtime: str) -> Census:
    """The one of this process."""
    return Census(space, dataset=dataset, runtime=runtime)
