"""The shortlist of K nets: what a person would train and measure next, given costs, a score and a budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwnas.arrays import Array, Float, Int, Integer
from hwnas.errors import UsageError
from hwnas.pareto.dominance import non_dominated
from hwnas.pareto.feasibility import (
    Bounds,
    cheapest_first,
    check_column,
    check_costs,
    check_groups,
    feasible,
    first_of_each,
    known,
    whole_number,
)

DEFAULT_K = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Shortlist:
    """At most `k` nets, by ascending cost on the leading axis (the first bounded one, else the first).

    indices: rows of the cost matrix; ranks: the non-dominated rank of each, 0 for the front of (costs, -score).
    feasible: nets that meet the bounds; missing: nets with a NaN cost; unscored: feasible nets with a NaN score.
    drawn: whether another seed could list other networks; drawn_twins: or other nets of the same networks.
    """

    indices: Int[Array, " s"]
    ranks: Int[Array, " s"]
    k: int
    bounds: tuple[float | None, ...]
    feasible: int
    missing: int
    unscored: int
    drawn: bool
    drawn_twins: bool

    def __len__(self) -> int:
        return len(self.indices)


def shortlist(
    costs: Float[Array, "n m"],
    scores: Float[Array, " n"],
    *,
    bounds: Bounds,
    k: int = DEFAULT_K,
    groups: Integer[Array, " n"] | None = None,
    seed: int = 0,
) -> Shortlist:
    """Choose k feasible nets by costs and score.

    The nets are sorted into non-dominated ranks of (costs, -score). Whole ranks are listed while they fit; of the
    rank that does not, nets at evenly spaced positions along the leading cost axis, both ends included. Where that
    rank gets a single place, its best score takes it, so that k = 1 is the feasible net with the best score.
    scores: more is better; NaN (no score) is never listed and counted, infinite scores order as they compare.
    groups: network ids; each network takes part once, as its cheapest scored net. None compares net by net (`--raw`).
    seed: of nets with equal costs and equal score, a draw decides which comes first.
    Raises `UsageError` for k below 1, infinite costs, what is no number, or arguments that do not fit together.
    """
    costs, k = check_costs(costs, bounds), whole_number("k, the length of a shortlist,", k)
    if k < 1:
        raise UsageError(f"expected a shortlist of at least 1 net, got k = {k}")
    scores = check_column("one score", scores, len(costs))
    mask, unscored = feasible(costs, bounds), np.isnan(scores)
    draw = np.random.default_rng(seed).random(len(costs))
    rows = cheapest_first(costs, bounds, np.flatnonzero(mask & ~unscored), -scores, draw)
    twins = _has_ties(costs, scores, rows)
    if groups is not None:
        rows = first_of_each(check_groups(groups, len(costs)), rows)
    positions, ranks = _choose(np.column_stack([costs[rows], -scores[rows]]), k)
    return Shortlist(
        indices=rows[positions],
        ranks=ranks,
        k=k,
        bounds=tuple(bounds),
        feasible=int(mask.sum()),
        missing=int((~known(costs)).sum()),
        unscored=int((mask & unscored).sum()),
        drawn=twins and _has_ties(costs, scores, rows),
        drawn_twins=twins,
    )


def _has_ties(costs: Float[Array, "n m"], scores: Float[Array, " n"], rows: Int[Array, " r"]) -> bool:
    """Whether a draw decided the order of sorted rows: two that follow each other are equal in all costs and score."""
    equal = (costs[rows[1:]] == costs[rows[:-1]]).all(axis=1) & (scores[rows[1:]] == scores[rows[:-1]])
    return bool(equal.any())


def _choose(points: Float[Array, "n p"], k: int) -> tuple[Int[Array, " s"], Int[Array, " s"]]:
    """Positions of k points, ascending, and their ranks. Ranks are peeled off only until k is filled."""
    rest = np.arange(len(points))
    chosen: list[Int[Array, " r"]] = []
    places = k
    while places and len(rest):
        mask = non_dominated(points[rest])
        rank = rest[mask]
        if len(rank) > places:
            rank = rank[[points[rank, -1].argmin()]] if places == 1 else rank[_evenly_spaced(len(rank), places)]
        chosen.append(rank)
        places -= len(rank)
        rest = rest[~mask]
    positions = np.concatenate([np.zeros(0, dtype=np.int64), *chosen])
    ranks = np.repeat(np.arange(len(chosen)), [len(rank) for rank in chosen])
    order = np.argsort(positions)
    return positions[order], ranks[order]


def _evenly_spaced(n: int, places: int) -> Int[Array, " places"]:
    """`places` (at least 2, at most n) distinct positions of 0 .. n-1 with both ends, gaps equal to within one."""
    # In whole numbers: rounding half to even, as numpy does, makes uneven gaps.
    gaps = places - 1
    return (np.arange(places) * (n - 1) + gaps // 2) // gaps
