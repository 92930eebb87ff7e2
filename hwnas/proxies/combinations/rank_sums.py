"""Rank sums of any proxies, written `zen+flops`."""

from __future__ import annotations

from collections.abc import Sequence

from hwnas.errors import UsageError
from hwnas.proxies.combinations.aggregations import rank_sum
from hwnas.proxies.combinations.combination import Combination
from hwnas.proxies.registry import get_proxy


def rank_sum_of(names: Sequence[str]) -> Combination:
    """The sum of ranks by each of two or more proxies. Raises `UnknownNameError`, `UsageError` for one named twice."""
    components = tuple(get_proxy(name).name for name in names)
    if len(components) < 2 or len(set(components)) < len(components):
        raise UsageError(f"expected a rank sum of two or more different proxies, got {'+'.join(names)!r}")
    return Combination(
        name="+".join(components),
        title=f"sum of the ranks by {', '.join(components)}",
        components=components,
        aggregate=rank_sum,
        aggregation="sum of ranks",
        source="Borda count",
        fails="wherever its parts fail together",
    )
