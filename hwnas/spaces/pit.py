"""PiT (Heo et al. 2021), the space around PiT-Ti that Auto-Prox searches.

The vector: width of a head, MLP ratio, layers of each of three stages, heads of the stages. Heads never fall from one
stage to the next: the pool between stages gives each channel whole successors, which leaves 10 of 27 combinations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.pit_graph import CLASSES, IMAGE_SIZE, TOKENS, PiTNet, build_graph
from hwnas.spaces.space import CellGraphs, Space
from hwnas.spaces.transformer_graph import layer_counts

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

HEAD_WIDTHS: Final = (16, 24, 32, 40)
RATIOS: Final = (2, 4, 6, 8)
DEPTHS: Final = ((1, 2, 3), (4, 6, 8), (2, 4, 6))
HEADS: Final[tuple[tuple[int, int, int], ...]] = tuple(combinations_with_replacement((2, 4, 8), 3))
_STRING: Final = re.compile(r"(\d+)-m(\d+)-d(\d+)h(\d+)-d(\d+)h(\d+)-d(\d+)h(\d+)")


@final
class PiT(Space):
    """The 4,320 networks around PiT-Ti, of which Auto-Prox trained 100 on three data sets each."""

    name = "pit"
    aliases = ("pooling-transformer",)
    title = "PiT: 4,320 vision transformers of three stages"
    source = "Heo et al. 2021, arXiv:2103.16302; as trained by Wei et al. 2024, arXiv:2312.09059"
    datasets = tuple(CLASSES)
    choices = (len(HEAD_WIDTHS), len(RATIOS), *(len(depths) for depths in DEPTHS), len(HEADS))
    lacks = ("region_counts", "gaussian", "smallest_eigenvalues")

    def image_shape(self, dataset: str) -> tuple[int, int, int]:
        """Images of every data set are enlarged to 224 x 224."""
        self.dataset(dataset)
        return 3, IMAGE_SIZE, IMAGE_SIZE

    def classes(self, dataset: str) -> int:
        """Number of classes of a data set."""
        return CLASSES[self.dataset(dataset)]

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """`width-ratio-stage-stage-stage`: width of a head, MLP ratio, depth and heads: `24-m2-d2h2-d8h2-d4h4`."""
        nets = [self.net(vector) for vector in self._checked(vectors)]
        return [
            "-".join([f"{n.head_width}-m{n.ratio}", *(f"d{d}h{h}" for d, h in zip(n.depths, n.heads, strict=True))])
            for n in nets
        ]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of strings such as `24-m2-d2h2-d8h2-d4h4`, or of indices such as `1462`."""
        return np.array([self._parse(string) for string in strings], dtype=np.int8).reshape(-1, len(self.choices))

    def _parse(self, string: str) -> list[int]:
        text = string.strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            return self.vector(np.array([int(text)]))[0].tolist()  # type: ignore[no-any-return]
        try:
            match = _STRING.fullmatch(text)
            numbers = [int(group) for group in match.groups()] if match else [0] * 8
            return self._vector(numbers[0], numbers[1], numbers[2::2], numbers[3::2])
        except ValueError as error:
            raise UsageError(
                f"{string!r} is not an architecture of {self.name}; expected a head width of {HEAD_WIDTHS}, an MLP "
                f"ratio of {RATIOS}, depths of {DEPTHS} and heads of 2, 4, 8 that do not fall: '24-m2-d2h2-d8h2-d4h4'"
            ) from error

    def from_published(self, networks: Sequence[Mapping[str, Any]]) -> Integer[Array, "n v"]:
        """Vectors of networks as Auto-Prox writes them: `base_dim`, `mlp_ratio`, and lists `depth`, `num_heads`.

        Raises `UsageError` for a network that is not of the space.
        """
        try:
            rows = [self._vector(n["base_dim"], n["mlp_ratio"], n["depth"], n["num_heads"]) for n in networks]
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"expected networks of {self.name}, got one with {error}") from error
        return np.array(rows, dtype=np.int8).reshape(-1, len(self.choices))

    @staticmethod
    def _vector(head_width: int, ratio: int, depths: Sequence[int], heads: Sequence[int]) -> list[int]:
        stages = [known.index(depth) for known, depth in zip(DEPTHS, depths, strict=True)]
        return [HEAD_WIDTHS.index(head_width), RATIOS.index(ratio), *stages, HEADS.index(tuple(heads))]

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """The index: no two architectures are the same network."""
        return self.index(vectors)

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops`; the layers of a stage add up."""
        self.check(vectors)
        width, ratio, heads = vectors[:, 0], vectors[:, 1], vectors[:, 5]
        layers = _layer_counts()[width, ratio, heads] * self._depths(vectors)[:, :, None]
        params, macs = (_base_counts(self.classes(dataset))[width, heads] + layers.sum(axis=1)).T
        return {"params": params, "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """One-hot choice of each of the six positions; (n, 27) float32."""
        one_hot = [np.eye(size, dtype=np.float32)[column] for size, column in self._columns(vectors)]
        return np.concatenate(one_hot, axis=1)

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """A chain of three stages and a global node: layers, heads, head width and MLP ratio over their largest."""
        nets = [self.net(vector) for vector in self._checked(vectors)]
        nodes = np.zeros((len(nets), 4, 5), dtype=np.float32)
        nodes[:, :3, 0] = [net.depths for net in nets] / np.max(DEPTHS, axis=1)
        nodes[:, :3, 1] = np.array([net.heads for net in nets]) / np.max(HEADS)
        nodes[:, 3, 2] = 1
        nodes[:, :, 3] = np.array([[net.head_width] for net in nets]) / HEAD_WIDTHS[-1]
        nodes[:, :, 4] = np.array([[net.ratio] for net in nets]) / RATIOS[-1]
        adjacency = np.eye(4, k=1, dtype=np.float32)
        adjacency[:-1, -1] = 1
        return CellGraphs(nodes=nodes, adjacency=adjacency)

    def net(self, vector: Integer[Array, " v"]) -> PiTNet:
        """The choices of one architecture by name."""
        width, ratio, *_, heads = self._checked(vector[None])[0].tolist()
        first, second, third = self._depths(vector[None])[0].tolist()
        return PiTNet(
            head_width=HEAD_WIDTHS[width], ratio=RATIOS[ratio], depths=(first, second, third), heads=HEADS[heads]
        )

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, patches to classifier."""
        return build_graph(self.net(vector), self.classes(dataset))

    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:  # noqa: ARG002
        """The network as Auto-Prox trains it; nothing in it can be pruned."""
        from hwnas.spaces.pit_module import Network

        return Network(self.net(vector), classes=self.classes(dataset))

    def _checked(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        self.check(vectors)
        return vectors

    def _columns(self, vectors: Integer[Array, "n v"]) -> list[tuple[int, Integer[Array, " n"]]]:
        return list(zip(self.choices, self._checked(vectors).T, strict=True))

    @staticmethod
    def _depths(vectors: Integer[Array, "n v"]) -> Integer[Array, "n 3"]:
        """Layers of each stage."""
        return np.asarray(np.array(DEPTHS)[np.arange(3), vectors[:, 2:5]])


@cache
def _base_counts(classes: int) -> Integer[Array, "4 10 2"]:
    """(params, macs) of a network without layers, by head width and heads."""
    nets = [
        [PiTNet(head_width=width, ratio=2, depths=(0, 0, 0), heads=heads) for heads in HEADS] for width in HEAD_WIDTHS
    ]
    graphs = [[build_graph(net, classes) for net in row] for row in nets]
    return np.array([[(graph.params, graph.macs) for graph in row] for row in graphs])


@cache
def _layer_counts() -> Integer[Array, "4 4 10 3 2"]:
    """(params, macs) of one layer of each stage, by head width, MLP ratio and heads."""

    def count(stage: int, width: int, ratio: int) -> tuple[int, int]:
        return layer_counts(tokens=TOKENS[stage], width=width, hidden=width * ratio)

    return np.array(
        [
            [
                [[count(stage, head_width * heads[stage], ratio) for stage in range(3)] for heads in HEADS]
                for ratio in RATIOS
            ]
            for head_width in HEAD_WIDTHS
        ]
    )
