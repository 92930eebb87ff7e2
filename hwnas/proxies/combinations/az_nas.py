"""`az_nas`: four views of a network, by the logarithm of their ranks (Lee & Ham 2024)."""

from __future__ import annotations

from hwnas.proxies.combinations.aggregations import log_rank_sum
from hwnas.proxies.combinations.combination import Combination

COMBINATION = Combination(
    name="az_nas",
    title="AZ-NAS: expressivity, progressivity, trainability and complexity, log of ranks added",
    components=("az_expressivity", "az_progressivity", "az_trainability", "flops"),
    aggregate=log_rank_sum,
    aggregation="sum of the logarithms of the ranks",
    source="Lee & Ham 2024, arXiv:2403.19232, non-linear ranking aggregation: the sum over proxies of log(rank / n)",
    fails="spaces of one width, where progressivity says nothing",
)
