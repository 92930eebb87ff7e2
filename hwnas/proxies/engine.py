"""Scores of one network: gather each kind of evidence once, then ask each proxy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Need, Proxy

if TYPE_CHECKING:
    from torch import nn

    from hwnas.graphs import Graph
    from hwnas.proxies.batches import Batch


def score_module(
    module: nn.Module, batch: Batch, proxies: Sequence[Proxy], *, graph: Graph | None = None, seed: int = 0
) -> dict[str, float]:
    """Score of `module` by each proxy; higher is better.

    The module is left as it was. Same module, batch and seed give the same scores. A score that overflows or is
    undefined is returned as it is (infinity, NaN), never replaced. Raises `ProxyError`.
    """
    from hwnas.proxies.evidence import gather

    needs: set[Need] = set().union(*(proxy.needs for proxy in proxies))
    evidence = gather(module, batch, needs, graph=graph, seed=seed)
    return {proxy.name: proxy.score(evidence) for proxy in proxies}
