"""`te_nas`: trainability and expressivity by rank (Chen 2021)."""

from __future__ import annotations

from hwnas.proxies.combinations.aggregations import rank_sum
from hwnas.proxies.combinations.combination import Combination

COMBINATION = Combination(
    name="te_nas",
    title="TE-NAS: rank by the condition of the tangent kernel plus rank by the number of linear regions",
    components=("ntk_cond", "linear_regions"),
    aggregate=rank_sum,
    aggregation="sum of ranks",
    source="Chen 2021, arXiv:2102.11535, sum of both ranks",
    fails="both parts are noisy: they depend on initial weights and on the images of a small batch",
)
