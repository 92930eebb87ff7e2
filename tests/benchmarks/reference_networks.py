"""What a combination loses where it ranks among a few networks of a space in place of all of them.

`python tests/benchmarks/reference_networks.py [--networks 100] [--seeds 5]`: the shipped scores of NAS-Bench-201, whose
every network can be ranked among all 7,055 distinct ones and among reference networks as a search of a space without
end does it. No accuracy is read. Prints Spearman's rho between both scores, the same within the best twentieth, and how
many of the best 20 within half and nine tenths of the networks by FLOPs are the same; means over the seeds.
"""

from __future__ import annotations

import argparse

import numpy as np

from hwnas.api.columns import find_tables, table_names
from hwnas.arrays import Array, Float
from hwnas.metrics import spearman
from hwnas.proxies.combinations import Combination, get_scorer
from hwnas.rankings import top
from hwnas.spaces import get_space
from hwnas.spaces.reference import reference_networks

COMBINATIONS = ("auto", "az_nas", "vote")
BUDGETS = (0.5, 0.9)  # quantiles of the FLOPs of the networks
LIST = 20


def main() -> None:
    """Print a line for each combination and data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=100, help="reference networks, before twins are left out")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    space = get_space("nasbench201")
    ids = np.unique(space.canonical_id(space.network_id(space.all_vectors())))
    print(f"{len(ids):,} networks; means over {arguments.seeds} seeds")
    for dataset in space.datasets:
        counts = space.counts(space.vector(ids), dataset=dataset)
        for name in COMBINATIONS:
            combination = get_scorer(name)
            assert isinstance(combination, Combination)
            tables = find_tables(space, dataset, table_names([combination], counts))
            scores = np.stack(
                [tables[part].column(part, ids) if part in tables else counts[part] for part in combination.components],
                axis=1,
            )
            found = []
            for seed in range(arguments.seeds):
                vectors = reference_networks(space, dataset=dataset, n=arguments.networks, seed=seed)
                rows = np.searchsorted(ids, space.canonical_id(space.network_id(vectors)))
                among = combination.score_among(scores, scores[rows])
                found.append([len(rows), *agreement(among, combination.score(scores), counts["flops"])])
            networks, rho, best, *shared = np.mean(found, axis=0)
            lists = " ".join(f"{share:.2f}" for share in shared)
            figures = f"rho {rho:.3f}, best twentieth {best:.3f}, lists {lists}"
            print(f"{name:7s} {dataset:15s} among {networks:5.1f}: {figures}")


def agreement(few: Float[Array, " n"], every: Float[Array, " n"], flops: Float[Array, " n"]) -> list[float]:
    """Rho over all and over the best twentieth, then the share of each list of 20 that is the same."""
    best = top(every, 5.0)
    shared = []
    for quantile in BUDGETS:
        within = np.flatnonzero(flops <= np.quantile(flops, quantile))
        lists = [set(within[np.argsort(-scores[within], kind="stable")[:LIST]]) for scores in (few, every)]
        shared.append(len(lists[0] & lists[1]) / LIST)
    return [spearman(few, every), spearman(few[best], every[best]), *shared]


if __name__ == "__main__":
    main()
