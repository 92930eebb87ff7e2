"""Networks of search spaces that were measured whole: what they are made of, and which devices measured them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.data import open_table
from hwnas.data.sources import repair_command
from hwnas.devices import load_devices
from hwnas.errors import DataError
from hwnas.estimates import Target
from hwnas.graphs import Graph, kernels_of
from hwnas.latency.kernels.networks import Networks, count_kernels
from hwnas.spaces import Space, get_space
from hwnas.spaces.nasbench201_graph import build_graph

RUNTIME: Final = "tensorrt"  # convolution, batch norm and activation in one: what runtimes of all these devices do
DATASETS: Final = {"nasbench201": "cifar10", "fbnet": "cifar100"}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredSpace:
    """Networks of a space, as vectors too, and what each device measured of them, by device and target."""

    networks: Networks
    vectors: Integer[Array, "n v"]
    costs: dict[tuple[str, Target], Float[Array, " n"]]


def measured_space(space: str, table: str, *, count: int, seed: int = 0) -> MeasuredSpace:
    """`count` random networks of a space with all columns of one table. Raises `DataError` where it was not pulled."""
    opened = open_table(table)
    if opened is None:
        raise DataError(f"expected the table {table!r}, which is not in the cache; run `{repair_command(table)}`")
    its = get_space(space)
    rows = np.sort(np.random.default_rng(seed).choice(len(opened), min(count, len(opened)), replace=False))
    listed = opened["architectures"] if "architectures" in opened else its.all_vectors()
    vectors = np.asarray(listed)[rows]
    networks = count_kernels(kernels_of(_graph(its, vector), RUNTIME) for vector in vectors)
    costs = {key: np.asarray(opened[column], dtype=np.float64)[rows] for key, column in _columns(space, table)}
    return MeasuredSpace(networks=networks, vectors=vectors, costs=costs)


def _graph(space: Space, vector: Integer[Array, " v"]) -> Graph:
    """The network as it was measured."""
    if space.name == "nasbench201":
        return build_graph(vector.tolist(), DATASETS[space.name], sums_of_one=True)
    return space.graph(vector, dataset=DATASETS[space.name])


def _columns(space: str, table: str) -> Iterator[tuple[tuple[str, Target], str]]:
    """Columns of the table that hold measurements of this space, by device with its variant, and target."""
    for card in load_devices().values():
        for variant in card.variants:
            for column in variant.columns:
                wanted = (column.space, column.dataset, column.table) == (space, DATASETS[space], table)
                if wanted and variant.batch_size in (1, None):
                    yield (card.device(variant.name).reference, column.target), column.column
