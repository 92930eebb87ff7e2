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
- `all`: the whole pool, with no look at any accuracy, under each of nine aggregations;
- `drawn 5`, `drawn 7`, `drawn 9`: so many of the pool, drawn by chance, by normal scores; the mean of twelve draws.

Each space in turn is left out; a rule sees the others, and what it makes is judged on the one left out, by the share of
the candidates that are better there. What the rule with the smallest mean share makes of all spaces is written into
hwnas/proxies/combinations/auto.py by hand. Where it is one of `all`, the choice of its aggregation saw every space: the
line `all, chosen` is of an aggregation that was chosen on the other spaces, and judged on the one left out.

Proxies that not all networks can have scores by, or that came later, are tried as further parts of what is chosen: the
one that lowers its mean share over the spaces most joins, then the next, as long as one does. A space whose networks
have no score by one goes without. All of them are judged on the networks that have scores by all.

It reads the samples of scores that are shipped, what `hwnas score --all --space ...` left in the cache, and the
accuracies that `hwnas data pull nas-bench-macro transnas101 accel-nasbench autoprox-vit` brought. A hundred draws take
about half an hour on two cores; `--resamples 0` leaves the two rules out that need them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from combining import (
    AGGREGATIONS,
    Candidate,
    Task,
    by_space,
    candidates_of,
    draws_of,
    figures_of,
    in_order,
    ranks_on_spaces,
    tasks_of,
)

from hwnas.arrays import Array, Float
from hwnas.spaces import get_space

SPACES: Final = ("nas-bench-macro", "transnas-micro", "accel-nasbench", "autoformer", "pit")
POOL: Final = (  # those that every sample has
    *("params", "flops", "naswot", "naswot_eval", "synflow", "snip", "jacob_cov"),
    *("az_expressivity", "az_progressivity", "az_trainability"),
)
FURTHER: Final = ("zen", "meco", "near")  # those that every sample has whose networks can have them
DRAWN: Final = (5, 7, 9)  # sizes of sets that are drawn by chance
DRAWS: Final = 12


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
        ordered = [self.candidates[place] for place in in_order(self.candidates, ranks)]
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
    made = report_rules(tasks, candidates, figures, draws, percent=arguments.top)
    wider = [task for name in arguments.spaces for task in tasks_of(get_space(name), (*arguments.pool, *FURTHER))]
    report_further(wider, candidates, made, percent=arguments.top)


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


Rule = Callable[[Known], Candidate]
LEARNING: Final[dict[str, Rule]] = {"first": first, "best tenth": best_tenth}
OF_DRAWS: Final[dict[str, Rule]] = {
    "bagged networks": partial(bagged, spaces=False),
    "bagged spaces": partial(bagged, spaces=True),
}
OF_ALL: Final[dict[str, Rule]] = {f"all, {name}": partial(everything, aggregation=name) for name in AGGREGATIONS}


def report_candidates(
    tasks: Sequence[Task], candidates: Sequence[Candidate], figures: Sequence[Float[Array, "3 c"]]
) -> None:
    """One line per candidate, the one with the lowest rank over all spaces first."""
    ranks = ranks_on_spaces(tasks, figures).mean(axis=0)
    print("rank | rho over all / over the best / hypervolume of lists, per task | candidate")
    for place in in_order(candidates, ranks):
        of_tasks = "  ".join("/".join(f"{figure:.3f}" for figure in its[:, place]) for its in figures)
        print(f"{ranks[place]:5.1f} | {of_tasks} | {candidates[place]}")


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
    rules = {**LEARNING, **(OF_DRAWS if draws else {}), **OF_ALL}
    judged = list(by_space(tasks, list(zip(tasks, figures, strict=True))).values())
    shares = {name: shares_of(rule, known, judged, percent=percent) for name, rule in rules.items()}
    made = {name: rule(known) for name, rule in rules.items()}
    beside = {"all, chosen": nested({name: shares[name] for name in OF_ALL})}
    for size in DRAWN:
        beside[f"drawn {size}"] = of_drawn(size, known, judged, percent=percent)
    print(
        "share of the candidates that are better on the space left out (%): mean | by space | by figure | of all spaces"
    )
    for name, share in {**shares, **beside}.items():
        print(f"{name}: {_means(share)} | {made.get(name, '-')}")
    chosen = best_of(shares)
    print(f"chosen: {chosen}, of all spaces {made[chosen]}", flush=True)
    return made[chosen]


def report_further(
    tasks: Sequence[Task], candidates: Sequence[Candidate], made: Candidate, *, percent: float
) -> Candidate:
    """Print what each further proxy would do to what was chosen, one after the other: that with those that join."""
    figures = [figures_of(task, candidates, percent=percent) for task in tasks]
    judged = list(by_space(tasks, list(zip(tasks, figures, strict=True))).values())
    networks = ", ".join(f"{task.space} {len(task.truth):,}" for task in tasks)
    print(f"further parts, on the networks that all score ({networks}): mean | by space | by figure")

    def shares(candidate: Candidate) -> Float[Array, "s 3"]:
        return np.stack([share_on(candidate, its, percent=percent) for its in judged])

    reached, left = shares(made), list(FURTHER)
    print(f"{made}: {_means(reached)}")
    while left:
        tried = {name: shares(replace(made, weights={**made.weights, name: 1.0})) for name in left}
        for name, share in tried.items():
            print(f"and {name}: {_means(share)}")
        best = best_of(tried)
        if tried[best].mean() >= reached.mean():
            break
        reached, made = tried[best], replace(made, weights={**made.weights, best: 1.0})
        left.remove(best)
        print(f"{best} joins")
    print(f"with all that join: {made}", flush=True)
    return made


def _means(share: Float[Array, "s 3"]) -> str:
    by = [" / ".join(f"{each:.1f}" for each in share.mean(axis=axis)) for axis in (1, 0)]
    return f"{share.mean():.1f} | {by[0]} | {by[1]}"


Judged = tuple[Task, Float[Array, "3 c"]]  # a task with the figures of all candidates


def shares_of(rule: Rule, known: Known, judged: Sequence[Sequence[Judged]], *, percent: float) -> Float[Array, "s 3"]:
    """Percent of the candidates that are better than what the rule makes of the other spaces, for each left out."""
    return np.stack([share_on(rule(known.without(i)), its, percent=percent) for i, its in enumerate(judged)])


def of_drawn(size: int, known: Known, judged: Sequence[Sequence[Judged]], *, percent: float) -> Float[Array, "s 3"]:
    """The mean share of sets of `size` proxies that are drawn by chance."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(known.pool, size=min(size, len(known.pool)), replace=False) for _ in range(DRAWS)]
    sets = [Candidate(weights=dict.fromkeys(names, 1.0), aggregation="normal_score_sum") for names in drawn]
    shares = [[share_on(each, its, percent=percent) for its in judged] for each in sets]
    return np.asarray(np.mean(shares, axis=0))


def share_on(made: Candidate, judged: Sequence[Judged], *, percent: float) -> Float[Array, " 3"]:
    """Percent of the candidates with a higher figure, equal ones by half: the mean over the tasks of a space."""
    shares = []
    for task, figures in judged:
        reached = figures_of(task, [made.on(task)], percent=percent)
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


if __name__ == "__main__":
    main()
