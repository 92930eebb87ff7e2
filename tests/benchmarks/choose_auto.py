"""What becomes `auto`: `python tests/benchmarks/choose_auto.py [--most 4] [--top 20] [--resamples 100]`.

Candidates are all sets of 1 to `--most` proxies of the pool, under each aggregation. Each is judged on spaces other
than NAS-Bench-201 and its sibling of sizes, whose accuracies are never read: networks that are the same count once,
with the mean accuracy of their twins. On every task a candidate has three places among all candidates: by Spearman's
rho over all networks, by the same over the `--top` percent with the best accuracy, and by what `hwnas pareto` would do
with it, the mean relative hypervolume of lists of 20 within as many FLOPs as a tenth, two tenths, ... of the networks
have. Its rank on a space is the mean over the three and over the tasks of the space; its rank on several spaces is the
mean over them, so that a space with many data sets weighs no more than one with one.

That a candidate is the first on some spaces does not say that it will be good on another. So rules are compared, each
of which makes a combination from what is known of some spaces:

- `first`: the candidate with the lowest rank, of equal ones the one with the fewest proxies;
- `best tenth`: the rank sum with weights that are the mean over the best tenth of the rank sums;
- `bagged networks`: the same over the first rank sum of each of `--resamples` draws of the networks with replacement;
- `bagged spaces`: the same, with spaces drawn with replacement too;
- `all`: the whole pool, with no look at any accuracy, under each of seven aggregations;
- `drawn 5`, `drawn 7`, `drawn 9`: so many of the pool, drawn by chance, by normal scores; the mean of twelve draws.

Each space in turn is left out; a rule sees the others, and what it makes is judged on the one left out, by the share of
the candidates that are better there. What the rule with the smallest mean share makes of all spaces is written into
hwnas/proxies/combinations/auto.py by hand. Where it is one of `all`, the choice of its aggregation saw every space: the
line `all, chosen` is of an aggregation that was chosen on the other spaces, and judged on the one left out.

It reads the samples of scores that are shipped, what `hwnas score --all --space ...` left in the cache, and the
accuracies that `hwnas data pull nas-bench-macro transnas101 autoprox-vit` brought. A hundred draws take about half
an hour on two cores; `--resamples 0` leaves the two rules out that need them.
"""

from __future__ import annotations

import argparse
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
from hwnas.spaces import Space, get_space

SPACES: Final = ("nas-bench-macro", "transnas-micro", "autoformer", "pit")
POOL: Final = (  # those that every sample has
    *("params", "flops", "naswot", "naswot_eval", "synflow", "snip", "jacob_cov"),
    *("az_expressivity", "az_progressivity", "az_trainability"),
)
Aggregation = Callable[[Float[Array, "n p"], Float[Array, " p"]], Float[Array, " n"]]


def _unweighted(aggregate: Callable[[Float[Array, "n p"]], Float[Array, " n"]]) -> Aggregation:
    def aggregated(ranks: Float[Array, "n p"], weights: Float[Array, " p"]) -> Float[Array, " n"]:
        if len(set(weights)) > 1:
            raise ValueError(f"expected equal weights, got {weights}")
        return aggregate(ranks)

    return aggregated


AGGREGATIONS: Final[dict[str, Aggregation]] = {  # of relative ranks, 1 the best, and weights
    "rank_sum": lambda ranks, weights: ranks @ weights,
    "log_rank_sum": lambda ranks, weights: np.log(ranks) @ weights,
    "normal_score_sum": lambda ranks, weights: normal_scores(ranks) @ weights,
    "top_heavy_sum": lambda ranks, weights: -np.log(1 - ranks + 1 / len(ranks)) @ weights,
    "median_rank": _unweighted(lambda ranks: np.median(ranks, axis=1)),
    "best_rank": _unweighted(lambda ranks: ranks.max(axis=1) + 1e-6 * ranks.sum(axis=1)),
    "majority": _unweighted(lambda ranks: np.array([np.sign(np.sign(r - ranks).sum(axis=1)).sum() for r in ranks])),
}
OF_CANDIDATES: Final = ("rank_sum", "log_rank_sum")
DRAWN: Final = (5, 7, 9)  # sizes of sets that are drawn by chance
DRAWS: Final = 12
LEAST_NETWORKS: Final = 50
BUDGETS: Final = tuple(np.arange(1, 10) / 10)  # quantiles of the FLOPs of the networks
T = TypeVar("T")


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

    def __str__(self) -> str:
        equal = len(set(self.weights.values())) == 1
        parts = [name if equal else f"{weight:.2f} {name}" for name, weight in self.weights.items()]
        return f"{self.aggregation}: {', '.join(parts)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """What a rule may look at: rank of each candidate on each space, and the same for draws of their networks."""

    candidates: Sequence[Candidate]
    ranks: Float[Array, "s c"]
    draws: Float[Array, "r s c"]

    @property
    def pool(self) -> list[str]:
        """All proxies that a candidate is made of."""
        return list(dict.fromkeys(name for candidate in self.candidates for name in candidate.weights))

    def without(self, space: int) -> Known:
        """All but one space."""
        return replace(self, ranks=np.delete(self.ranks, space, axis=0), draws=np.delete(self.draws, space, axis=1))

    def order(self, ranks: Float[Array, " c"], *, rank_sums: bool = False) -> list[Candidate]:
        """Candidates by their rank, of equal ones first those with the fewest proxies."""
        places = sorted(range(len(ranks)), key=lambda place: (ranks[place], len(self.candidates[place].weights)))
        ordered = [self.candidates[place] for place in places]
        return [each for each in ordered if each.aggregation == "rank_sum"] if rank_sums else ordered


def main() -> None:
    """Print every candidate with its rank, every rule on every space left out, and what is chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", nargs="+", default=POOL, help="proxies to choose from")
    parser.add_argument("--spaces", nargs="+", default=SPACES, help="spaces to judge on, two or more")
    parser.add_argument("--most", type=int, default=4, help="largest number of proxies in a candidate")
    parser.add_argument("--top", type=float, default=20.0, help="percent of the networks for the second figure")
    parser.add_argument("--resamples", type=int, default=100, help="draws of the networks with replacement")
    arguments = parser.parse_args()
    tasks = [task for name in arguments.spaces for task in tasks_of(get_space(name), arguments.pool)]
    pool = [name for name in arguments.pool if all(name in task.scores for task in tasks)]
    for task in tasks:
        lacking = sorted(set(arguments.pool) - set(task.scores))
        print(f"{task.space}/{task.dataset}: {len(task.truth):,} networks; not scored: {', '.join(lacking) or '-'}")
    if len({task.space for task in tasks}) < 2 or not pool:
        raise SystemExit("no proxy of the pool is scored on two spaces or more with known accuracies")
    candidates = candidates_of(pool, most=arguments.most)
    print(f"{len(candidates):,} candidates tried: 1 to {arguments.most} of {', '.join(pool)}; {len(tasks)} tasks")
    figures = [figures_of(task, candidates, percent=arguments.top) for task in tasks]
    report_candidates(tasks, candidates, figures)
    draws = list(draws_of(tasks, candidates, percent=arguments.top, resamples=arguments.resamples))
    report_rules(tasks, candidates, figures, draws, percent=arguments.top)


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
    of_space = [np.concatenate(of_tasks) for of_tasks in _by_space(tasks, figures).values()]
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


def first(known: Known) -> Candidate:
    """The candidate with the lowest rank."""
    return known.order(known.ranks.mean(axis=0))[0]


def best_tenth(known: Known) -> Candidate:
    """The mean of the best tenth of the rank sums."""
    ordered = known.order(known.ranks.mean(axis=0), rank_sums=True)
    return mean_of(ordered[: max(1, len(ordered) // 10)])


def bagged(known: Known, *, spaces: bool) -> Candidate:
    """The mean of the first rank sums of all draws; spaces: they are drawn with replacement too."""
    rng = np.random.default_rng(0)
    n = len(known.ranks)
    drawn = [draw[rng.choice(n, size=n)] if spaces else draw for draw in known.draws]
    return mean_of([known.order(ranks.mean(axis=0), rank_sums=True)[0] for ranks in drawn])


def everything(known: Known, *, aggregation: str) -> Candidate:
    """The whole pool, whatever is known."""
    return Candidate(weights=dict.fromkeys(known.pool, 1.0), aggregation=aggregation)


def mean_of(candidates: Sequence[Candidate]) -> Candidate:
    """One rank sum for many: the mean of their weights, each with a total of 1."""
    weights: dict[str, float] = {}
    for candidate in candidates:
        total = sum(candidate.weights.values()) * len(candidates)
        for name, weight in candidate.weights.items():
            weights[name] = weights.get(name, 0.0) + weight / total
    return Candidate(weights=weights)


RULES: Final[dict[str, Callable[[Known], Candidate]]] = {
    "first": first,
    "best tenth": best_tenth,
    "bagged networks": partial(bagged, spaces=False),
    "bagged spaces": partial(bagged, spaces=True),
    **{f"all, {name}": partial(everything, aggregation=name) for name in AGGREGATIONS},
}


def report_rules(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    figures: Sequence[Float[Array, "3 c"]],
    draws: Sequence[Float[Array, "s c"]],
    *,
    percent: float,
) -> Candidate:
    """Print what each rule comes to on each space left out, and what the best of them makes of all spaces: that."""
    ranks = ranks_on_spaces(tasks, figures)
    known = Known(candidates=candidates, ranks=ranks, draws=np.array(draws).reshape(-1, *ranks.shape))
    rules = {name: rule for name, rule in RULES.items() if draws or not name.startswith("bagged")}
    by_space = list(_by_space(tasks, list(zip(tasks, figures, strict=True))).values())
    shares = {name: shares_of(rule, known, by_space, percent=percent) for name, rule in rules.items()}
    made = {name: rule(known) for name, rule in rules.items()}
    beside = {"all, chosen": nested({name: share for name, share in shares.items() if name.startswith("all")})}
    for size in DRAWN:
        beside[f"drawn {size}"] = of_drawn(size, known, by_space, percent=percent)
    print(
        "share of the candidates that are better on the space left out (%): mean | by space | by figure | of all spaces"
    )
    for name, share in {**shares, **beside}.items():
        means = [" / ".join(f"{each:.1f}" for each in share.mean(axis=axis)) for axis in (1, 0)]
        print(f"{name}: {share.mean():.1f} | {means[0]} | {means[1]} | {made.get(name, '-')}")
    chosen = best_of(shares)
    print(f"chosen: {chosen}, of all spaces {made[chosen]}", flush=True)
    return made[chosen]


Judged = tuple[Task, Float[Array, "3 c"]]  # a task with the figures of all candidates


def shares_of(
    rule: Callable[[Known], Candidate], known: Known, by_space: Sequence[Sequence[Judged]], *, percent: float
) -> Float[Array, "s 3"]:
    """Percent of the candidates that are better than what the rule makes of the other spaces, for each left out."""
    return np.stack([share_on(rule(known.without(i)), judged, percent=percent) for i, judged in enumerate(by_space)])


def of_drawn(size: int, known: Known, by_space: Sequence[Sequence[Judged]], *, percent: float) -> Float[Array, "s 3"]:
    """The mean share of sets of `size` proxies that are drawn by chance."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(known.pool, size=min(size, len(known.pool)), replace=False) for _ in range(DRAWS)]
    sets = [Candidate(weights=dict.fromkeys(names, 1.0), aggregation="normal_score_sum") for names in drawn]
    shares = [[share_on(each, judged, percent=percent) for judged in by_space] for each in sets]
    return np.asarray(np.mean(shares, axis=0))


def share_on(made: Candidate, judged: Sequence[Judged], *, percent: float) -> Float[Array, " 3"]:
    """Percent of the candidates with a higher figure, equal ones by half: the mean over the tasks of a space."""
    shares = []
    for task, figures in judged:
        reached = figures_of(task, [made], percent=percent)
        above, not_below = figures > reached + 1e-12, figures > reached - 1e-12
        shares.append(50 * (above.mean(axis=1) + not_below.mean(axis=1)))
    return np.asarray(np.mean(shares, axis=0))


def best_of(shares: dict[str, Float[Array, "s 3"]]) -> str:
    """The rule with the smallest mean share."""
    return min(shares, key=lambda name: shares[name].mean())


def nested(shares: dict[str, Float[Array, "s 3"]]) -> Float[Array, "s 3"]:
    """Shares of the rule that was the best on the other spaces, for each space left out."""
    spaces = range(len(next(iter(shares.values()))))
    chosen = [best_of({name: np.delete(share, space, axis=0) for name, share in shares.items()}) for space in spaces]
    return np.stack([shares[name][space] for space, name in zip(spaces, chosen, strict=True)])


def report_candidates(
    tasks: Sequence[Task], candidates: Sequence[Candidate], figures: Sequence[Float[Array, "3 c"]]
) -> None:
    """One line per candidate, the one with the lowest rank over all spaces first."""
    ranks = ranks_on_spaces(tasks, figures).mean(axis=0)
    print("rank | rho over all / over the best / hypervolume of lists, per task | candidate")
    for place in sorted(range(len(candidates)), key=lambda place: (ranks[place], len(candidates[place].weights))):
        of_tasks = "  ".join("/".join(f"{figure:.3f}" for figure in its[:, place]) for its in figures)
        print(f"{ranks[place]:5.1f} | {of_tasks} | {candidates[place]}")


def _by_space(tasks: Sequence[Task], things: Sequence[T]) -> dict[str, list[T]]:
    """One thing of each task, by the task's space."""
    grouped: dict[str, list[T]] = {}
    for task, thing in zip(tasks, things, strict=True):
        grouped.setdefault(task.space, []).append(thing)
    return grouped


if __name__ == "__main__":
    main()
