"""FBNet (Wu 2019): 22 layers in a fixed order of channels and strides, each one of nine operations.

The form with these nine operations is that of HW-NAS-Bench (Li 2021), whose costs and HELP's latencies are of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.fbnet_layers import (
    CHANNELS,
    DEPTHS,
    EXPANSIONS,
    GROUPS,
    IMAGE_SIZE,
    KERNELS,
    OPERATIONS,
    SKIP,
    fixed_costs,
    layer_costs,
    places,
)
from hwnas.spaces.mobile_features import chain_graphs, flat_features, scaled, standardised
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

LAYERS: Final = sum(DEPTHS)
_CODES = re.compile(rf"\[?\s*(\d(?:\s*,\s*\d){{{LAYERS - 1}}})\s*\]?")


@final
class FBNet(Space):
    """9^22 networks of 22 layers; the vector holds the operation of each layer, numbered as in HW-NAS-Bench."""

    name = "fbnet"
    aliases = ("fbnet-hw-nas-bench",)
    title = "FBNet: 22 layers of nine operations"
    source = "Wu et al. 2019, arXiv:1812.03443; Li et al. 2021, arXiv:2103.10584"
    datasets = ("cifar100", "imagenet")
    choices = (len(OPERATIONS),) * LAYERS

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """Names of the operations joined by `-`: `k3_e1-skip-k5_e1_g2-...`."""
        self.check(vectors)
        return ["-".join(OPERATIONS[operation] for operation in row) for row in vectors.tolist()]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of 22 names joined by `-`, or of HW-NAS-Bench's codes (`op_idx_list`) such as `[7, 8, 1, ...]`."""
        vectors = np.array([self._parse(string) for string in strings], dtype=np.int8).reshape(-1, LAYERS)
        self.check(vectors)
        return vectors

    def _parse(self, string: str) -> list[int]:
        if match := _CODES.fullmatch(string.strip()):
            return [int(code) for code in match.group(1).split(",")]
        names = [name.strip() for name in string.strip().split("-")]
        if len(names) != LAYERS:
            raise UsageError(
                f"{string!r} is not an architecture of {self.name}; expected {LAYERS} operations joined by '-' "
                f"({', '.join(OPERATIONS)}), or {LAYERS} codes from 0 to {SKIP} such as '[0, 8, ...]'"
            )
        unknown = [name for name in names if name not in OPERATIONS]
        if unknown:
            raise UsageError(f"operation {unknown[0]!r} is not known; expected one of {', '.join(OPERATIONS)}")
        return [OPERATIONS.index(name) for name in names]

    def canonical(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """The same network with each `skip` that is the identity moved behind the other layers of its stage."""
        self.check(vectors)
        moved = vectors.copy()
        for start, stop in _stages_of_one_shape():
            stage = vectors[:, start:stop]
            order = np.argsort(stage == SKIP, axis=1, kind="stable")
            moved[:, start:stop] = np.take_along_axis(stage, order, axis=1)
        return moved

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Key of the canonical form: where in a stage the identity stands does not matter."""
        return self.key(self.canonical(vectors))

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops`; they add up over layers."""
        dataset = self.dataset(dataset)
        total = self._layers(vectors, dataset).sum(axis=1) + fixed_costs(dataset)
        macs = total[:, 1] + total[:, 2]
        return {"params": total[:, 0], "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Total costs on the first data set, standardised (5), then one-hot operation of each layer; (n, 203)."""
        whole = standardised(self._layers(vectors, self.datasets[0]).sum(axis=1), layer_costs(self.datasets[0]))
        return flat_features(whole, np.eye(len(OPERATIONS))[vectors])

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """Layers as a chain of 22 nodes between input and global node.

        Node features: one-hot operation, kernel, expansion, groups, channels, stride, image size, costs; totals.
        """
        costs, table = self._layers(vectors, self.datasets[0]), layer_costs(self.datasets[0])
        one_hot = np.eye(len(OPERATIONS))[vectors]
        kinds = np.stack([KERNELS, EXPANSIONS, GROUPS], axis=1) / np.array([max(KERNELS), max(EXPANSIONS), 2])
        place = np.broadcast_to(_place_features(self.datasets[0]), (len(vectors), LAYERS, 4))
        layers = np.concatenate([one_hot, kinds[vectors], place, scaled(costs, table)], axis=2)
        return chain_graphs(layers, standardised(costs.sum(axis=1), table))

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier."""
        from hwnas.spaces.fbnet_graph import build_graph

        self.check(vector[None])
        return build_graph(vector.tolist(), self.dataset(dataset))

    def module(
        self,
        vector: Integer[Array, " v"],
        *,
        dataset: str,
        pruned: bool = False,  # noqa: ARG002 - part of the contract
    ) -> nn.Module:
        """The network as HW-NAS-Bench builds it; `pruned` changes nothing, since every layer reaches the output."""
        from hwnas.spaces.fbnet_module import Network

        self.check(vector[None])
        return Network(vector.tolist(), dataset=self.dataset(dataset))

    def _layers(self, vectors: Integer[Array, "n v"], dataset: str) -> Integer[Array, "n 22 5"]:
        """Costs of each layer."""
        self.check(vectors)
        return np.asarray(layer_costs(dataset)[np.arange(LAYERS), vectors])


@cache
def _stages_of_one_shape() -> tuple[tuple[int, int], ...]:
    """First and last position (exclusive) of neighbouring layers that keep one shape."""
    keeps = [place.keeps_shape for place in places("imagenet")]
    ends = np.cumsum(DEPTHS).tolist()
    runs = [(end - depth + (not keeps[end - depth]), end) for depth, end in zip(DEPTHS, ends, strict=True)]
    return tuple((start, end) for start, end in runs if end - start > 1)


def _place_features(dataset: str) -> Float[Array, "22 4"]:
    """Channels in and out, stride, image size of each layer, each at most 1."""
    rows = [(place.in_channels, place.channels, place.stride, place.size) for place in places(dataset)]
    return np.asarray(np.array(rows) / np.array([CHANNELS[-1], CHANNELS[-1], 2, IMAGE_SIZE[dataset]]))
