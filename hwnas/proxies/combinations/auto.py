"""`auto`: the combination that `hwnas pareto` uses unless told otherwise.

`tests/benchmarks/choose_auto.py` compares rules that make a combination, on spaces other than NAS-Bench-201; what the
best of those that take all ten makes stands here.
"""

from __future__ import annotations

from hwnas.proxies.combinations.aggregations import normal_score_sum
from hwnas.proxies.combinations.combination import Combination

COMBINATION = Combination(
    name="auto",
    title="the default of `hwnas pareto`: ten proxies, none of them chosen by accuracies",
    components=(
        *("params", "flops", "naswot", "naswot_eval", "synflow", "snip", "jacob_cov"),
        *("az_expressivity", "az_progressivity", "az_trainability"),
    ),
    aggregate=normal_score_sum,
    aggregation="sum of the normal scores of the ranks",
    source="this project, tests/benchmarks/choose_auto.py; parts: see each proxy in `hwnas proxies list`",
    fails=(
        "the best fifth of TransNAS-Bench-101 and of PiT and the best twentieth of NAS-Bench-201 on CIFAR-10, which it "
        "orders no better than chance; PiT and Accel-NASBench, where params alone does better and az_trainability "
        "orders backwards"
    ),
)
