"""The size space of NATS-Bench (Dong et al. 2021, TPAMI): one cell, and five numbers of channels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

CHANNELS: Final = (8, 16, 24, 32, 40, 48, 56, 64)
_LAYERS: Final = 5
_STRING = re.compile(r"(\d{1,2})" + r":(\d{1,2})" * (_LAYERS - 1))


@final
class NATSSize(Space):
    """The 32,768 architectures of NATS-Bench's size search space, all of them distinct networks.

    The five layers are a cell, a reduction, a cell, a reduction and a cell; the vector counts their choices of channels
    from 0. The index is the benchmark's own number. Every cell is
    `|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|`.
    """

    name = "nats-size"
    aliases = ("nats-bench-size", "nats-sss", "nats-bench-sss")
    title = "NATS-Bench, size: 32,768 choices of channels for five layers"
    source = "Dong et al. 2021, arXiv:2009.00437"
    datasets = ("cifar10", "cifar100", "ImageNet16-120")
    choices = (len(CHANNELS),) * _LAYERS

    def channels(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """Number of channels of each layer."""
        self.check(vectors)
        return np.take(np.array(CHANNELS, dtype=np.int64), vectors)

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """Channels such as `8:16:24:32:64`, as the benchmark writes them."""
        return [":".join(map(str, row)) for row in self.channels(vectors).tolist()]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of benchmark strings such as `8:16:24:32:64`, or of indices such as `1462`."""
        return np.array([self._parse(string.strip()) for string in strings], dtype=np.int8).reshape(-1, _LAYERS)

    def _parse(self, text: str) -> list[int]:
        if match := _STRING.fullmatch(text):
            numbers = [int(number) for number in match.groups()]
            unknown = [number for number in numbers if number not in CHANNELS]
            if unknown:
                raise UsageError(
                    f"expected channels from {', '.join(map(str, CHANNELS))}, got {unknown[0]} in {text!r}"
                )
            return [CHANNELS.index(number) for number in numbers]
        if text.isascii() and text.isdigit() and len(text) < 10:
            return self.vector(np.array([int(text)]))[0].tolist()  # type: ignore[no-any-return]
        raise UsageError(
            f"{text!r} is not an architecture of {self.name}; expected five numbers of channels such as "
            f"'8:16:24:32:64', or an index from 0 to {self.size - 1}"
        )

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """The index: no two architectures are the same network."""
        return self.index(vectors)

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops`, in closed form: they are products of the channels of neighbouring layers."""
        from hwnas.spaces.nats_size_graph import count

        params, macs = count(self.channels(vectors), self.dataset(dataset))
        return {"params": params, "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Channels as a share of the most there are, and one-hot; (n, 45) float32."""
        share = self.channels(vectors) / np.float32(max(CHANNELS))
        one_hot = np.eye(len(CHANNELS), dtype=np.float32)[vectors].reshape(len(vectors), -1)
        return np.concatenate([share.astype(np.float32), one_hot], axis=1)

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """A chain of input, five layers, output, and a global node.

        Node features: one-hot of cell, reduction, input, output, global; channels as a share of the most, and one-hot.
        """
        share = self.channels(vectors)[:, :, None] / np.float32(max(CHANNELS))
        one_hot = np.eye(len(CHANNELS), dtype=np.float32)[vectors]
        nodes = np.zeros((len(vectors), _LAYERS + 3, 5 + 1 + len(CHANNELS)), dtype=np.float32)
        kinds = [2, *(layer % 2 for layer in range(_LAYERS)), 3, 4]
        nodes[:, :, :5] = np.eye(5, dtype=np.float32)[kinds]
        nodes[:, 1 : _LAYERS + 1, 5:] = np.concatenate([share, one_hot], axis=2)
        adjacency = np.eye(_LAYERS + 3, k=1, dtype=np.float32)
        adjacency[:-1, -1] = 1
        return CellGraphs(nodes=nodes, adjacency=adjacency)

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier."""
        from hwnas.spaces.nats_size_graph import build_graph

        return build_graph(self.channels(vector[None])[0].tolist(), self.dataset(dataset))

    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:  # noqa: ARG002
        """The network as the benchmark builds it; everything reaches the output, so that there is nothing to prune."""
        from hwnas.spaces.nats_size_module import Network

        return Network(self.channels(vector[None])[0].tolist(), dataset=self.dataset(dataset))
