"""From a supernet to one architecture, edge by edge (Xiang et al. 2023, section 4). Numpy only: a score is a function.

The state of a supernet is a matrix of mixing weights: row e holds the weights of the operations on edge e. An undecided
edge mixes its o operations with 1/o each; a decided one has a single 1. An operation is perturbed by setting its weight
to 0 and leaving the others as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, final, get_args

import numpy as np

from hwnas.arrays import Array, Bool, Float, Int
from hwnas.errors import UnknownNameError, UsageError

Order = Literal["fixed", "random", "global-op-iter", "global-op-once", "global-edge-iter", "global-edge-once", "joint"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
_UNKNOWN: Final = 1e30  # worth of an operation whose score is infinite
# Score of a supernet with mixing weights (e, o), higher is better; and how many edges are decided, as each step may
# look at other images.
Score = Callable[[Float[Array, "e o"], int], float]
# Which operations an edge may still take: (choices, -1 where undecided; edge) to a mask over operations.
Allowed = Callable[[Int[Array, " e"], int], Bool[Array, " o"]]


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a supernet is discretised.

    order: in which order edges are decided. "fixed" from input to output; "random"; "global-op-iter" takes at each step
    the most important operation of all edges, "global-op-once" orders edges by that once; "global-edge-iter" and
    "global-edge-once" do so by the mean score of the operations of an edge. "joint", not of the paper, scores all
    operations of the undecided supernet and takes, of all architectures that are allowed, the one with the largest sum
    of importances: within a budget the others spend it on whichever edges come first.
    perturb: True scores an operation by the supernet without it, and the lowest score is the most important operation
    (Zero-Cost-PT); False by the supernet whose edge has nothing else, and the highest is (Zero-Cost-Disc).

    Raises `UnknownNameError` for another order.
    """

    order: str = "random"
    perturb: bool = True

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise UnknownNameError("order of edges", self.order, ORDERS)


def discretise(
    score: Score,
    *,
    choices: Sequence[int],
    plan: Plan,
    rng: np.random.Generator,
    allowed: Allowed | None = None,
) -> Int[Array, " e"]:
    """The operation of each edge, decided one edge after the other.

    choices: number of operations of each edge, the same for all. allowed: operations that an edge may take, given what
    is decided; None for all. Operations that are not allowed are not scored. A score of NaN is never chosen.
    Raises `UsageError` where edges have different numbers of operations or no operation is left.
    """
    if len(set(choices)) != 1:
        raise UsageError(f"expected edges with the same number of operations, got {tuple(choices)}")
    state = _State(score, len(choices), choices[0], plan, allowed)
    if plan.order == "joint":
        return _jointly(state)
    order = _order_once(state, rng)
    while (undecided := state.undecided).size:
        edge = int(order[state.steps]) if order is not None else _next_edge(state, undecided)
        state.decide(edge)
    return state.decided


@final
class _State:
    """Mixing weights, what is decided, and the importance of operations in the present state."""

    def __init__(self, score: Score, edges: int, operations: int, plan: Plan, allowed: Allowed | None) -> None:
        self.score, self.plan, self.allowed = score, plan, allowed
        self.operations = operations
        self.weights = np.full((edges, operations), 1.0 / operations)
        self.decided = np.full(edges, -1, dtype=np.int64)
        self.steps = 0
        self._known: dict[int, Float[Array, " o"]] = {}

    @property
    def undecided(self) -> Int[Array, " u"]:
        return np.flatnonzero(self.decided < 0)

    def importance(self, edge: int) -> Float[Array, " o"]:
        """Of each operation on an edge, higher is more important; minus infinity where not allowed or NaN."""
        if edge not in self._known:
            self._known[edge] = self._importance(edge)
        return self._known[edge]

    def _importance(self, edge: int) -> Float[Array, " o"]:
        mask = self.allowed_on(edge)
        found = np.full(self.operations, -np.inf)
        for operation in np.flatnonzero(mask):
            weights = self.weights.copy()
            if self.plan.perturb:
                weights[edge, operation] = 0.0
            else:
                weights[edge] = 0.0
                weights[edge, operation] = 1.0
            value = self.score(weights, self.steps)
            found[operation] = -np.inf if np.isnan(value) else (-value if self.plan.perturb else value)
        return found

    def allowed_on(self, edge: int) -> Bool[Array, " o"]:
        """Operations that an edge may take, given what is decided. Raises `UsageError` where there is none."""
        if self.allowed is None:
            return np.ones(self.operations, dtype=np.bool_)
        mask = self.allowed(self.decided, edge)
        if not mask.any():
            raise UsageError(f"expected an operation that edge {edge} may take, got none; allow more")
        return mask

    def decide(self, edge: int) -> None:
        """Give an edge its most important operation."""
        operation = int(self.importance(edge).argmax())
        if self.importance(edge)[operation] == -np.inf:  # nothing could be scored: the first that is allowed
            operation = int(self.allowed_on(edge).argmax())
        self.decided[edge] = operation
        self.weights[edge] = 0.0
        self.weights[edge, operation] = 1.0
        self.steps += 1
        self._known.clear()


def _jointly(state: _State) -> Int[Array, " e"]:
    """The allowed architecture with the largest sum of importances: depth first, cut off by what may follow."""
    worth = np.stack([state.importance(edge) for edge in range(len(state.decided))])
    worth = np.nan_to_num(worth, neginf=-_UNKNOWN, posinf=_UNKNOWN)
    rest = np.append(np.cumsum(worth.max(axis=1)[::-1])[::-1], 0.0)
    best, chosen = -np.inf, state.decided

    def visit(edge: int, total: float) -> None:
        nonlocal best, chosen
        if edge == len(worth):
            best, chosen = total, state.decided.copy()
            return
        mask = state.allowed_on(edge)
        for operation in np.argsort(-worth[edge], kind="stable"):
            value = total + worth[edge, operation]
            if mask[operation] and value + rest[edge + 1] > best:
                state.decided[edge] = operation
                visit(edge + 1, value)
                state.decided[edge] = -1

    visit(0, 0.0)
    return chosen


def _order_once(state: _State, rng: np.random.Generator) -> Int[Array, " e"] | None:
    """The order of edges where it is known in advance; None where each step looks again."""
    edges = state.undecided
    if state.plan.order == "fixed":
        return edges
    if state.plan.order == "random":
        return rng.permutation(edges)
    if state.plan.order.endswith("once"):
        worth = np.array([_worth(state, int(edge)) for edge in edges])
        return edges[np.argsort(-worth, kind="stable")]
    return None


def _next_edge(state: _State, undecided: Int[Array, " u"]) -> int:
    return int(max(undecided.tolist(), key=lambda edge: _worth(state, edge)))


def _worth(state: _State, edge: int) -> float:
    """What an edge is ordered by: its most important operation, or the mean over its operations."""
    importance = state.importance(edge)
    if state.plan.order.startswith("global-op"):
        return float(importance.max())
    finite = importance[np.isfinite(importance)]
    return float(finite.mean()) if len(finite) else -np.inf
