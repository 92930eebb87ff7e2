"""Which combination of proxies becomes `auto`: `python tests/benchmarks/choose_auto.py [--most 4] [--top 20]`.

Candidates are all sets of 1 to `--most` proxies of the pool, under each aggregation. Each is judged on spaces other
than NAS-Bench-201 and its sibling of sizes, whose accuracies are never read: networks that are the same count once,
with the mean accuracy of their twins. On every task a candidate has three places among all candidates: by Spearman's
rho over all networks, by the same over the `--top` percent with the best accuracy, and by what `hwnas pareto` would do
with it, the relative hypervolume of lists of 20 within as many FLOPs as a quarter, a half and three quarters of the
networks have. Its rank is the mean over the three, over the tasks of a space, and over the spaces, so that a space with
many data sets weighs no more than one with one. The lowest mean rank is chosen, of equal ones the one with the fewest
proxies. All candidates are printed, best first; the choice is written into hwnas/proxies/combinations/auto.py by hand.

It reads the samples of scores that are shipped, what `hwnas score --all --space ...` left in the cache, and the
accuracies that `hwnas data pull nas-bench-macro transnas101 autoprox-vit` brought.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from hwnas.api.accuracy import known_networks, true_accuracy
from hwnas.api.scored_columns import scored_columns
from hwnas.arrays import Array, Float, Int
from hwnas.metrics import spearman
from hwnas.pareto import Truth, compare_scores, ground_truth
from hwnas.proxies.combinations.aggregations import relative_ranks
from hwnas.rankings import mean_ranks, top
from hwnas.spaces import Space, get_space

SPACES: Final = ("nas-bench-macro", "transnas-micro", "autoformer", "pit")
POOL: Final = (  # those that every sample has
    *("params", "flops", "naswot", "naswot_eval", "synflow", "snip", "jacob_cov"),
    *("az_expressivity", "az_progressivity", "az_trainability"),
)
# Each sums a function of the ranks.
AGGREGATIONS: Final = {"rank_sum": lambda ranks: ranks, "log_rank_sum": np.log}
LEAST_NETWORKS: Final = 50
BUDGETS: Final = (0.25, 0.5, 0.75)  # quantiles of the FLOPs of the networks


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """Distinct networks of a space on a data set: scores by proxies, higher is better, true accuracy and FLOPs.

    network: which network a row is; after draws with replacement some are there more than once.
    """

    space: str
    dataset: str
    scores: dict[str, Float[Array, " n"]]
    truth: Float[Array, " n"]
    flops: Float[Array, " n"]
    network: Int[Array, " n"]

    def budgets(self) -> list[Truth]:
        """The true front within each of `BUDGETS`."""
        costs = self.flops[:, None]
        bounds = np.quantile(self.flops, BUDGETS)
        return [ground_truth(costs, self.truth, bounds=(bound,), groups=self.network) for bound in bounds]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A set of proxies and the name of an aggregation."""

    components: tuple[str, ...]
    aggregation: str


def main() -> None:
    """Print every candidate with its mean rank, and the chosen one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", nargs="+", default=POOL, help="proxies to choose from")
    parser.add_argument("--spaces", nargs="+", default=SPACES, help="spaces to judge on")
    parser.add_argument("--most", type=int, default=4, help="largest number of proxies in a combination")
    parser.add_argument("--top", type=float, default=20.0, help="percent of the networks for the second figure")
    parser.add_argument("--resamples", type=int, default=100, help="draws of the networks with replacement")
    arguments = parser.parse_args()
    tasks = [task for name in arguments.spaces for task in tasks_of(get_space(name), arguments.pool)]
    pool = [name for name in arguments.pool if all(name in task.scores for task in tasks)]
    for task in tasks:
        lacking = sorted(set(arguments.pool) - set(task.scores))
        print(f"{task.space}/{task.dataset}: {len(task.truth):,} networks; not scored: {', '.join(lacking) or '-'}")
    if not tasks or not pool:
        raise SystemExit("no proxy of the pool is scored on every task with known accuracies")
    candidates = candidates_of(pool, most=arguments.most)
    print(f"{len(candidates):,} candidates tried: 1 to {arguments.most} of {', '.join(pool)}; {len(tasks)} tasks")
    figures = [figures_of(task, candidates, percent=arguments.top) for task in tasks]
    chosen = report(tasks, candidates, figures)
    if arguments.resamples:
        places = places_of(tasks, candidates, chosen, percent=arguments.top, resamples=arguments.resamples)
        print(
            f"of {len(places)} draws of the networks it is first in {100 * np.mean(places == 0):.0f} %, "
            f"among the first twelve in {100 * np.mean(places < 12):.0f} %"
        )


def tasks_of(space: Space, pool: Sequence[str]) -> Iterable[Task]:
    """The data sets of a space for which accuracies and scores are at hand."""
    for dataset in space.datasets:
        accuracy = true_accuracy(space, dataset)
        if accuracy.percent is None:
            continue
        networks, truth = known_networks(space, accuracy)
        columns = {column.name: column.scores for column in scored_columns(space, dataset, (), vectors=networks)}
        scores = {name: columns[name] for name in pool if name in columns}
        having = [name for name, column in scores.items() if np.isfinite(column).sum() >= LEAST_NETWORKS]
        if not set(having) - {"params", "macs", "flops"}:
            continue
        common = ~np.isnan(np.stack([scores[name] for name in having])).any(axis=0)
        if common.sum() >= LEAST_NETWORKS:
            yield Task(
                space=space.name,
                dataset=dataset,
                scores={name: scores[name][common] for name in having},
                truth=truth[common],
                flops=space.counts(networks[common], dataset=dataset)["flops"].astype(np.float64),
                network=np.arange(common.sum()),
            )


def candidates_of(pool: Sequence[str], *, most: int) -> list[Candidate]:
    """All sets of 1 to `most` proxies under each aggregation; of one proxy alone, one."""
    sets = [chosen for size in range(1, most + 1) for chosen in combinations(pool, size)]
    return [
        Candidate(components=chosen, aggregation=aggregation)
        for chosen in sets
        for aggregation in (AGGREGATIONS if len(chosen) > 1 else ["rank_sum"])
    ]


def figures_of(task: Task, candidates: Sequence[Candidate], *, percent: float) -> Float[Array, "3 c"]:
    """Of each candidate Spearman's rho over all networks, over the best `percent`, and what its lists find.

    A figure is 0 where the candidate orders nothing, or no list can find anything.
    """
    names = list(task.scores)
    ranks = relative_ranks(np.stack([task.scores[name] for name in names], axis=1))
    by_aggregation = {name: transform(ranks) for name, transform in AGGREGATIONS.items()}
    best = top(task.truth, percent)
    budgets = task.budgets()
    figures = np.zeros((3, len(candidates)))
    for place, candidate in enumerate(candidates):
        columns = [names.index(name) for name in candidate.components]
        combined = by_aggregation[candidate.aggregation][:, columns].sum(axis=1)
        found = [compare_scores(combined, budget).relative_hypervolume or 0.0 for budget in budgets]
        rhos = spearman(combined, task.truth), spearman(combined[best], task.truth[best])
        figures[:, place] = (*rhos, np.mean(found))
    return np.nan_to_num(figures)


def mean_rank(tasks: Sequence[Task], figures: Sequence[Float[Array, "3 c"]]) -> Float[Array, " c"]:
    """Mean place of each candidate: over the figures and the tasks of a space, then over spaces."""
    spaces = dict.fromkeys(task.space for task in tasks)
    of_space = [
        mean_ranks(np.concatenate([f for task, f in zip(tasks, figures, strict=True) if task.space == space]))
        for space in spaces
    ]
    return np.asarray(np.mean(of_space, axis=0))


def places_of(
    tasks: Sequence[Task], candidates: Sequence[Candidate], chosen: int, *, percent: float, resamples: int
) -> Int[Array, " r"]:
    """Place of the chosen candidate, from 0, over draws of the networks of each task with replacement."""
    rng = np.random.default_rng(0)
    places = []
    for _ in range(resamples):
        drawn = [resampled(task, rng) for task in tasks]
        ranks = mean_rank(drawn, [figures_of(task, candidates, percent=percent) for task in drawn])
        places.append(int((ranks < ranks[chosen]).sum()))
    return np.array(places)


def resampled(task: Task, rng: np.random.Generator) -> Task:
    """As many networks as the task has, drawn with replacement."""
    rows = rng.integers(len(task.truth), size=len(task.truth))
    return replace(
        task,
        scores={name: scores[rows] for name, scores in task.scores.items()},
        truth=task.truth[rows],
        flops=task.flops[rows],
        network=task.network[rows],
    )


def report(tasks: Sequence[Task], candidates: Sequence[Candidate], figures: Sequence[Float[Array, "3 c"]]) -> int:
    """One line per candidate, best first, and the chosen one, whose place among `candidates` is returned."""
    ranks = mean_rank(tasks, figures)
    order = sorted(range(len(candidates)), key=lambda place: (ranks[place], len(candidates[place].components)))
    print("mean rank | rho over all / over the best / hypervolume of lists, per task | candidate")
    for place in order:
        rhos = "  ".join("/".join(f"{figure:.3f}" for figure in f[:, place]) for f in figures)
        candidate = candidates[place]
        print(f"{ranks[place]:9.1f} | {rhos} | {candidate.aggregation}: {', '.join(candidate.components)}")
    chosen = candidates[order[0]]
    print(f"chosen of {len(candidates):,}: {chosen.aggregation} of {', '.join(chosen.components)}", flush=True)
    return order[0]


if __name__ == "__main__":
    main()
