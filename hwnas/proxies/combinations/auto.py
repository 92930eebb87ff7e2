"""`auto`: the combination that `hwnas pareto` uses unless told otherwise.

`tests/benchmarks/choose_auto.py` compares ways to choose one on spaces other than NAS-Bench-201; what the best of them
makes stands here.
"""

from __future__ import annotations

from hwnas.proxies.combinations.aggregations import normal_score_sum
from hwnas.proxies.combinations.combination import Combination

COMBINATION = Combination(
    name="auto",
    title="the default of `hwnas pareto`: many proxies, of which none was chosen by accuracies",
    components=(
        *("params", "flops", "naswot", "naswot_eval", "synflow", "snip", "jacob_cov"),
        *("az_expressivity", "az_progressivity", "az_trainability"),
    ),
    aggregate=normal_score_sum,
    aggregation="sum of the normal scores of the ranks",
    source="this project, tests/benchmarks/choose_auto.py; its parts name theirs",
    fails="the best fifth of PiT and the best twentieth of NAS-Bench-201 on CIFAR-10, ordered no better than by chance",
)
