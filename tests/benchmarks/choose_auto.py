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
- `all`: the whole pool, with no look at any accuracy, under each of seven aggregations.

Each space in turn is left out; a rule sees the others, and what it makes is judged on the one left out, by the share of
the candidates that are better there. The rule with the smallest mean share is applied to all spaces (of those within
half a point of it, the one with the smallest share on its worst figure); what it makes is written into
hwnas/proxies/combinations/auto.py by hand.

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
AGGREGATIONS: Final = ("rank_sum", "log_rank_sum")  # of the candidates
SUMS: Final[dict[str, Callable[[Float[Array, "n p"]], Float[Array, "n p"]]]] = {  # of what relative ranks are made to
    "rank_sum": lambda ranks: ranks,
    "log_rank_sum": np.log,
    "normal_score_sum": normal_scores,
    "top_heavy_sum": lambda ranks: -np.log(1 - ranks + 1 / len(ranks)),
}
OTHERS: Final[dict[str, Callable[[Float[Array, "n p"]], Float[Array, " n"]]]] = {  # without weights
    "median_rank": lambda ranks: np.median(ranks, axis=1),
    "best_rank": lambda ranks: ranks.max(axis=1) + 1e-6 * ranks.sum(axis=1),
    "majority": lambda ranks: np.array([np.sign(np.sign(row - ranks).sum(axis=1)).sum() for row in ranks]),
}
LEAST_NETWORKS: Final = 50
ALIKE: Final = 0.5  # percent of the candidates
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
    choose(tasks, candidates, figures, draws, percent=arguments.top)


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
        for aggregation in (AGGREGATIONS if len(chosen) > 1 else ["rank_sum"])
    ]


def figures_of(task: Task, candidates: Sequence[Candidate], *, percent: float) -> Float[Array, "3 c"]:
    """Of each candidate Spearman's rho over all networks, over the best `percent`, and what its lists find.

    A figure is 0 where the candidate orders nothing, or no list can find anything.
    """
    names = list(task.scores)
    ranks = relative_ranks(np.stack([task.scores[name] for name in names], axis=1))
    summands = {name: transform(ranks) for name, transform in SUMS.items()}
    best = top(task.truth, percent)
    budgets = task.budgets()
    figures = np.zeros((3, len(candidates)))
    for place, candidate in enumerate(candidates):
        weights = np.array([candidate.weights.get(name, 0.0) for name in names])
        if candidate.aggregation in SUMS:
            combined = summands[candidate.aggregation] @ weights
        else:
            combined = OTHERS[candidate.aggregation](ranks[:, weights > 0])
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
    pool = {name: 1.0 for candidate in known.candidates for name in candidate.weights}
    return Candidate(weights=pool, aggregation=aggregation)


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
    **{f"all, {name}": partial(everything, aggregation=name) for name in (*SUMS, *OTHERS)},
}


def choose(
    tasks: Sequence[Task],
    candidates: Sequence[Candidate],
    figures: Sequence[Float[Array, "3 c"]],
    draws: Sequence[Float[Array, "s c"]],
    *,
    percent: float,
) -> Candidate:
    """Print what each rule comes to on each space left out; what the best of them makes of all spaces is returned."""
    ranks = ranks_on_spaces(tasks, figures)
    known = Known(candidates=candidates, ranks=ranks, draws=np.array(draws).reshape(-1, *ranks.shape))
    rules = {name: rule for name, rule in RULES.items() if draws or not name.startswith("bagged")}
    print("rule: space left out | percent of the candidates that are better there | what the rule made of the others")
    shares = {}  # by figure
    for name, rule in rules.items():
        of_spaces = []
        for place, (space, its_tasks) in enumerate(_by_space(tasks, tasks).items()):
            made = rule(known.without(place))
            reached = [figures_of(task, [made], percent=percent) for task in its_tasks]
            of_spaces.append(100 * np.mean(better(reached, _by_space(tasks, figures)[space]), axis=0))
            print(f"{name}: {space} | {of_spaces[-1].mean():5.1f} | {made}")
        shares[name] = np.mean(of_spaces, axis=0)
    for name, share in shares.items():
        by_figure = " / ".join(f"{each:.1f}" for each in share)
        print(f"{name}: on a space not seen, {share.mean():.1f} % of the candidates are better; by figure {by_figure}")
    means = {name: share.mean() for name, share in shares.items()}
    alike = [name for name, mean in means.items() if mean < min(means.values()) + ALIKE]
    chosen = min(alike, key=lambda name: shares[name].max())
    made = rules[chosen](known)
    print(f"chosen: {chosen}, of all spaces {made}", flush=True)
    return made


def better(reached: Sequence[Float[Array, "3 1"]], figures: Sequence[Float[Array, "3 c"]]) -> list[Float[Array, " 3"]]:
    """Share of the candidates with a higher figure than the reached one, equal ones by half, for each task."""
    pairs = zip(reached, figures, strict=True)
    return [((its > one + 1e-12).mean(axis=1) + (its > one - 1e-12).mean(axis=1)) / 2 for one, its in pairs]


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
