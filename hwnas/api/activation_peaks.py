"""Peak activation memory of architectures, read from their graphs once and kept in the cache."""

from __future__ import annotations

from typing import Final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.folders import cache_folder
from hwnas.graphs.activations import peak_activation_bytes
from hwnas.search import KnownCosts
from hwnas.spaces import Space
from hwnas.spaces.fingerprint import fingerprint, graph_code

_WORTH_KEEPING: Final = 1000  # graphs of NAS-Bench-201 take 2 ms each, all of them half a minute


def activation_peaks(space: Space, vectors: Integer[Array, "n v"], dataset: str) -> Integer[Array, " n"]:
    """Bytes of each architecture as written; see `peak_activation_bytes`.

    Raises `UsageError` for a space without graphs, `DataError` for a damaged file of the cache.
    """
    known = _known(space, dataset)
    keys = space.key(vectors)
    new = vectors[known.lacks(keys)]
    if len(new):
        peaks = [peak_activation_bytes(space.graph(vector, dataset=dataset)) for vector in new]
        known.add(space.key(new), np.array(peaks, dtype=np.float64)[:, None])
        if len(new) >= _WORTH_KEEPING:
            known.save()
    return known.costs(keys).reshape(len(vectors), 1)[:, 0].astype(np.int64)


def unknown_peaks(space: Space, vectors: Integer[Array, "n v"], dataset: str) -> int:
    """How many architectures' graphs must still be read. Raises `DataError` for a damaged file of the cache."""
    return int(_known(space, dataset).lacks(space.key(vectors)).sum())


def _known(space: Space, dataset: str) -> KnownCosts:
    own = fingerprint(space)
    digits = "_".join(filter(None, (own, graph_code())))
    path = cache_folder() / "counts" / f"{space.name}_{dataset}_{digits}_activations.npz"
    facts = {"space": space.name, "dataset": dataset, "count": "peak activation bytes"}
    return KnownCosts(path, facts=facts | ({"space_fingerprint": own} if own else {}))
