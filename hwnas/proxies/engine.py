"""Scores of one network: gather each kind of evidence once, then ask each proxy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwnas.errors import ProxyError
from hwnas.proxies.own_score import score_or_tell
from hwnas.proxies.proxy import OF_WEIGHTS, Need, Proxy

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph
    from hwnas.proxies.batches import Batch


def score_module(
    module: nn.Module, batch: Batch, proxies: Sequence[Proxy], *, graph: Graph | None = None, seed: int = 0
) -> dict[str, float]:
    """Score of `module` by each proxy; higher is better.

    The module and the global random state are left as they were. Same module, batch and seed give the same scores
    (up to rounding, where another device or number of threads adds in another order). A score that overflows or is
    undefined is returned as it is (infinity, NaN), never replaced. A proxy of the user's own reads a copy of the
    evidence, so that it changes neither the module nor what others read, and draws from torch, NumPy and Python by the
    seed. Raises `ProxyError`, also where such a proxy raises whatever it may, or gives no number.
    """
    from hwnas.proxies.passes import gather

    _check(module, proxies, graph)
    few = [reason for proxy in proxies if (reason := too_few_images(proxy, len(batch.images)))]
    if few:
        raise ProxyError(few[0])
    needs: set[Need] = set().union(*(proxy.needs for proxy in proxies))
    evidence = gather(module, batch, needs, graph=graph, seed=seed)
    device = batch.images.device
    return {proxy.name: score_or_tell(proxy, evidence, seed=seed, device=device) for proxy in proxies}


def too_few_images(proxy: Proxy, images: int) -> str:
    """Why a batch of so many images leaves the proxy nothing to compare; empty where it has enough."""
    if images >= proxy.least_images:
        return ""
    return (
        f"{proxy.name} compares images: expected a batch of at least {proxy.least_images}, got {images}; "
        "give a larger batch"
    )


def _check(module: nn.Module, proxies: Sequence[Proxy], graph: Graph | None) -> None:
    from hwnas.proxies.module_state import WEIGHTED, weighted_layers

    reads_graph = [proxy.name for proxy in proxies if "graph" in proxy.needs]
    if reads_graph and graph is None:
        raise ProxyError(f"{', '.join(reads_graph)} expected the operator graph of the network, got none; pass graph=")
    reads_weights = [proxy.name for proxy in proxies if proxy.needs & OF_WEIGHTS]
    if reads_weights and not weighted_layers(module):
        kinds = ", ".join(kind.__name__ for kind in WEIGHTED)
        raise ProxyError(
            f"{', '.join(reads_weights)} expected a module with weighted layers ({kinds}), "
            f"got {type(module).__name__} without any; score another module or use other proxies"
        )
