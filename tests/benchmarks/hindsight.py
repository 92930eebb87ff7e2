"""Whether any combination reaches the target of `auto`: `python tests/benchmarks/hindsight.py [--most 4]`.

The target: on NAS-Bench-201, over all architectures, Spearman's rho with the accuracy of at least 0.90 / 0.90 / 0.87 on
CIFAR-10 / CIFAR-100 / ImageNet16-120, and over the best twentieth a higher one than that of `params`, of the
architecture as written, on all three; the same is counted for `params` without what cannot reach the output, as parts
of combinations have it. This counts the combinations of 1 to `--most` proxies that reach it, of all that
are scored on every architecture, as sums of ranks and of their logarithms, and says how near `auto` comes. It reads the
accuracies, so that nothing may be chosen by it: it says what is possible. Reads `hwnas data pull nats-bench`.
"""

from __future__ import annotations

import argparse
from typing import Final

import numpy as np
from combining import AGGREGATIONS, Candidate, candidates_of

from hwnas.api.accuracy import true_accuracy
from hwnas.api.scored_columns import scored_columns
from hwnas.arrays import Array, Bool, Float, Int
from hwnas.metrics import spearman
from hwnas.proxies import PROXIES
from hwnas.proxies.combinations.aggregations import relative_ranks
from hwnas.rankings import top
from hwnas.spaces import get_space

SPACE: Final = get_space("nasbench201")
LEAST: Final = {"cifar10": 0.90, "cifar100": 0.90, "ImageNet16-120": 0.87}
BEST_PERCENT: Final = 5.0
TWINS: Final = ("macs",)  # orders as flops does


def main() -> None:
    """Print how many reach each half of the target and the whole, and the nearest ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=4, help="largest number of proxies in a combination")
    parser.add_argument("--show", type=int, default=10, help="how many combinations to print")
    arguments = parser.parse_args()
    vectors = SPACE.all_vectors()
    scores = {dataset: _scores(dataset, vectors) for dataset in LEAST}
    as_written = {dataset: SPACE.counts(vectors, dataset=dataset) for dataset in LEAST}
    names = [name for name in scores["cifar10"] if all(name in columns for columns in scores.values())]
    candidates = candidates_of(names, most=arguments.most)
    figures = np.concatenate([_figures(dataset, scores[dataset], names, candidates) for dataset in LEAST])
    over_all, over_best = figures[::2], figures[1::2]
    params = np.array([_over_best(scores["params"], _accuracy(dataset)) for dataset, scores in as_written.items()])
    # How far above the target, the lowest of the data sets.
    first = (over_all - np.array(list(LEAST.values()))[:, None]).min(axis=0)
    second = (over_best - params[:, None]).min(axis=0)
    alone = next(place for place, candidate in enumerate(candidates) if set(candidate.weights) == {"params"})
    pruned = (over_best - over_best[:, [alone]]).min(axis=0)
    _report(candidates, first, second, pruned)
    nearest = np.argsort(-np.minimum(first, second), kind="stable")[: arguments.show]
    print(f"\nrho over all / over the best {BEST_PERCENT:g} %, on {', '.join(LEAST)}; nearest first")
    for place in (*nearest, alone):  # params alone as parts are counted: without what cannot reach the output
        rhos = "  ".join(f"{a:.3f}/{b:.3f}" for a, b in zip(over_all[:, place], over_best[:, place], strict=True))
        print(f"{rhos} | {candidates[place]}")
    print("\nauto, over all / over the best; above params over the best, with a 95 % interval of draws of the networks")
    for dataset in LEAST:
        print(f"{dataset}: {_auto(dataset, vectors)}")


def _auto(dataset: str, vectors) -> str:
    """How `auto` does, and how sure it is that it orders the best architectures better or worse than `params` does."""
    accuracy = _accuracy(dataset)
    columns = {column.name: column.scores for column in scored_columns(SPACE, dataset, ("auto",), vectors=vectors)}
    auto, params = columns["auto"], columns["params"]
    best = np.flatnonzero(top(accuracy, BEST_PERCENT))
    _, network = np.unique(SPACE.canonical_id(best), return_inverse=True)
    networks = [best[network == each] for each in range(network.max() + 1)]  # drawn with all their architectures

    def ahead(rows: Int[Array, " n"]) -> float:
        return spearman(auto[rows], accuracy[rows]) - spearman(params[rows], accuracy[rows])

    rng = np.random.default_rng(0)
    draws = [rng.integers(len(networks), size=len(networks)) for _ in range(1000)]
    low, high = np.quantile(
        [ahead(np.concatenate([networks[each] for each in drawn])) for drawn in draws], [0.025, 0.975]
    )
    over_all, over_best = spearman(auto, accuracy), _over_best(auto, accuracy)
    return f"{over_all:.3f} / {over_best:.3f}; {ahead(best):+.3f} [{low:+.3f}, {high:+.3f}]"


def _over_best(scores: Float[Array, " n"], accuracy: Float[Array, " n"]) -> float:
    best = top(accuracy, BEST_PERCENT)
    return spearman(scores[best], accuracy[best])


def _accuracy(dataset: str) -> Float[Array, " n"]:
    accuracy = true_accuracy(SPACE, dataset).of_all(SPACE)
    if accuracy is None:
        raise SystemExit("no accuracies at hand; `hwnas data pull nats-bench` brings them")
    return accuracy


def _scores(dataset: str, vectors) -> dict[str, Float[Array, " n"]]:
    """Columns of the proxies that are scored on every architecture."""
    columns = scored_columns(SPACE, dataset, (), vectors=vectors)
    return {
        column.name: column.scores
        for column in columns
        if column.name in PROXIES and column.name not in TWINS and not np.isnan(column.scores).any()
    }


def _figures(
    dataset: str, scores: dict[str, Float[Array, " n"]], names: list[str], candidates: list[Candidate]
) -> Float[Array, "2 c"]:
    """Spearman's rho of each candidate over all architectures and over those with the best accuracy."""
    accuracy = _accuracy(dataset)
    # Networks are ranked once, as the product ranks them; all architectures of a network share its score.
    _, rows, network = np.unique(SPACE.canonical_id(np.arange(SPACE.size)), return_index=True, return_inverse=True)
    ranks = relative_ranks(np.stack([scores[name][rows] for name in names], axis=1))
    best: Bool[Array, " n"] = top(accuracy, BEST_PERCENT)
    figures = np.zeros((2, len(candidates)))
    for place, candidate in enumerate(candidates):
        columns = [names.index(name) for name in candidate.weights]
        combined = AGGREGATIONS[candidate.aggregation](ranks[:, columns], np.ones(len(columns)))[network]
        figures[:, place] = spearman(combined, accuracy), spearman(combined[best], accuracy[best])
    return np.nan_to_num(figures)


def _report(
    candidates: list[Candidate], first: Float[Array, " c"], second: Float[Array, " c"], pruned: Float[Array, " c"]
) -> None:
    print(f"{len(candidates):,} combinations")
    whole = " / ".join(f"{least:.2f}" for least in LEAST.values())
    print(f"{(first >= 0).sum():6,} reach {whole} over all architectures")
    print(f"{(second > 0).sum():6,} are above params over the best {BEST_PERCENT:g} % on all three")
    print(f"{((first >= 0) & (second > 0)).sum():6,} do both")
    print(f"{((first >= 0) & (pruned > 0)).sum():6,} do both where params counts without what cannot reach the output")


if __name__ == "__main__":
    main()
