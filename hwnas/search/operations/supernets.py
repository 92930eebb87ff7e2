"""Supernets by space. A new one is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, final

from hwnas.arrays import Array, Float, Int
from hwnas.errors import UsageError
from hwnas.spaces import Space

if TYPE_CHECKING:
    from torch import nn

# Space to the module and class of its supernet: `Class(dataset=...)`, whose `mixing` holds the weights of each edge;
# `choices`, `joins` and `vector` of the class are those of `Supernet`.
SUPERNETS: Final[Mapping[str, tuple[str, str]]] = {
    "darts": ("hwnas.search.operations.darts_supernet", "DARTSSupernet"),
    "nasbench201": ("hwnas.search.operations.nasbench201_supernet", "NASBench201Supernet"),
}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Supernet:
    """A supernet with weights that follow from a seed.

    choices: number of operations of each edge. joins: the edges into each node that keeps two of them; empty where all
    are kept. vector: the architecture of what was chosen on the edges, -1 where an edge was not kept.
    """

    module: Any
    choices: tuple[int, ...]
    joins: tuple[tuple[int, ...], ...]
    vector: Callable[[Int[Array, " e"]], Int[Array, " v"]]

    def mixed(self, weights: Float[Array, "e o"]) -> nn.Module:
        """The module with these mixing weights, until the next call."""
        self.module.mixing = weights.tolist()
        found: nn.Module = self.module
        return found


def make_supernet(space: Space, *, dataset: str, seed: int) -> Supernet:
    """The supernet of a space; the global random state is left as it was. Raises `UsageError` where it has none."""
    import torch

    if space.name not in SUPERNETS:
        raise UsageError(f"expected a space with a supernet ({', '.join(SUPERNETS)}), got {space.name!r}")
    module, name = SUPERNETS[space.name]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        built = getattr(import_module(module), name)(dataset=space.dataset(dataset))
    built = built.to(memory_format=torch.channels_last)
    return Supernet(module=built, choices=built.choices, joins=built.joins, vector=built.vector)
