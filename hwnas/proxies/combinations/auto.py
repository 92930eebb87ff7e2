"""`auto`: the combination that `hwnas pareto` uses unless told otherwise.

`tests/benchmarks/choose_auto.py` compares combinations on spaces other than NAS-Bench-201; what it picks stands here.
"""

from __future__ import annotations

from hwnas.proxies.combinations.aggregations import rank_sum
from hwnas.proxies.combinations.combination import Combination

COMBINATION = Combination(
    name="auto",
    title="the default of `hwnas pareto`: what did best on other spaces than NAS-Bench-201",
    components=("synflow", "az_expressivity", "az_progressivity", "az_trainability"),
    aggregate=rank_sum,
    aggregation="sum of ranks",
    source=(
        "this project, tests/benchmarks/choose_auto.py; parts of Tanaka 2020 (synflow) and Lee & Ham 2024, "
        "arXiv:2403.19232 (az_expressivity, az_progressivity, az_trainability)"
    ),
    fails="the best twentieth of NAS-Bench-201, which it orders worse than params does",
)
