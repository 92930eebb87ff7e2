"""`vote`: the majority of three proxies on every pair of networks (Abdelfattah 2021)."""

from __future__ import annotations

from hwnas.proxies.combinations.combination import Combination
from hwnas.proxies.combinations.copeland import copeland

COMBINATION = Combination(
    name="vote",
    title="how many networks it beats, by majority of synflow, jacob_cov and snip",
    components=("synflow", "jacob_cov", "snip"),
    aggregate=copeland,
    aggregation="number of networks beaten by majority",
    source="Abdelfattah 2021, arXiv:2101.08134, vote",
    fails="where two of the three fail together, as on spaces of one size",
    unit="networks",
)
