"""`auto`: the combination that `hwnas pareto` uses unless told otherwise.

`tests/benchmarks/choose_auto.py` compares combinations on spaces other than NAS-Bench-201; what it picks stands here.
"""

from __future__ import annotations

from hwnas.proxies.combinations import az_nas
from hwnas.proxies.combinations.aggregations import log_rank_sum
from hwnas.proxies.combinations.combination import Combination

COMBINATION = Combination(
    name="auto",
    title="the default of `hwnas pareto`; its parts are those of az_nas",
    components=az_nas.COMBINATION.components,
    aggregate=log_rank_sum,
    aggregation="sum of the logarithms of the ranks",
    source=az_nas.COMBINATION.source,
    fails=az_nas.COMBINATION.fails,
)
