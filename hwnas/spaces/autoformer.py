"""AutoFormer-tiny (Chen et al. 2021): vision transformers whose layers differ in heads and MLP ratio.

The vector: width, depth, the MLP ratios of 14 layers, the heads of 14 layers. Positions of layers beyond the depth mean
nothing; `canonical` sets them to 0, and strings, samples and features do not tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.autoformer_graph import CLASSES, IMAGE_SIZE, TOKENS, AutoFormerNet, build_graph
from hwnas.spaces.space import CellGraphs, Space
from hwnas.spaces.transformer_graph import layer_counts

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

WIDTHS: Final = (192, 216, 240)
DEPTHS: Final = (12, 13, 14)
RATIOS: Final = (3.5, 4.0)
HEADS: Final = (3, 4)
_LAYERS: Final = DEPTHS[-1]
_LAYER: Final = re.compile(r"h(\d+)m(\d+(?:\.\d+)?)")


@final
class AutoFormer(Space):
    """The space of AutoFormer-tiny, of which Auto-Prox trained 200 networks on three data sets each."""

    name = "autoformer"
    aliases = ("autoformer-tiny", "autoformer-t")
    title = "AutoFormer-tiny: vision transformers of 12 to 14 layers"
    source = "Chen et al. 2021, arXiv:2107.00651; as trained by Wei et al. 2024, arXiv:2312.09059"
    datasets = tuple(CLASSES)
    choices = (len(WIDTHS), len(DEPTHS), *(len(RATIOS),) * _LAYERS, *(len(HEADS),) * _LAYERS)
    lacks = ("region_counts", "gaussian", "smallest_eigenvalues")

    def image_shape(self, dataset: str) -> tuple[int, int, int]:
        """Images of every data set are enlarged to 224 x 224."""
        self.dataset(dataset)
        return 3, IMAGE_SIZE, IMAGE_SIZE

    def classes(self, dataset: str) -> int:
        """Number of classes of a data set."""
        return CLASSES[self.dataset(dataset)]

    def used(self, vectors: Integer[Array, "n v"]) -> Bool[Array, "n 14"]:
        """Which of the 14 layers are there."""
        return np.asarray(np.arange(_LAYERS) < np.array(DEPTHS)[vectors[:, 1:2]])

    def canonical(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """The same architectures with 0 at every position of a layer that is not there."""
        self.check(vectors)
        used = self.used(vectors)
        return np.where(np.concatenate([np.ones_like(used[:, :2]), used, used], axis=1), vectors, 0).astype(np.int8)

    def sample(self, n: int, *, seed: int) -> Integer[Array, "n v"]:
        """n architectures in canonical form: depth, width and each layer drawn uniformly."""
        return self.canonical(super().sample(n, seed=seed))

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """`width-layer-layer-...`, each layer as heads and MLP ratio: `192-h3m3.5-h4m4-...`."""
        self.check(vectors)
        return [
            "-".join([str(WIDTHS[row[0]]), *(f"h{heads}m{ratio:g}" for heads, ratio in _layers(row))])
            for row in vectors.tolist()
        ]

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors in canonical form of strings such as `192-h3m3.5-h4m4-...` with one part for each of the layers."""
        return np.array([self._parse(string) for string in strings], dtype=np.int8).reshape(-1, len(self.choices))

    def _parse(self, string: str) -> list[int]:
        width, *layers = string.strip().split("-")
        matches = [match for layer in layers if (match := _LAYER.fullmatch(layer))]
        network = {"depth": len(layers), "mlp_ratio": [float(match[2]) for match in matches]}
        try:
            return self._vector(
                {**network, "hidden_dim": int(width), "num_heads": [int(match[1]) for match in matches]}
            )
        except ValueError as error:
            raise UsageError(
                f"{string!r} is not an architecture of {self.name}; expected a width of {WIDTHS} and, for each of "
                f"{DEPTHS[0]} to {DEPTHS[-1]} layers, heads of {HEADS} and MLP ratio of {RATIOS}: '192-h3m3.5-h4m4-...'"
            ) from error

    def from_published(self, networks: Sequence[Mapping[str, Any]]) -> Integer[Array, "n v"]:
        """Vectors of networks as Auto-Prox writes them: `hidden_dim`, `depth`, and lists `mlp_ratio`, `num_heads`.

        Raises `UsageError` for a network that is not of the space.
        """
        try:
            rows = [self._vector(network) for network in networks]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError(f"expected networks of {self.name}, got one with {error}") from error
        return np.array(rows, dtype=np.int8).reshape(-1, len(self.choices))

    @staticmethod
    def _vector(network: Mapping[str, Any]) -> list[int]:
        depth, unused = network["depth"], [0] * (_LAYERS - network["depth"])
        ratios = [RATIOS.index(ratio) for ratio in network["mlp_ratio"]]
        heads = [HEADS.index(number) for number in network["num_heads"]]
        if not len(ratios) == len(heads) == depth:
            raise ValueError(f"depth {depth}, {len(ratios)} MLP ratios and {len(heads)} numbers of heads")
        return [WIDTHS.index(network["hidden_dim"]), DEPTHS.index(depth), *ratios, *unused, *heads, *unused]

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Number of the architecture in canonical form."""
        return self.key(self.canonical(vectors))

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops`; layers add up, and the number of heads changes nothing."""
        self.check(vectors)
        base, per_layer = _additive_counts(self.classes(dataset))
        layers = per_layer[vectors[:, :1], vectors[:, 2 : 2 + _LAYERS]] * self.used(vectors)[:, :, None]
        params, macs = (base[vectors[:, 0]] + layers.sum(axis=1)).T
        return {"params": params, "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Width as one of three; per layer one-hot ratio and heads, zeros where it is not there; (n, 59) float32."""
        graphs = self.cell_graphs(vectors)
        widths = graphs.nodes[:, 0, -len(WIDTHS) :]
        return np.concatenate([widths, graphs.nodes[:, :_LAYERS, :4].reshape(len(vectors), -1)], axis=1)

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """A chain of 14 layers and a global node: one-hot ratio and heads (zeros where not there), global, width."""
        used = self.used(self.canonical(vectors))[:, :, None]
        nodes = np.zeros((len(vectors), _LAYERS + 1, 5 + len(WIDTHS)), dtype=np.float32)
        nodes[:, :_LAYERS, 0:2] = np.eye(2)[vectors[:, 2 : 2 + _LAYERS]] * used
        nodes[:, :_LAYERS, 2:4] = np.eye(2)[vectors[:, 2 + _LAYERS :]] * used
        nodes[:, -1, 4] = 1
        nodes[:, :, 5:] = np.eye(len(WIDTHS))[vectors[:, :1]]
        adjacency = np.eye(_LAYERS + 1, k=1, dtype=np.float32)
        adjacency[:-1, -1] = 1
        return CellGraphs(nodes=nodes, adjacency=adjacency)

    def net(self, vector: Integer[Array, " v"]) -> AutoFormerNet:
        """The choices of one architecture by name."""
        self.check(vector[None])
        row = vector.tolist()
        width, (heads, ratios) = WIDTHS[row[0]], zip(*_layers(row), strict=True)
        return AutoFormerNet(width=width, heads=heads, hidden=tuple(int(width * ratio) for ratio in ratios))

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, patches to classifier."""
        return build_graph(self.net(vector), self.classes(dataset))

    def module(self, vector: Integer[Array, " v"], *, dataset: str, pruned: bool = False) -> nn.Module:  # noqa: ARG002
        """The network as Auto-Prox trains it; nothing in it can be pruned."""
        from hwnas.spaces.autoformer_module import Network

        return Network(self.net(vector), classes=self.classes(dataset))


def _layers(row: Sequence[int]) -> list[tuple[int, float]]:
    """Heads and MLP ratio of each layer that is there."""
    depth = DEPTHS[row[1]]
    return [(HEADS[row[2 + _LAYERS + layer]], RATIOS[row[2 + layer]]) for layer in range(depth)]


@cache
def _additive_counts(classes: int) -> tuple[Integer[Array, "3 2"], Integer[Array, "3 2 2"]]:
    """(params, macs) of a network without layers by width, and what a layer adds by width and MLP ratio."""
    empty = [build_graph(AutoFormerNet(width=width, heads=(), hidden=()), classes) for width in WIDTHS]
    layers = [
        [layer_counts(tokens=TOKENS, width=width, hidden=int(width * ratio)) for ratio in RATIOS] for width in WIDTHS
    ]
    return np.array([[graph.params, graph.macs] for graph in empty]), np.array(layers)
