"""What to measure next: the networks whose kernels the models of the folds disagree about most, for the time it takes.

Query by committee (Seung 1992): regressors that were fitted without one fold each predict every kernel of a candidate;
where they differ, one more measurement tells most. A kernel outside of what was measured counts as a disagreement of
its distance. Errors are weighted by the time of the kernel: what matters is the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.graphs import Kernel
from hwnas.latency.kernels.regressor import KernelRegressor
from hwnas.latency.kernels.rows import feature_matrix

Committee = Mapping[str, Sequence[KernelRegressor]]
# What a kernel of a kind without a model is taken for: as wrong as one at four times the largest size measured.
_UNKNOWN: Final = 2.0


def promise(committee: Committee, kernels: Sequence[Kernel]) -> tuple[float, float]:
    """How much is not known of a network, in milliseconds, and the milliseconds that it takes, both as predicted."""
    unknown = cost = 0.0
    kinds: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        if kernel.known:
            kinds.setdefault(kernel.kind, []).append(kernel)
    for kind, group in kinds.items():
        if kind not in committee:
            unknown += _UNKNOWN * 0.01 * len(group)
            continue
        features = feature_matrix(kind, group)
        logs = np.log(np.stack([member.predict(features) for member in committee[kind]]))
        outside = np.log2(np.max([member.outside(features) for member in committee[kind]], axis=0))
        mean = np.exp(logs.mean(axis=0))
        # Never beyond what the whole network may take: far outside even a mean says little.
        spread = logs.std(axis=0) + 0.3 * np.minimum(outside, 3.0)
        unknown += float(np.sum(mean * spread))
        cost += float(np.sum(mean))
    return unknown, cost


def choose(scores: Float[Array, " n"], families: Sequence[str], *, count: int, most: int) -> list[int]:
    """The `count` candidates with the highest scores, at most `most` of one family."""
    chosen: list[int] = []
    taken: dict[str, int] = {}
    for number in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) < count and taken.get(families[number], 0) < most:
            chosen.append(number)
            taken[families[number]] = taken.get(families[number], 0) + 1
    return chosen
