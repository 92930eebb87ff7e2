"""N proposals by discretising a supernet again and again, and V validations that choose among them.

Xiang et al. 2023, section 4.2: proposals differ by the order of edges and by the images that score them; the one with
the largest sum of V scores of the architecture itself wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from hwnas.arrays import Array, Float, Int
from hwnas.errors import UsageError
from hwnas.search.operations.discretise import Allowed, Plan, Score, discretise
from hwnas.search.operations.joins import keep_two


@final
@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a supernet was discretised to: the operation of each edge, -1 where the edge was not kept.

    count: how many of the proposals it was. score: sum over validations; minus infinity where one was NaN, None before.
    """

    vector: tuple[int, ...]
    count: int
    score: float | None = None


def propose(  # noqa: PLR0913 - what is scored, how often, how, and what may come out
    score: Callable[[int], Score],
    *,
    choices: Sequence[int],
    joins: Sequence[Sequence[int]] = (),
    n: int,
    plan: Plan,
    seed: int,
    allowed: Allowed | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Proposal]:
    """Distinct architectures of n proposals, in the order in which they first came up.

    score: the score function of each proposal by its number, so that it may draw its own images. joins: edges into each
    node, of which two are kept. Same seed, same proposals. Raises `UsageError` for n below 1.
    """
    if n < 1:
        raise UsageError(f"expected at least 1 proposal, got {n}")
    rng = np.random.default_rng(seed)
    counts: dict[tuple[int, ...], int] = {}
    for number in range(n):
        its = score(number)
        found: Int[Array, " e"] = discretise(its, choices=choices, plan=plan, rng=rng, allowed=allowed)
        found = keep_two(its, found, operations=choices[0], joins=joins, plan=plan, rng=rng)
        vector = tuple(found.tolist())
        counts[vector] = counts.get(vector, 0) + 1
        progress(number + 1, n)
    return [Proposal(vector=vector, count=count) for vector, count in counts.items()]


def validate(proposals: Sequence[Proposal], scores: Float[Array, "p v"]) -> list[Proposal]:
    """Proposals with the sum of their scores, best first; equal ones by how often they were proposed.

    scores: of each proposal in each validation. Raises `UsageError` where they do not fit.
    """
    if scores.ndim != 2 or len(scores) != len(proposals):
        raise UsageError(f"expected scores of {len(proposals)} proposals, got an array of shape {scores.shape}")
    sums = np.where(np.isnan(scores).any(axis=1), -np.inf, scores.sum(axis=1))
    known = [
        Proposal(vector=proposal.vector, count=proposal.count, score=float(total))
        for proposal, total in zip(proposals, sums, strict=True)
    ]
    return sorted(known, key=lambda proposal: (-(proposal.score or 0.0), -proposal.count))
