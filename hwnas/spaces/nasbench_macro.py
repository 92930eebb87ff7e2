"""NAS-Bench-Macro (Su et al. 2021, CVPR): eight blocks in three stages, each one of three operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.additive import AdditiveCounts
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

OPERATIONS: Final = ("identity", "mbconv_3x3_e3", "mbconv_5x5_e6")
IDENTITY: Final = 0
# Number of blocks in each stage; the first of a stage halves the image and doubles the channels.
STAGES: Final = (2, 3, 3)
_BLOCKS: Final = sum(STAGES)
_STRING = re.compile(rf"[0-{len(OPERATIONS) - 1}]{{{_BLOCKS}}}")


@final
class NASBenchMacro(Space):
    """The 6,561 architectures of NAS-Bench-Macro, 3,969 distinct networks: an identity within a stage does nothing.

    The digits of the benchmark's strings: 0 identity, 1 and 2 inverted residual blocks of kernel 3, expansion 3 and of
    kernel 5, expansion 6. Where a block changes the size, identity is a strided 1x1 convolution.
    """

    name = "nas-bench-macro"
    aliases = ("nasbenchmacro", "nasbench-macro")
    title = "NAS-Bench-Macro: 6,561 chains of eight MobileNet blocks"
    source = "Su et al. 2021, doi:10.1109/CVPR46437.2021.01082"
    datasets = ("cifar10",)
    choices = (len(OPERATIONS),) * _BLOCKS

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """Eight digits such as `02012100`, as the benchmark writes them."""
        self.check(vectors)
        return ["".join(map(str, row)) for row in vectors.tolist()]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of benchmark strings of eight digits, or of indices such as `1462`."""
        return np.array([self._parse(string.strip()) for string in strings], dtype=np.int8).reshape(-1, _BLOCKS)

    def _parse(self, text: str) -> list[int]:
        if _STRING.fullmatch(text):
            return [int(digit) for digit in text]
        if text.isascii() and text.isdigit() and len(text) < _BLOCKS:
            return self.vector(np.array([int(text)]))[0].tolist()  # type: ignore[no-any-return]
        raise UsageError(
            f"{text!r} is not an architecture of {self.name}; expected {_BLOCKS} digits from 0 to "
            f"{len(OPERATIONS) - 1}, or an index from 0 to {self.size - 1}"
        )

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Index of the architecture whose stages end with their identities (3,969 distinct values)."""
        self.check(vectors)
        return self.index(identities_last(vectors))

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops`; the benchmark publishes the same params, and the macs under the name of flops."""
        self.check(vectors)
        return _counts(self.dataset(dataset))(vectors)

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """One-hot operations as written, then with identities last; (n, 48) float32."""
        self.check(vectors)
        one_hot = np.eye(len(OPERATIONS), dtype=np.float32)
        forms = np.stack([one_hot[vectors], one_hot[identities_last(vectors)]], axis=1)
        return forms.reshape(len(vectors), 2 * _BLOCKS * len(OPERATIONS))

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """A chain of input, eight blocks, output, and a global node.

        Node features: one-hot of the three operations, input, output, global; one-hot of the stage of a block.
        """
        self.check(vectors)
        ends = [np.full((len(vectors), 1), len(OPERATIONS) + kind) for kind in range(3)]
        kinds = np.concatenate([ends[0], vectors, ends[1], ends[2]], axis=1)
        stages = np.zeros((len(vectors), _BLOCKS + 3, len(STAGES)), dtype=np.float32)
        stages[:, np.arange(1, _BLOCKS + 1), np.repeat(np.arange(len(STAGES)), STAGES)] = 1
        nodes = np.concatenate([np.eye(len(OPERATIONS) + 3, dtype=np.float32)[kinds], stages], axis=2)
        adjacency = np.eye(_BLOCKS + 3, k=1, dtype=np.float32)
        adjacency[:-1, -1] = 1
        return CellGraphs(nodes=nodes, adjacency=adjacency)

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier."""
        from hwnas.spaces.nasbench_macro_graph import build_graph

        self.check(vector[None])
        return build_graph(vector.tolist(), self.dataset(dataset))

    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:
        """The network as the benchmark builds it; with `pruned`, without the blocks that do nothing."""
        from hwnas.spaces.nasbench_macro_module import Network

        self.check(vector[None])
        return Network(vector.tolist(), dataset=self.dataset(dataset), skip_identity=pruned)


def identities_last(vectors: Integer[Array, "n 8"]) -> Integer[Array, "n 8"]:
    """The architecture in which the identities of a stage, its first block apart, come after its other blocks."""
    moved, start = vectors.copy(), 0
    for blocks in STAGES:
        rest = vectors[:, start + 1 : start + blocks]
        order = np.argsort(rest == IDENTITY, axis=1, kind="stable")
        moved[:, start + 1 : start + blocks] = np.take_along_axis(rest, order, axis=1)
        start += blocks
    return moved


@cache
def _counts(dataset: str) -> AdditiveCounts:
    from hwnas.spaces.nasbench_macro_graph import build_graph

    return AdditiveCounts(lambda vector: build_graph(vector, dataset), NASBenchMacro.choices)
