"""Which passes a set of proxies needs; each runs once. A pass of a new kind is one file beside this and one line."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import Evidence
from hwnas.proxies.module_state import layer_weights
from hwnas.proxies.passes.gaussian import gaussian_response
from hwnas.proxies.passes.linearised import linearised
from hwnas.proxies.passes.supervised import SUPERVISED, supervised
from hwnas.proxies.proxy import Need

if TYPE_CHECKING:
    from hwnas.graphs import Graph

# Passes that share nothing with others: (module, batch, seed) -> value of the field of that name.
_OWN: Final[dict[Need, Callable[[nn.Module, Batch, int], Any]]] = {
    "weights": lambda module, _batch, _seed: [weight.detach() for weight in layer_weights(module)],
    "synflow": lambda module, batch, _seed: linearised(module, batch),
    "gaussian": lambda module, batch, seed: gaussian_response(module, batch, seed=seed),
}


def gather(
    module: nn.Module, batch: Batch, needs: Collection[Need], *, graph: Graph | None = None, seed: int = 0
) -> Evidence:
    """Run the passes that `needs` names on `module` and collect what they show. Raises `ProxyError`."""
    fields: dict[str, Any] = {}
    shared = SUPERVISED & frozenset(needs)
    if shared:
        fields.update(supervised(module, batch, shared))
    fields.update({need: run(module, batch, seed) for need, run in _OWN.items() if need in needs})
    return Evidence(batch_size=len(batch.images), labels=batch.labels, graph=graph, **fields)
