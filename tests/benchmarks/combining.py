"""Combinations of proxies on the spaces whose accuracies are known: candidates, how each is judged, draws of networks.

Shared by choose_auto.py and hindsight.py, which say what is asked of them.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Final, TypeVar

import numpy as np

from hwnas.api.accuracy import known_networks, true_accuracy
from hwnas.api.scored_columns import scored_columns
from hwnas.arrays import Array, Float, Int
from hwnas.metrics import spearman
from hwnas.pareto import Truth, compare_scores, ground_truth
from hwnas.proxies.combinations.aggregations import normal_scores, relative_ranks
from hwnas.rankings import mean_ranks, top
from hwnas.spaces import Space

LEAST_NETWORKS: Final = 50
BUDGETS: Final = tuple(np.arange(1, 10) / 10)  # quantiles of the FLOPs of the networks
T = TypeVar("T")
Aggregation = Callable[[Float[Array, "n p"], Float[Array, " p"]], Float[Array, " n"]]


def _unweighted(aggregate: Callable[[Float[Array, "n p"]], Float[Array, " n"]]) -> Aggregation:
    def aggregated(ranks: Float[Array, "n p"], weights: Float[Array, " p"]) -> Float[Array, " n"]:
        if len(set(weights)) > 1:
            raise ValueError(f"expected equal weights, got {weights}")
        return aggregate(ranks)

    return aggregated


def _alike_share(ranks: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Normal scores, each column weighted by 1 / the sum of its positive correlations with all: twins share a vote."""
    scores = normal_scores(ranks)
    return np.asarray(scores @ (1 / np.clip(_correlations(scores), 0, 1).sum(axis=1)))


def _one_factor(ranks: Float[Array, "n p"]) -> Float[Array, " n"]:
    """Normal scores, weighted by their loadings on one common factor, which grow with how well a column agrees with all
    others: if their errors were independent, with how right it is (Parisi et al. 2014, doi:10.1073/pnas.1219097111)."""
    scores = normal_scores(ranks)
    correlations, shared = _correlations(scores), np.full(scores.shape[1], 0.5)
    for _ in range(200):  # principal axes: the diagonal is what the factor explains, which is not known at first
        np.fill_diagonal(correlations, shared)
        values, vectors = np.linalg.eigh(correlations)
        loadings = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
        before, shared = shared, np.clip(loadings**2, 0, 0.995)
        if np.abs(shared - before).max() < 1e-6:
            break
    return np.asarray(scores @ (loadings * np.sign(loadings.sum())))


def _correlations(scores: Float[Array, "n p"]) -> Float[Array, "p p"]:
    """1 on the diagonal; a column that orders nothing correlates with no other."""
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = np.nan_to_num(np.corrcoef(scores.T).reshape(scores.shape[1], -1))
    np.fill_diagonal(correlations, 1.0)
    return np.asarray(correlations)


AGGREGATIONS: Final[dict[str, Aggregation]] = {  # of relative ranks, 1 the best, and weights
    "rank_sum": lambda ranks, weights: ranks @ weights,
    "log_rank_sum": lambda ranks, weights: np.log(ranks) @ weights,
    "normal_score_sum": lambda ranks, weights: normal_scores(ranks) @ weights,
    "top_heavy_sum": lambda ranks, weights: -np.log(1 - ranks + 1 / len(ranks)) @ weights,
    "median_rank": _unweighted(lambda ranks: np.median(ranks, axis=1)),
    "best_rank": _unweighted(lambda ranks: ranks.max(axis=1) + 1e-6 * ranks.sum(axis=1)),
    "alike_share": _unweighted(_alike_share),
    "one_factor": _unweighted(_one_factor),
    "majority": _unweighted(lambda ranks: np.array([np.sign(np.sign(r - ranks).sum(axis=1)).sum() for r in ranks])),
}
OF_CANDIDATES: Final = ("rank_sum", "log_rank_sum")


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
    """Proxies with their weights, and the name of an aggregation."""

    weights: dict[str, float]
    aggregation: str = "rank_sum"

    def on(self, task: Task) -> Candidate:
        """Without the proxies that the task has no scores by, as networks that lack feature maps have none by zen."""
        return replace(self, weights={name: weight for name, weight in self.weights.items() if name in task.scores})

    def __str__(self) -> str:
        equal = len(set(self.weights.values())) == 1
        parts = [name if equal else f"{weight:.2f} {name}" for name, weight in self.weights.items()]
        return f"{self.aggregation}: {', '.join(parts)}"


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
        Candidate(weights=dict.fromkeys(chosen, 1.0), aggregation=aggregation)
        for chosen in sets
        for aggregation in (OF_CANDIDATES if len(chosen) > 1 else ["rank_sum"])
    ]


def figures_of(task: Task, candidates: Sequence[Candidate], *, percent: float) -> Float[Array, "3 c"]:
    """Of each candidate Spearman's rho over all networks, over the best `percent`, and what its lists find.

    A figure is 0 where the candidate orders nothing, or no list can find anything.
    """
    names = list(task.scores)
    ranks = relative_ranks(np.stack([task.scores[name] for name in names], axis=1))
    best = top(task.truth, percent)
    budgets = task.budgets()
    figures = np.zeros((3, len(candidates)))
    for place, candidate in enumerate(candidates):
        columns = [names.index(name) for name in candidate.weights]
        weights = np.array(list(candidate.weights.values()))
        # Equal sums must be equal, as lists draw among them.
        combined = AGGREGATIONS[candidate.aggregation](ranks[:, columns], weights).round(12)
        found = [compare_scores(combined, budget).relative_hypervolume or 0.0 for budget in budgets]
        rhos = spearman(combined, task.truth), spearman(combined[best], task.truth[best])
        figures[:, place] = (*rhos, np.mean(found))
    return np.nan_to_num(figures)


def ranks_on_spaces(tasks: Sequence[Task], figures: Sequence[Float[Array, "3 c"]]) -> Float[Array, "s c"]:
    """Mean place of each candidate on each space, over the figures and the tasks of the space."""
    of_space = [np.concatenate(of_tasks) for of_tasks in by_space(tasks, figures).values()]
    return np.stack([mean_ranks(rows) for rows in of_space])


def draws_of(
    tasks: Sequence[Task], candidates: Sequence[Candidate], *, percent: float, resamples: int
) -> Iterator[Float[Array, "s c"]]:
    """Ranks of the candidates on each space, for draws of the networks of each task with replacement."""
    if resamples:
        with multiprocessing.get_context("spawn").Pool() as pool:
            yield from pool.imap(partial(_drawn, tasks, candidates, percent), range(resamples))


def _drawn(tasks: Sequence[Task], candidates: Sequence[Candidate], percent: float, seed: int) -> Float[Array, "s c"]:
    rng = np.random.default_rng(seed)
    drawn = [resampled(task, rng) for task in tasks]
    return ranks_on_spaces(drawn, [figures_of(task, candidates, percent=percent) for task in drawn])


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


def in_order(candidates: Sequence[Candidate], ranks: Float[Array, " c"]) -> list[int]:
    """Places of the candidates by rank, of equal ones first those with the fewest proxies."""
    return sorted(range(len(candidates)), key=lambda place: (ranks[place], len(candidates[place].weights)))


def by_space(tasks: Sequence[Task], things: Sequence[T]) -> dict[str, list[T]]:
    """One thing of each task, by the task's space."""
    grouped: dict[str, list[T]] = {}
    for task, thing in zip(tasks, things, strict=True):
        grouped.setdefault(task.space, []).append(thing)
    return grouped
