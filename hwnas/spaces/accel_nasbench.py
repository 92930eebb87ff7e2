"""Accel-NASBench (Ahmad et al. 2024): MnasNet's space of seven stages, of which 5,125 networks were trained."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.spaces.accel_nasbench_layers import (
    CHANNELS,
    DEPTHS,
    EXPANSIONS,
    KERNELS,
    fixed_costs,
    stage_blocks,
    stage_costs,
)
from hwnas.spaces.mobile_blocks import COSTS, InvertedResidual
from hwnas.spaces.mobile_features import chain_graphs, flat_features, scaled, standardised
from hwnas.spaces.space import CellGraphs, Space

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph

_STAGES: Final = len(CHANNELS)
# The values of each choice: expansion, kernel, layers, squeeze-excitation of each stage, and their published names.
_VALUES: Final = tuple(values for depths in DEPTHS for values in (EXPANSIONS, KERNELS, depths, (False, True)))
_NAMES: Final = tuple(f"block{stage}_{what}" for stage in range(_STAGES) for what in ("e", "k", "l", "se"))
_STAGE: Final = re.compile(r"e(\d)k(\d)l(\d)(s?)")


@final
class AccelNASBench(Space):
    """1e11 networks of seven stages; a vector holds expansion, kernel, layers and squeeze-excitation of each."""

    name = "accel-nasbench"
    aliases = ("anb", "accelnasbench")
    title = "Accel-NASBench: seven stages of MnasNet blocks with EfficientNet-B0's channels"
    source = "Ahmad et al. 2024, arXiv:2404.08005"
    datasets = ("imagenet",)
    choices = tuple(len(values) for values in _VALUES)

    def strings(self, vectors: Integer[Array, "n v"]) -> list[str]:
        """`e1k3l1s-e6k3l2-...`: expansion, kernel, layers of each stage, and `s` where it has squeeze-excitation."""
        self.check(vectors)
        rows = []
        for vector in vectors:
            values = _values(vector)
            stages = [values[4 * stage : 4 * stage + 4] for stage in range(_STAGES)]
            rows.append("-".join(f"e{e}k{k}l{layers}{'s' if se else ''}" for e, k, layers, se in stages))
        return rows

    def parse(self, strings: Sequence[str]) -> Integer[Array, "n v"]:
        """Vectors of strings, or of published configurations in JSON: `{"block0_e": 4, "block0_k": 5, ...}`."""
        return self.from_published([self._parse(string.strip()) for string in strings])

    def _parse(self, text: str) -> dict[str, int]:
        stages = [_STAGE.fullmatch(stage) for stage in text.split("-")]
        if len(stages) == _STAGES and None not in stages:
            values = [value for stage in stages if stage for value in (*map(int, stage.groups()[:3]), bool(stage[4]))]
            return dict(zip(_NAMES, values, strict=True))
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UsageError(
                f"{text!r} is not an architecture of {self.name}; expected {_STAGES} stages joined by '-', such as "
                "'e4k5l2' or 'e6k3l1s', or JSON with block0_e, block0_k, block0_l, block0_se and so on"
            )
        return found

    def from_published(self, architectures: Sequence[Mapping[str, int]]) -> Integer[Array, "n v"]:
        """Vectors of the benchmark's own form: a value by name. Raises `UsageError`."""
        rows = []
        for architecture in architectures:
            if set(architecture) != set(_NAMES):
                raise UsageError(f"expected the names {_NAMES[0]} to {_NAMES[-1]}, got {', '.join(architecture)}")
            for name, values in zip(_NAMES, _VALUES, strict=True):
                if architecture[name] not in values:
                    known = ", ".join(map(str, values))
                    raise UsageError(f"{name} of {self.name} is one of {known}; got {architecture[name]}")
            rows.append([values.index(architecture[name]) for name, values in zip(_NAMES, _VALUES, strict=True)])
        return np.array(rows, dtype=np.int8).reshape(len(rows), len(_NAMES))

    def network_id(self, vectors: Integer[Array, "n v"]) -> Integer[Array, " n"]:
        """Its key: no two vectors are the same network."""
        return self.key(vectors)

    def counts(self, vectors: Integer[Array, "n v"], *, dataset: str) -> dict[str, Integer[Array, " n"]]:
        """`params`, as the benchmark publishes them, `macs` of convolutions and classifier, `flops`."""
        self.dataset(dataset)
        total = self._stages(vectors).sum(axis=1) + fixed_costs()
        macs = total[:, 1] + total[:, 2]
        return {"params": total[:, 0], "macs": macs, "flops": 2 * macs}

    def features(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n f"]:
        """Total costs, standardised (5), then one-hot choices; (n, 76)."""
        return flat_features(self._totals(vectors), self._one_hot(vectors))

    def cell_graphs(self, vectors: Integer[Array, "n v"]) -> CellGraphs:
        """Stages as a chain between input and global node. Node features: one-hot choices, costs; totals."""
        costs = self._stages(vectors)
        layers = np.concatenate([self._one_hot(vectors), scaled(costs, _options())], axis=2)
        return chain_graphs(layers, self._totals(vectors))

    def graph(self, vector: Integer[Array, " v"], *, dataset: str) -> Graph:
        """Operators of the whole network, stem to classifier."""
        from hwnas.spaces.accel_nasbench_graph import build_graph

        self.dataset(dataset)
        return build_graph(self.blocks(vector))

    def module(
        self,
        vector: Integer[Array, " v"],
        *,
        dataset: str,
        pruned: bool = False,  # noqa: ARG002 - part of the contract
    ) -> nn.Module:
        """The network; `pruned` changes nothing, since every layer reaches the output."""
        from hwnas.spaces.accel_nasbench_module import Network

        self.dataset(dataset)
        return Network(self.blocks(vector))

    def blocks(self, vector: Integer[Array, " v"]) -> list[InvertedResidual]:
        """All blocks, in order."""
        self.check(vector[None])
        values = _values(vector)
        return [
            block
            for stage in range(_STAGES)
            for e, k, layers, se in [values[4 * stage : 4 * stage + 4]]
            for block in stage_blocks(stage, expansion=e, kernel=k, depth=layers, squeeze=bool(se))
        ]

    def _stages(self, vectors: Integer[Array, "n v"]) -> Integer[Array, "n 7 5"]:
        """Costs of each stage."""
        self.check(vectors)
        e, k, layers, se = (vectors[:, place::4] for place in range(4))
        return np.asarray(stage_costs()[np.arange(_STAGES), e, k, layers, se])

    def _totals(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n 5"]:
        return standardised(self._stages(vectors).sum(axis=1), _options())

    def _one_hot(self, vectors: Integer[Array, "n v"]) -> Float[Array, "n 7 11"]:
        self.check(vectors)
        widths = (len(EXPANSIONS), len(KERNELS), max(map(len, DEPTHS)), 2)
        return np.concatenate([np.eye(width)[vectors[:, place::4]] for place, width in enumerate(widths)], axis=2)


def _values(vector: Integer[Array, " v"]) -> list[int]:
    return [values[choice] for values, choice in zip(_VALUES, vector.tolist(), strict=True)]


def _options() -> Integer[Array, "7 48 5"]:
    """Costs of each stage by option; four layers among them everywhere, which only the sixth may have."""
    return stage_costs().reshape(_STAGES, -1, len(COSTS))
