"""Once-for-All's MobileNetV3 (Cai 2020): kernel and expansion of 20 blocks, depth of five stages, image resolution."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.mobile_blocks import COSTS, InvertedResidual
from hwnas.spaces.mobile_features import chain_graphs, flat_features, scaled, standardised
from hwnas.spaces.ofa_layers import (
    ACTIVATIONS,
    BLOCKS,
    DEPTHS,
    EXPANSIONS,
    KERNELS,
    RESOLUTIONS,
    STAGES,
    block_sizes,
    fixed_costs,
    layer_costs,
    skeleton,
)
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

# The value of each choice at each position: 20 kernels, 20 expansions, 5 depths, resolution, as tables list them.
_VALUES: Final = (KERNELS,) * BLOCKS + (EXPANSIONS,) * BLOCKS + (DEPTHS,) * STAGES + (RESOLUTIONS,)
_STRING = re.compile(rf"ks(\d{{{BLOCKS}}})_e(\d{{{BLOCKS}}})_d(\d{{{STAGES}}})_r(\d{{3}})")


@final
class OnceForAll(Space):
    """About 10^22 vectors; blocks beyond the depth of their stage are not part of the network.

    width: width multiplier. Of the two that were published, 1.0 and 1.2, HELP (Lee 2021) uses 1.2.
    """

    aliases: tuple[str, ...]
    source = "Cai et al. 2020, arXiv:1908.09791"
    datasets = ("imagenet",)
    choices = tuple(len(values) for values in _VALUES)

    def __init__(self, *, width: float = 1.2) -> None:
        self.name = "ofa" if width == 1.2 else f"ofa-w{width:g}"
        self.aliases = ("once-for-all", "ofa-mbv3", f"ofa_mbv3_d234_e346_k357_w{width}") if width == 1.2 else ()
        self.title = f"Once-for-All MobileNetV3, width {width:g}: kernels, expansions, depths, resolution"
        self._width = width

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """`ks<20 digits>_e<20 digits>_d<5 digits>_r<resolution>`: the keys of published configurations."""
        found = []
        for row in self.to_values(vectors).tolist():
            digits = "".join(map(str, row[:-1]))
            kernels, rest = digits[:BLOCKS], digits[BLOCKS:]
            found.append(f"ks{kernels}_e{rest[:BLOCKS]}_d{rest[BLOCKS:]}_r{row[-1]}")
        return found

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of strings, or of configurations in JSON: `{"ks": [20], "e": [20], "d": [5], "r": 224}`."""
        values = [self._parse(string.strip()) for string in strings]
        return self.from_table_rows(np.array(values, dtype=np.int64).reshape(-1, len(_VALUES)))

    def _parse(self, text: str) -> list[int]:
        """The 46 values that a string names."""
        if match := _STRING.fullmatch(text):
            kernels, expansions, depths, resolution = match.groups()
            return [*map(int, kernels + expansions + depths), int(resolution)]
        try:
            config: dict[str, Any] = json.loads(text)
            resolution = config["r"] if isinstance(config["r"], list) else [config["r"]]
            parts = [list(part) for part in (config["ks"], config["e"], config["d"], resolution)]
        except (ValueError, KeyError, TypeError):
            parts = []
        values = [value for part in parts for value in part]
        lengths = [len(part) for part in parts]
        if lengths != [BLOCKS, BLOCKS, STAGES, 1] or not all(type(value) is int and value < 1000 for value in values):
            raise UsageError(
                f"{text!r} is not an architecture of {self.name}; expected 'ks<{BLOCKS} digits>_e<{BLOCKS} digits>_"
                f"d<{STAGES} digits>_r<resolution>' or JSON with the lists ks, e, d and the number r"
            )
        return values

    def from_table_rows(self, rows: Integer[Array, "n w"]) -> Integer[Array, "n v"]:
        """Vectors from values: 20 kernels, 20 expansions, 5 depths, resolution. Raises `UsageError`."""
        if rows.shape[1] != len(_VALUES):
            raise UsageError(f"expected rows of {len(_VALUES)} values of {self.name}, got {rows.shape[1]}")
        vectors = np.empty(rows.shape, dtype=np.int8)
        for position, values in enumerate(_VALUES):
            match = rows[:, position, None] == np.array(values)
            if not match.any(axis=1).all():
                wrong = rows[~match.any(axis=1), position][0]
                known = ", ".join(map(str, values))
                raise UsageError(f"position {position} of {self.name} is one of {known}; got {wrong}")
            vectors[:, position] = match.argmax(axis=1)
        return vectors

    def to_values(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n 46"]:
        """Inverse of `from_table_rows`."""
        self.check(vectors)
        columns = [np.array(values)[vectors[:, position]] for position, values in enumerate(_VALUES)]
        return np.stack(columns, axis=1)

    def used(self, vectors: Integer[Array, "n v"]) -> Bool[Array, "n 20"]:
        """Which blocks are part of the network."""
        self.check(vectors)
        depths = np.array(DEPTHS)[vectors[:, 2 * BLOCKS : -1]]
        return np.asarray(np.tile(np.arange(DEPTHS[-1]), STAGES) < np.repeat(depths, DEPTHS[-1], axis=1))

    def canonical(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n v"]:
        """The same network with the first choice wherever a block is not used."""
        canonical = vectors.copy()
        unused = ~self.used(vectors)
        canonical[:, :BLOCKS][unused] = 0
        canonical[:, BLOCKS : 2 * BLOCKS][unused] = 0
        return canonical

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Key of the canonical form: what is chosen for blocks that are not used does not matter."""
        return self.key(self.canonical(vectors))

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, `macs`, `flops` at the network's own resolution."""
        self.dataset(dataset)
        total = self._layers(vectors).sum(axis=1) + fixed_costs(self._width)[vectors[:, -1]]
        macs = total[:, 1] + total[:, 2]
        return {"params": total[:, 0], "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Totals, standardised (5); resolution and its square; for each block one-hot kernel and expansion, zeros where
        it is not used, and its costs; (n, 227)."""
        costs, table = self._layers(vectors), self._table()
        whole = standardised(costs.sum(axis=1), table)
        side = np.array(RESOLUTIONS)[vectors[:, -1], None] / RESOLUTIONS[-1]
        return flat_features(whole, side, side**2, self._one_hot(vectors), scaled(costs, table))

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """Blocks as a chain of 20 nodes between input and global node; those that are not used have no features.

        Node features: one-hot kernel and expansion, channels, image size, costs; totals.
        """
        costs, table, used = self._layers(vectors), self._table(), self.used(vectors)[:, :, None]
        stages = np.array(skeleton(self._width).stages) / skeleton(self._width).stages[-1]
        place = np.broadcast_to(np.repeat(stages, DEPTHS[-1])[:, None], (len(vectors), BLOCKS, 1)) * used
        size = (block_sizes()[vectors[:, -1], :-1, None] / block_sizes().max()) * used
        layers = np.concatenate([self._one_hot(vectors), place, size, scaled(costs, table)], axis=2)
        return chain_graphs(layers, standardised(costs.sum(axis=1), table))

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier, at its own resolution."""
        from hwnas.spaces.ofa_graph import build_graph

        self.dataset(dataset)
        blocks = self.blocks(vector)
        return build_graph(blocks, skeleton(self._width), resolution=RESOLUTIONS[int(vector[-1])])

    def module(
        self,
        vector: Integer[Array, " v"],
        *,
        dataset: str,
        pruned: bool = False,  # noqa: ARG002 - part of the contract
    ) -> nn.Module:
        """The network as the published code extracts it; it has no unused blocks, so `pruned` changes nothing."""
        from hwnas.spaces.ofa_module import Network

        self.dataset(dataset)
        return Network(self.blocks(vector), skeleton(self._width))

    def blocks(self, vector: Integer[Array, " v"]) -> list[tuple[InvertedResidual, str]]:
        """The searched blocks that are used, each with its activation function."""
        used, values = self.used(vector[None])[0], self.to_values(vector[None])[0]
        shape = skeleton(self._width)
        return [
            (
                shape.block(number, kernel=int(values[number]), expansion=int(values[BLOCKS + number])),
                ACTIVATIONS[number // DEPTHS[-1]],
            )
            for number in np.flatnonzero(used).tolist()
        ]

    def image_shape(self, dataset: str) -> tuple[int, int, int]:
        """The largest resolution: networks take images of any size, and each has one of its own for its costs."""
        self.dataset(dataset)
        return 3, RESOLUTIONS[-1], RESOLUTIONS[-1]

    def _one_hot(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n 20 6"]:
        """Kernel and expansion of each block, zeros where it is not used."""
        kernels, expansions = vectors[:, :BLOCKS], vectors[:, BLOCKS : 2 * BLOCKS]
        both = np.concatenate([np.eye(len(KERNELS))[kernels], np.eye(len(EXPANSIONS))[expansions]], axis=2)
        return np.asarray(both * self.used(vectors)[:, :, None])

    def _layers(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n 20 5"]:
        """Costs of each block, 0 where it is not used."""
        used = self.used(vectors)[:, :, None]
        kernels, expansions = vectors[:, :BLOCKS], vectors[:, BLOCKS : 2 * BLOCKS]
        return np.asarray(layer_costs(self._width)[np.arange(BLOCKS), kernels, expansions, vectors[:, -1:]] * used)

    def _table(self) -> Integer[Array, "20 675 5"]:
        """Costs of every option of each block: kernel, expansion and resolution at every depth of its stage."""
        table = layer_costs(self._width).reshape(BLOCKS, -1, len(COSTS))
        place = np.arange(BLOCKS)[:, None, None] % DEPTHS[-1]
        return np.concatenate([table * (place < depth) for depth in DEPTHS], axis=1)
