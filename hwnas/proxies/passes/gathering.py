"""Which passes a set of proxies needs; each runs once. A pass of a new kind is one file beside this and one line."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from hwnas.proxies.batches import Batch
from hwnas.proxies.evidence import Evidence
from hwnas.proxies.module_state import layer_weights
from hwnas.proxies.passes.activation_ranks import activation_ranks
from hwnas.proxies.passes.curvature import hessian_gradient
from hwnas.proxies.passes.ensemble import random_features
from hwnas.proxies.passes.feature_maps import smallest_eigenvalues
from hwnas.proxies.passes.gaussian import gaussian_response
from hwnas.proxies.passes.halves import half_gradients
from hwnas.proxies.passes.images import sign_sums
from hwnas.proxies.passes.linearised import linearised
from hwnas.proxies.passes.regions import region_counts
from hwnas.proxies.passes.stages import stages
from hwnas.proxies.passes.supervised import SUPERVISED, supervised
from hwnas.proxies.passes.tangent import tangent_kernel
from hwnas.proxies.passes.unit_patterns import unit_patterns
from hwnas.proxies.passes.unnormalised import unnormalised_agreement
from hwnas.proxies.proxy import Need
from hwnas.proxies.randomness import seeded

if TYPE_CHECKING:
    from hwnas.graphs import Graph

# Passes that share nothing with others: (module, batch, seed) -> value of the field of that name.
_OWN: Final[dict[Need, Callable[[nn.Module, Batch, int], Any]]] = {
    "weights": lambda module, _batch, _seed: [weight.detach() for weight in layer_weights(module)],
    "synflow": lambda module, batch, _seed: linearised(module, batch),
    "gaussian": lambda module, batch, seed: gaussian_response(module, batch, seed=seed),
    "unnormalised_agreement": lambda module, batch, _seed: unnormalised_agreement(module, batch),
    "stages": lambda module, batch, seed: stages(module, batch, seed=seed),
    "hessian_gradient": lambda module, batch, _seed: hessian_gradient(module, batch),
    "half_gradients": lambda module, batch, _seed: half_gradients(module, batch),
    "sign_sums": lambda module, batch, _seed: sign_sums(module, batch),
    "tangent_kernel": lambda module, batch, _seed: tangent_kernel(module, batch),
    "region_counts": lambda module, batch, seed: region_counts(module, batch, seed=seed),
    "random_features": lambda module, batch, seed: random_features(module, batch, seed=seed),
    "unit_patterns": lambda module, batch, _seed: unit_patterns(module, batch),
    "smallest_eigenvalues": lambda module, batch, seed: smallest_eigenvalues(module, batch, seed=seed),
    "activation_ranks": lambda module, batch, seed: activation_ranks(module, batch, seed=seed),
}


def gather(
    module: nn.Module, batch: Batch, needs: Collection[Need], *, graph: Graph | None = None, seed: int = 0
) -> Evidence:
    """Run the passes that `needs` names on `module` and collect what they show. Raises `ProxyError`.

    What the module draws in a pass, as dropout does, follows from `seed` whatever other passes run.
    """
    fields: dict[str, Any] = {}
    shared = SUPERVISED & frozenset(needs)
    device = batch.images.device
    if shared:
        with seeded(seed, device):
            fields.update(supervised(module, batch, shared))
    for need, run in _OWN.items():
        if need in needs:
            with seeded(seed, device):
                fields[need] = run(module, batch, seed)
    return Evidence(batch_size=len(batch.images), labels=batch.labels, graph=graph, **fields)
